/* SPDX-License-Identifier: Apache-2.0 */
/* gzip.h - a body compressed at once; the state stays warm. One thread at a time. */
#ifndef WF_GZIP_H
#define WF_GZIP_H

#include "userspace/base/buf.h"
#include "userspace/base/cleanup.h"

struct wf_gzip;

/* level 1..9. NULL when memory is out. */
struct wf_gzip *wf_gzip_new(int level);
void wf_gzip_free(struct wf_gzip *gzip);
/* Append the gzip form of the bytes. 0, -E2BIG, -EIO (zlib's own failure). */
int wf_gzip_append(struct wf_gzip *gzip, const void *bytes, size_t len, struct wf_buf *out);

WF_DEFINE_FREEP(wf_gzip_freep, struct wf_gzip, wf_gzip_free)

#endif
