/* SPDX-License-Identifier: Apache-2.0 */
#include "gzip.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#define WINDOW_GZIP (15 + 16) /* 32 KiB window, gzip header */
#define PIECE_BYTES 16384

struct wf_gzip {
	z_stream stream;
	bool ready;
};

struct wf_gzip *wf_gzip_new(int level)
{
	wf_auto(wf_gzip_freep) struct wf_gzip *gzip = calloc(1, sizeof(*gzip));

	if (!gzip)
		return NULL;
	gzip->ready = deflateInit2(&gzip->stream, level, Z_DEFLATED, WINDOW_GZIP, 8,
				   Z_DEFAULT_STRATEGY) == Z_OK;
	return gzip->ready ? wf_take(gzip) : NULL;
}

void wf_gzip_free(struct wf_gzip *gzip)
{
	if (!gzip)
		return;
	if (gzip->ready)
		deflateEnd(&gzip->stream);
	free(gzip);
}

int wf_gzip_append(struct wf_gzip *gzip, const void *bytes, size_t len, struct wf_buf *out)
{
	z_stream *stream = &gzip->stream;
	unsigned char piece[PIECE_BYTES];
	int rc;

	if (len > UINT_MAX)
		return -E2BIG;
	if (deflateReset(stream) != Z_OK)
		return -EIO;
	stream->next_in = (unsigned char *)bytes;
	stream->avail_in = (unsigned)len;
	do {
		stream->next_out = piece;
		stream->avail_out = sizeof(piece);
		rc = deflate(stream, Z_FINISH);
		if (wf_buf_append(out, piece, sizeof(piece) - stream->avail_out) < 0)
			return -E2BIG;
	} while (rc == Z_OK);
	return rc == Z_STREAM_END ? 0 : -EIO;
}
