/* SPDX-License-Identifier: Apache-2.0 */
#include "window.h"

#define BLOCK 4096U /* short reads take this much, so that neighbours hit */

struct window {
	uint8_t *bytes;
	uint64_t offset;
	size_t len;
	uint64_t used; /* call number of the last use */
};

struct wf_window_cache {
	const struct wf_image *image;
	struct window windows[WF_WINDOWS];
	uint64_t calls;
	size_t bytes;
};

struct wf_window_cache *wf_window_cache_new(const struct wf_image *image)
{
	struct wf_window_cache *cache = calloc(1, sizeof(*cache));

	if (cache)
		cache->image = image;
	return cache;
}

void wf_window_cache_free(struct wf_window_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < WF_WINDOWS; i++)
		free(cache->windows[i].bytes);
	free(cache);
}

static void drop(struct wf_window_cache *cache, struct window *window)
{
	cache->bytes -= window->len;
	free(window->bytes);
	*window = (struct window){0};
}

static struct window *oldest(struct wf_window_cache *cache, bool filled)
{
	struct window *best = NULL;

	for (size_t i = 0; i < WF_WINDOWS; i++) {
		struct window *window = &cache->windows[i];

		if ((!filled || window->bytes) && (!best || window->used < best->used))
			best = window;
	}
	return best;
}

static struct window *fill(struct wf_window_cache *cache, uint64_t offset, size_t len)
{
	struct window *window;
	uint8_t *bytes;

	while (cache->bytes + len > WF_WINDOW_BYTES_MAX && (window = oldest(cache, true)) != NULL)
		drop(cache, window);
	window = oldest(cache, false);
	drop(cache, window);
	bytes = malloc(len);
	if (!bytes)
		return NULL;
	if (wf_image_read(cache->image, offset, bytes, len) < 0) {
		free(bytes);
		return NULL;
	}
	*window = (struct window){.bytes = bytes, .offset = offset, .len = len};
	cache->bytes += len;
	return window;
}

static struct window *find(struct wf_window_cache *cache, uint64_t offset, size_t len)
{
	for (size_t i = 0; i < WF_WINDOWS; i++) {
		struct window *window = &cache->windows[i];

		if (window->bytes && offset >= window->offset &&
		    offset + len <= window->offset + window->len)
			return window;
	}
	return NULL;
}

const uint8_t *wf_window_get(struct wf_window_cache *cache, const struct wf_segment *segment,
			     uint64_t offset, size_t len)
{
	uint64_t end = segment->offset + segment->file_bytes;
	struct window *found;

	if (!len || len > WF_WINDOW_READ_MAX || offset < segment->offset || offset > end ||
	    len > end - offset)
		return NULL;
	found = find(cache, offset, len);
	if (!found && len < BLOCK && end - offset >= BLOCK)
		found = fill(cache, offset, BLOCK);
	if (!found)
		found = fill(cache, offset, len);
	if (!found)
		return NULL;
	found->used = ++cache->calls;
	return found->bytes + (offset - found->offset);
}
