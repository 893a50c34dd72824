/* SPDX-License-Identifier: Apache-2.0 */
#include "hold.h"

#include <errno.h>
#include <string.h>

#include "userspace/base/map.h"
#include "userspace/base/pool.h"

struct wf_holds {
	struct wf_pool *pool;
	struct wf_map *by_parent; /* parent id -> first that waits for it */
	struct wf_map *settled;   /* running spans that are sure to be recorded */
	struct wf_list list;      /* all, oldest first */
	size_t max;
	wf_hold_release release;
	void *ctx;
};

struct wf_holds *wf_holds_new(size_t max, size_t max_bytes, wf_hold_release release, void *ctx)
{
	wf_auto(wf_holds_freep) struct wf_holds *holds = calloc(1, sizeof(*holds));

	if (!holds)
		return NULL;
	holds->max = max;
	holds->release = release;
	holds->ctx = ctx;
	wf_list_init(&holds->list);
	holds->pool = wf_pool_new(max_bytes);
	holds->by_parent = wf_map_new(max);
	holds->settled = wf_map_new(max);
	return holds->pool && holds->by_parent && holds->settled ? wf_take(holds) : NULL;
}

void wf_holds_free(struct wf_holds *holds)
{
	if (!holds)
		return;
	wf_map_free(holds->by_parent);
	wf_map_free(holds->settled);
	wf_pool_free(holds->pool);
	free(holds);
}

static struct wf_held *first_of(const struct wf_holds *holds, uint64_t parent_id)
{
	return wf_map_get_ptr(holds->by_parent, parent_id);
}

/* Put a chain (its first knows its last) behind what already waits for this parent. */
static int append(struct wf_holds *holds, uint64_t parent_id, struct wf_held *chain)
{
	struct wf_held *first = first_of(holds, parent_id);

	if (!first)
		return wf_map_put_ptr(holds->by_parent, parent_id, chain);
	first->last->next = chain;
	first->last = chain->last;
	return 0;
}

/* Take one out of its chain. */
static void unchain(struct wf_holds *holds, struct wf_held *held)
{
	struct wf_held *first = first_of(holds, held->parent_id), *before;

	if (first == held) {
		if (held->next) {
			held->next->last = held->last;
			wf_map_put_ptr(holds->by_parent, held->parent_id, held->next);
		} else {
			wf_map_del(holds->by_parent, held->parent_id, NULL);
		}
		return;
	}
	for (before = first; before && before->next != held;)
		before = before->next;
	if (!before)
		return;
	before->next = held->next;
	if (first->last == held)
		first->last = before;
}

static void let_go(struct wf_holds *holds, struct wf_held *held)
{
	wf_list_remove(&holds->list, &held->age);
	holds->release(holds->ctx, held);
	wf_pool_give(holds->pool, held);
}

static bool make_room(struct wf_holds *holds)
{
	struct wf_held *oldest = wf_list_oldest(&holds->list);

	if (!oldest)
		return false;
	unchain(holds, oldest);
	let_go(holds, oldest);
	return true;
}

int wf_holds_add(struct wf_holds *holds, const struct wf_rec_span *record,
		 const struct wf_trace_context *context, uint64_t parent_id,
		 struct wf_exception *exception)
{
	size_t size = offsetof(struct wf_held, record) + record->head.size;
	struct wf_held *held;
	int early = 0;

	while (holds->list.count >= holds->max && make_room(holds))
		early++;
	while (!(held = wf_pool_take(holds->pool, size))) {
		if (!make_room(holds))
			return -ENOSPC;
		early++;
	}
	held->next = NULL;
	held->last = held;
	held->context = *context;
	held->parent_id = parent_id;
	held->exception = exception;
	memcpy(&held->record, record, record->head.size);
	if (append(holds, parent_id, held) < 0) {
		wf_pool_give(holds->pool, held);
		return -ENOSPC;
	}
	wf_list_append(&holds->list, &held->age);
	return early;
}

void wf_holds_settle(struct wf_holds *holds, uint64_t id)
{
	struct wf_held *held, *next;
	uint64_t first;

	if (!holds->list.count || !wf_map_del(holds->by_parent, id, &first))
		return;
	for (held = (struct wf_held *)(uintptr_t)first; held; held = next) {
		next = held->next;
		let_go(holds, held);
	}
}

void wf_holds_settle_open(struct wf_holds *holds, uint64_t id)
{
	wf_map_put(holds->settled, id, 1);
	wf_holds_settle(holds, id);
}

bool wf_holds_is_settled(const struct wf_holds *holds, uint64_t id)
{
	uint64_t value;

	return wf_map_get(holds->settled, id, &value);
}

void wf_holds_forget(struct wf_holds *holds, uint64_t id)
{
	if (wf_map_count(holds->settled))
		wf_map_del(holds->settled, id, NULL);
}

size_t wf_holds_move(struct wf_holds *holds, uint64_t id, uint64_t parent_id, bool wait)
{
	struct wf_held *first, *held;
	uint64_t value;
	size_t count = 0;

	if (!wf_map_del(holds->by_parent, id, &value))
		return 0;
	first = (struct wf_held *)(uintptr_t)value;
	for (held = first; held; held = held->next) {
		held->parent_id = parent_id;
		count++;
	}
	/* There is room: one entry was just removed. */
	append(holds, parent_id, first);
	if (!wait)
		wf_holds_settle(holds, parent_id);
	return count;
}

size_t wf_holds_expire(struct wf_holds *holds, uint64_t until_ns)
{
	struct wf_held *oldest;
	size_t count = 0;

	while ((oldest = wf_list_oldest(&holds->list)) && oldest->record.head.time_ns <= until_ns &&
	       make_room(holds))
		count++;
	return count;
}

size_t wf_holds_count(const struct wf_holds *holds)
{
	return holds->list.count;
}
