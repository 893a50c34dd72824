/* SPDX-License-Identifier: Apache-2.0 */
#include "map.h"

#include <errno.h>
#include <string.h>

#include "str.h"

#define SLOTS_MIN 16

struct slot {
	uint64_t key, value; /* key 0: empty; the entry of key 0 itself lies in struct wf_map */
};

struct wf_map {
	struct slot *slots;
	size_t mask;  /* slots - 1 */
	size_t count; /* entries, with that of key 0 */
	size_t max;
	bool has_zero;
	uint64_t zero_value;
};

struct wf_map *wf_map_new(size_t max_entries)
{
	struct wf_map *map = calloc(1, sizeof(*map));

	if (!map)
		return NULL;
	map->max = max_entries;
	map->mask = SLOTS_MIN - 1;
	map->slots = calloc(SLOTS_MIN, sizeof(*map->slots));
	if (!map->slots) {
		free(map);
		return NULL;
	}
	return map;
}

void wf_map_free(struct wf_map *map)
{
	if (!map)
		return;
	free(map->slots);
	free(map);
}

size_t wf_map_count(const struct wf_map *map)
{
	return map->count;
}

/* Slot of the key, or the empty slot where it would go. */
static size_t find(const struct wf_map *map, uint64_t key)
{
	size_t i = wf_mix64(key) & map->mask;

	while (map->slots[i].key && map->slots[i].key != key)
		i = (i + 1) & map->mask;
	return i;
}

static int grow(struct wf_map *map)
{
	struct wf_map bigger = *map;

	bigger.mask = map->mask * 2 + 1;
	bigger.slots = calloc(bigger.mask + 1, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i <= map->mask; i++) {
		if (map->slots[i].key)
			bigger.slots[find(&bigger, map->slots[i].key)] = map->slots[i];
	}
	free(map->slots);
	*map = bigger;
	return 0;
}

static int put_zero(struct wf_map *map, uint64_t value)
{
	if (!map->has_zero) {
		if (map->count >= map->max)
			return -ENOSPC;
		map->has_zero = true;
		map->count++;
	}
	map->zero_value = value;
	return 0;
}

int wf_map_put(struct wf_map *map, uint64_t key, uint64_t value)
{
	size_t i;
	int rc;

	if (!key)
		return put_zero(map, value);
	i = find(map, key);
	if (!map->slots[i].key) {
		if (map->count >= map->max)
			return -ENOSPC;
		/* At most three quarters full, so probe runs stay short. */
		if ((map->count + 1) * 4 > (map->mask + 1) * 3) {
			rc = grow(map);
			if (rc < 0)
				return rc;
			i = find(map, key);
		}
		map->count++;
	}
	map->slots[i] = (struct slot){key, value};
	return 0;
}

bool wf_map_get(const struct wf_map *map, uint64_t key, uint64_t *ret_value)
{
	size_t i;

	if (!key) {
		if (map->has_zero)
			*ret_value = map->zero_value;
		return map->has_zero;
	}
	i = find(map, key);
	if (!map->slots[i].key)
		return false;
	*ret_value = map->slots[i].value;
	return true;
}

/* Close the gap: move back each follower that may not stay behind an empty slot. */
static void close_gap(struct wf_map *map, size_t gap)
{
	size_t i = gap;

	for (;;) {
		size_t home;

		i = (i + 1) & map->mask;
		if (!map->slots[i].key)
			break;
		home = wf_mix64(map->slots[i].key) & map->mask;
		if (((i - home) & map->mask) >= ((i - gap) & map->mask)) {
			map->slots[gap] = map->slots[i];
			gap = i;
		}
	}
	map->slots[gap].key = 0;
}

bool wf_map_del(struct wf_map *map, uint64_t key, uint64_t *ret_value)
{
	uint64_t value;

	if (!wf_map_get(map, key, &value))
		return false;
	if (ret_value)
		*ret_value = value;
	if (!key)
		map->has_zero = false;
	else
		close_gap(map, find(map, key));
	map->count--;
	return true;
}

void wf_map_clear(struct wf_map *map)
{
	memset(map->slots, 0, (map->mask + 1) * sizeof(*map->slots));
	map->has_zero = false;
	map->count = 0;
}

bool wf_map_next(const struct wf_map *map, size_t *cursor, uint64_t *ret_key, uint64_t *ret_value)
{
	while (*cursor <= map->mask) {
		const struct slot *slot = &map->slots[(*cursor)++];

		if (slot->key) {
			*ret_key = slot->key;
			*ret_value = slot->value;
			return true;
		}
	}
	if (!map->has_zero || *cursor > map->mask + 1)
		return false;
	(*cursor)++;
	*ret_key = 0;
	*ret_value = map->zero_value;
	return true;
}
