/* SPDX-License-Identifier: Apache-2.0 */
#include "minidebug.h"

#include <errno.h>
#include <lzma.h>
#include <sys/mman.h>

#define CHUNK          65536
#define DECODER_MEMORY (128ULL << 20) /* xz -9 needs 65 MiB */

struct unpack {
	const struct wf_image *image;
	uint64_t offset, left; /* packed bytes not yet read */
	uint64_t written;
	int fd;
	uint8_t in[CHUNK], out[CHUNK];
};

static int write_out(struct unpack *unpack, size_t len)
{
	const uint8_t *at = unpack->out;

	if (unpack->written + len > WF_MINIDEBUG_BYTES_MAX)
		return -E2BIG;
	unpack->written += len;
	while (len) {
		ssize_t n = write(unpack->fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EIO;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int read_in(struct unpack *unpack, lzma_stream *stream)
{
	size_t len = unpack->left < CHUNK ? unpack->left : CHUNK;
	int rc = wf_image_read(unpack->image, unpack->offset, unpack->in, len);

	if (rc < 0)
		return rc;
	unpack->offset += len;
	unpack->left -= len;
	stream->next_in = unpack->in;
	stream->avail_in = len;
	return 0;
}

static int run_decoder(struct unpack *unpack, lzma_stream *stream)
{
	lzma_ret state = LZMA_OK;
	int rc = 0;

	while (rc == 0 && state == LZMA_OK) {
		if (!stream->avail_in && unpack->left) {
			rc = read_in(unpack, stream);
			if (rc < 0)
				return rc;
		}
		stream->next_out = unpack->out;
		stream->avail_out = CHUNK;
		state = lzma_code(stream, unpack->left ? LZMA_RUN : LZMA_FINISH);
		rc = write_out(unpack, CHUNK - stream->avail_out);
	}
	if (rc < 0)
		return rc;
	return state == LZMA_STREAM_END ? 0 : -EIO;
}

/* Into a memory file, which is read like any other: unpacked bytes are not our resident memory. */
static int unpack_to_fd(struct unpack *unpack)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	int rc;

	if (lzma_stream_decoder(&stream, DECODER_MEMORY, 0) != LZMA_OK)
		return -ENOMEM;
	rc = run_decoder(unpack, &stream);
	lzma_end(&stream);
	return rc;
}

int wf_minidebug_open(const struct wf_image *image, struct wf_image **ret)
{
	wf_auto(wf_freep) struct unpack *unpack = NULL;
	wf_auto(wf_closep) int fd = -1;
	GElf_Shdr shdr;
	int rc;

	if (!wf_image_section(image, ".gnu_debugdata", 0, &shdr) || shdr.sh_type == SHT_NOBITS)
		return -ENOENT;
	if (shdr.sh_size > WF_MINIDEBUG_PACKED_MAX)
		return -E2BIG;
	unpack = calloc(1, sizeof(*unpack));
	fd = memfd_create("wftrace-minidebug", MFD_CLOEXEC);
	if (!unpack || fd < 0)
		return -ENOMEM;
	unpack->image = image;
	unpack->offset = shdr.sh_offset;
	unpack->left = shdr.sh_size;
	unpack->fd = fd;
	rc = unpack_to_fd(unpack);
	if (rc < 0)
		return rc;
	return wf_image_open_fd(wf_take_fd(&fd), ".gnu_debugdata", ret, NULL);
}
