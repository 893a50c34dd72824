/* SPDX-License-Identifier: Apache-2.0 */
#include "start.h"

#include <string.h>

#include "userspace/base/list.h"
#include "userspace/base/map.h"
#include "userspace/base/pool.h"

struct start {
	struct wf_node age; /* in `fresh` or `told` */
	bool told;
	struct wf_rec_span record; /* captured values follow */
};

struct wf_starts {
	struct wf_pool *pool;
	struct wf_map *by_id;       /* span id -> struct start */
	struct wf_list fresh, told; /* oldest first */
	size_t max;
};

struct wf_starts *wf_starts_new(size_t max, size_t max_bytes)
{
	wf_auto(wf_starts_freep) struct wf_starts *starts = calloc(1, sizeof(*starts));

	if (!starts)
		return NULL;
	starts->max = max;
	wf_list_init(&starts->fresh);
	wf_list_init(&starts->told);
	starts->pool = wf_pool_new(max_bytes);
	starts->by_id = wf_map_new(max);
	return starts->pool && starts->by_id ? wf_take(starts) : NULL;
}

void wf_starts_free(struct wf_starts *starts)
{
	if (!starts)
		return;
	wf_map_free(starts->by_id);
	wf_pool_free(starts->pool);
	free(starts);
}

static void drop(struct wf_starts *starts, struct start *start)
{
	wf_map_del(starts->by_id, start->record.id, NULL);
	wf_list_remove(start->told ? &starts->told : &starts->fresh, &start->age);
	wf_pool_give(starts->pool, start);
}

static struct start *oldest(const struct wf_starts *starts)
{
	struct start *start = wf_list_oldest(&starts->told);

	return start ? start : wf_list_oldest(&starts->fresh);
}

static struct start *make_room(struct wf_starts *starts, size_t size)
{
	struct start *start, *first;

	while (starts->fresh.count + starts->told.count >= starts->max)
		drop(starts, oldest(starts));
	while (!(start = wf_pool_take(starts->pool, size)) && (first = oldest(starts)))
		drop(starts, first);
	return start;
}

void wf_starts_add(struct wf_starts *starts, const struct wf_rec_span *record)
{
	struct start *start;

	if (wf_map_get_ptr(starts->by_id, record->id))
		return;
	start = make_room(starts, offsetof(struct start, record) + record->head.size);
	if (!start)
		return;
	start->told = false;
	memcpy(&start->record, record, record->head.size);
	if (wf_map_put_ptr(starts->by_id, record->id, start) < 0)
		wf_pool_give(starts->pool, start);
	else
		wf_list_append(&starts->fresh, &start->age);
}

void wf_starts_end(struct wf_starts *starts, uint64_t span_id)
{
	struct start *start =
		wf_map_count(starts->by_id) ? wf_map_get_ptr(starts->by_id, span_id) : NULL;

	if (start)
		drop(starts, start);
}

void wf_starts_announce(struct wf_starts *starts, uint64_t before_ns, wf_start_deliver deliver,
			void *context)
{
	struct start *start;

	while ((start = wf_list_oldest(&starts->fresh)) && start->record.head.time_ns < before_ns) {
		wf_list_remove(&starts->fresh, &start->age);
		wf_list_append(&starts->told, &start->age);
		start->told = true;
		deliver(context, &start->record);
	}
}

static void end_now(struct wf_rec_span *record, uint32_t tgid, uint64_t now_ns)
{
	record->head.kind = tgid ? WF_REC_SPAN : WF_REC_UNFINISHED;
	record->head.time_ns = now_ns > record->start_ns ? now_ns : record->start_ns;
	record->status = tgid ? WF_END_THREAD_EXIT : WF_END_UNFINISHED;
}

static void take_from(struct wf_starts *starts, struct wf_list *list, uint32_t tgid,
		      uint64_t now_ns, wf_start_deliver deliver, void *context)
{
	struct wf_node *node = list->ends.next, *next;

	for (; node != &list->ends; node = next) {
		struct start *start = (struct start *)node;

		next = node->next;
		if (tgid && start->record.head.tgid != tgid)
			continue;
		end_now(&start->record, tgid, now_ns);
		deliver(context, &start->record);
		drop(starts, start);
	}
}

void wf_starts_take(struct wf_starts *starts, uint32_t tgid, uint64_t now_ns,
		    wf_start_deliver deliver, void *context)
{
	take_from(starts, &starts->told, tgid, now_ns, deliver, context);
	take_from(starts, &starts->fresh, tgid, now_ns, deliver, context);
}
