/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window.h - a small cache of byte ranges read from an image.
 *
 * A range stays valid for at least the next WF_WINDOWS - 1 calls while these ask for less than
 * WF_WINDOW_BYTES_MAX together, then its memory is used again. Control thread.
 */
#ifndef WF_WINDOW_H
#define WF_WINDOW_H

#include "image.h"
#include "userspace/base/cleanup.h"

#define WF_WINDOWS          64
#define WF_WINDOW_READ_MAX  (1U << 20) /* one range; no real function is longer than this */
#define WF_WINDOW_BYTES_MAX (8U << 20)

struct wf_window_cache;

struct wf_window_cache *wf_window_cache_new(const struct wf_image *image);
void wf_window_cache_free(struct wf_window_cache *cache);

/* Bytes of the file, all of which lie inside [segment->offset, + file_bytes); NULL on failure. */
const uint8_t *wf_window_get(struct wf_window_cache *cache, const struct wf_segment *segment,
			     uint64_t offset, size_t len);

WF_DEFINE_FREEP(wf_window_cache_freep, struct wf_window_cache, wf_window_cache_free)

#endif
