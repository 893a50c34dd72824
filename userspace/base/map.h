/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map.h - a hash map from a 64-bit key to a 64-bit value (or pointer), with a maximum.
 *
 * Open addressing, no allocation per entry after warm-up. Keys are mixed, so ids and addresses
 * are fine. One thread at a time. Not ordered.
 */
#ifndef WF_BASE_MAP_H
#define WF_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"

struct wf_map;

struct wf_map *wf_map_new(size_t max_entries);
void wf_map_free(struct wf_map *map);
size_t wf_map_count(const struct wf_map *map);

/* 0, -ENOSPC at the maximum, -ENOMEM. Replaces an older value. */
int wf_map_put(struct wf_map *map, uint64_t key, uint64_t value);
bool wf_map_get(const struct wf_map *map, uint64_t key, uint64_t *ret_value);
/* False where the key was not there. ret_value may be NULL. */
bool wf_map_del(struct wf_map *map, uint64_t key, uint64_t *ret_value);
void wf_map_clear(struct wf_map *map);

/* Walk: start with *cursor = 0; false at the end. Do not change the map while walking. */
bool wf_map_next(const struct wf_map *map, size_t *cursor, uint64_t *ret_key, uint64_t *ret_value);

static inline int wf_map_put_ptr(struct wf_map *map, uint64_t key, void *value)
{
	return wf_map_put(map, key, (uint64_t)(uintptr_t)value);
}

static inline void *wf_map_get_ptr(const struct wf_map *map, uint64_t key)
{
	uint64_t value;

	return wf_map_get(map, key, &value) ? (void *)(uintptr_t)value : NULL;
}

WF_DEFINE_FREEP(wf_map_freep, struct wf_map, wf_map_free)

#endif
