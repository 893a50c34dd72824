/* SPDX-License-Identifier: Apache-2.0 */
#include "event.h"

#include <errno.h>
#include <string.h>

#include "userspace/base/map.h"
#include "userspace/base/pool.h"

struct wf_events {
	struct wf_pool *pool;
	struct wf_map *by_span; /* span id -> first event */
	struct wf_list list;    /* all, oldest first */
	size_t max;
};

struct wf_events *wf_events_new(size_t max, size_t max_bytes)
{
	wf_auto(wf_events_freep) struct wf_events *events = calloc(1, sizeof(*events));

	if (!events)
		return NULL;
	events->max = max;
	wf_list_init(&events->list);
	events->pool = wf_pool_new(max_bytes);
	events->by_span = wf_map_new(max);
	return events->pool && events->by_span ? wf_take(events) : NULL;
}

void wf_events_free(struct wf_events *events)
{
	if (!events)
		return;
	wf_map_free(events->by_span);
	wf_pool_free(events->pool);
	free(events);
}

/* Take the first event of a span out; the others stay. */
static void remove_first(struct wf_events *events, struct wf_waiting_event *first)
{
	struct wf_waiting_event *next = first->next;

	if (next) {
		next->last = first->last;
		next->count = first->count - 1;
		next->dropped = first->dropped;
		wf_map_put_ptr(events->by_span, first->record.id, next);
	} else {
		wf_map_del(events->by_span, first->record.id, NULL);
	}
	wf_list_remove(&events->list, &first->age);
	wf_pool_give(events->pool, first);
}

/* The oldest of all is also the first of its span. */
static bool make_room(struct wf_events *events)
{
	struct wf_waiting_event *oldest = wf_list_oldest(&events->list);

	if (oldest)
		remove_first(events, oldest);
	return oldest;
}

static struct wf_waiting_event *copy(struct wf_events *events, const struct wf_rec_span *record,
				     int *evicted)
{
	size_t size = offsetof(struct wf_waiting_event, record) + record->head.size;
	struct wf_waiting_event *event;

	if (events->list.count >= events->max)
		*evicted += make_room(events);
	while (!(event = wf_pool_take(events->pool, size))) {
		if (!make_room(events))
			return NULL;
		(*evicted)++;
	}
	event->next = NULL;
	event->last = event;
	event->count = 1;
	event->dropped = 0;
	memcpy(&event->record, record, record->head.size);
	return event;
}

int wf_events_add(struct wf_events *events, const struct wf_rec_span *record)
{
	struct wf_waiting_event *first = wf_map_get_ptr(events->by_span, record->id), *event;
	int evicted = 0;

	if (first && first->count >= WF_EVENTS_PER_SPAN) {
		first->dropped++;
		return -E2BIG;
	}
	event = copy(events, record, &evicted);
	if (!event)
		return -ENOSPC;
	/* Making room may have taken the first one. */
	first = wf_map_get_ptr(events->by_span, record->id);
	if (first) {
		first->last->next = event;
		first->last = event;
		first->count++;
	} else if (wf_map_put_ptr(events->by_span, record->id, event) < 0) {
		wf_pool_give(events->pool, event);
		return -ENOSPC;
	}
	wf_list_append(&events->list, &event->age);
	return evicted;
}

const struct wf_waiting_event *wf_events_find(const struct wf_events *events, uint64_t span_id)
{
	return wf_map_count(events->by_span) ? wf_map_get_ptr(events->by_span, span_id) : NULL;
}

uint32_t wf_events_drop(struct wf_events *events, uint64_t span_id)
{
	struct wf_waiting_event *first = wf_map_get_ptr(events->by_span, span_id), *next;
	uint32_t count = first ? first->count : 0;

	if (!first)
		return 0;
	wf_map_del(events->by_span, span_id, NULL);
	for (; first; first = next) {
		next = first->next;
		wf_list_remove(&events->list, &first->age);
		wf_pool_give(events->pool, first);
	}
	return count;
}

size_t wf_events_clear(struct wf_events *events)
{
	size_t count = 0;

	while (make_room(events))
		count++;
	return count;
}
