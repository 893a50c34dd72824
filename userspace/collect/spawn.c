/* SPDX-License-Identifier: Apache-2.0 */
#include "spawn.h"

#include "userspace/base/list.h"
#include "userspace/base/map.h"
#include "userspace/base/pool.h"

struct relation {
	struct wf_node age; /* in `open` or `ended` */
	struct relation *same_span;
	struct wf_spawn spawn;
	uint32_t tid;
};

struct wf_spawns {
	struct wf_pool *pool;
	struct wf_map *by_tid;  /* -> struct relation */
	struct wf_map *by_span; /* running spans -> first of their relations */
	struct wf_list open, ended;
	uint64_t keep_ns, serial;
};

struct wf_spawns *wf_spawns_new(size_t max, uint64_t keep_ns)
{
	wf_auto(wf_spawns_freep) struct wf_spawns *spawns = calloc(1, sizeof(*spawns));

	if (!spawns)
		return NULL;
	wf_list_init(&spawns->open);
	wf_list_init(&spawns->ended);
	spawns->keep_ns = keep_ns;
	/* Twice the block, since slabs are cut in powers of two. */
	spawns->pool = wf_pool_new((max + 2048) * 2 * sizeof(struct relation));
	spawns->by_tid = wf_map_new(max);
	spawns->by_span = wf_map_new(max);
	if (!spawns->pool || !spawns->by_tid || !spawns->by_span)
		return NULL;
	return wf_take(spawns);
}

void wf_spawns_free(struct wf_spawns *spawns)
{
	if (!spawns)
		return;
	wf_map_free(spawns->by_tid);
	wf_map_free(spawns->by_span);
	wf_pool_free(spawns->pool);
	free(spawns);
}

/* Put a running relation under its span's id. */
static void attach(struct wf_spawns *spawns, struct relation *relation)
{
	relation->same_span = wf_map_get_ptr(spawns->by_span, relation->spawn.span_id);
	wf_map_put_ptr(spawns->by_span, relation->spawn.span_id, relation);
}

static void detach(struct wf_spawns *spawns, struct relation *relation)
{
	uint64_t id = relation->spawn.span_id;
	struct relation *first = wf_map_get_ptr(spawns->by_span, id), *at;

	if (first == relation) {
		if (relation->same_span)
			wf_map_put_ptr(spawns->by_span, id, relation->same_span);
		else
			wf_map_del(spawns->by_span, id, NULL);
		return;
	}
	for (at = first; at && at->same_span != relation;)
		at = at->same_span;
	if (at)
		at->same_span = relation->same_span;
}

static void drop(struct wf_spawns *spawns, struct relation *relation)
{
	if (relation->spawn.end_ns) {
		wf_list_remove(&spawns->ended, &relation->age);
	} else {
		wf_list_remove(&spawns->open, &relation->age);
		detach(spawns, relation);
	}
	wf_map_del(spawns->by_tid, relation->tid, NULL);
	wf_pool_give(spawns->pool, relation);
}

void wf_spawns_forget(struct wf_spawns *spawns, uint32_t tid)
{
	struct relation *relation = wf_map_get_ptr(spawns->by_tid, tid);

	if (relation)
		drop(spawns, relation);
}

static bool make_room(struct wf_spawns *spawns)
{
	struct relation *oldest = wf_list_oldest(&spawns->ended);

	if (!oldest)
		oldest = wf_list_oldest(&spawns->open);
	if (oldest)
		drop(spawns, oldest);
	return oldest;
}

void wf_spawns_add(struct wf_spawns *spawns, uint32_t child_tid, const struct wf_spawn *spawn)
{
	struct relation *relation;

	wf_spawns_forget(spawns, child_tid);
	do
		relation = wf_pool_take(spawns->pool, sizeof(*relation));
	while (!relation && make_room(spawns));
	if (!relation)
		return;
	*relation = (struct relation){.spawn = *spawn, .tid = child_tid};
	relation->spawn.serial = ++spawns->serial;
	relation->spawn.end_ns = 0;
	while (wf_map_put_ptr(spawns->by_tid, child_tid, relation) < 0) {
		if (!make_room(spawns)) {
			wf_pool_give(spawns->pool, relation);
			return;
		}
	}
	wf_list_append(&spawns->open, &relation->age);
	attach(spawns, relation);
}

const struct wf_spawn *wf_spawns_find(const struct wf_spawns *spawns, uint32_t tid)
{
	const struct relation *relation = wf_map_get_ptr(spawns->by_tid, tid);

	return relation ? &relation->spawn : NULL;
}

static void end(struct wf_spawns *spawns, struct relation *relation, uint64_t end_ns)
{
	relation->spawn.end_ns = end_ns ? end_ns : 1;
	wf_list_remove(&spawns->open, &relation->age);
	wf_list_append(&spawns->ended, &relation->age);
}

void wf_spawns_ended(struct wf_spawns *spawns, uint64_t span_id, uint64_t end_ns)
{
	uint64_t first;

	if (!wf_map_del(spawns->by_span, span_id, &first))
		return;
	for (struct relation *at = (struct relation *)(uintptr_t)first; at; at = at->same_span)
		end(spawns, at, end_ns);
}

void wf_spawns_moved(struct wf_spawns *spawns, uint64_t span_id, uint64_t parent_id,
		     uint64_t now_ns)
{
	struct relation *at, *next;
	uint64_t first;

	if (!wf_map_del(spawns->by_span, span_id, &first))
		return;
	for (at = (struct relation *)(uintptr_t)first; at; at = next) {
		next = at->same_span;
		at->same_span = NULL;
		at->spawn.span_id = parent_id;
		if (parent_id)
			attach(spawns, at);
		else
			end(spawns, at, now_ns);
	}
}

void wf_spawns_tick(struct wf_spawns *spawns, uint64_t now_ns)
{
	struct relation *oldest;

	while ((oldest = wf_list_oldest(&spawns->ended)) &&
	       oldest->spawn.end_ns + spawns->keep_ns < now_ns)
		drop(spawns, oldest);
}
