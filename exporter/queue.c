/* SPDX-License-Identifier: Apache-2.0 */
#include "queue.h"

#include <stdlib.h>

#include "group.h"

struct wf_queue {
	struct wf_queue_item *items;
	uint32_t first, count, max;
	size_t bytes, bytes_max;
	uint64_t spans;
	enum wf_signal signal;
};

struct wf_queue *wf_queue_new(uint32_t batches_max, size_t bytes_max, enum wf_signal signal)
{
	wf_auto(wf_queue_freep) struct wf_queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return NULL;
	queue->items = calloc(batches_max, sizeof(*queue->items));
	if (!queue->items)
		return NULL;
	queue->signal = signal;
	queue->max = batches_max;
	queue->bytes_max = bytes_max;
	return wf_take(queue);
}

void wf_queue_free(struct wf_queue *queue)
{
	if (!queue)
		return;
	while (queue->count)
		wf_queue_drop(queue);
	free(queue->items);
	free(queue);
}

bool wf_queue_push(struct wf_queue *queue, struct wf_batch *batch)
{
	size_t bytes = wf_arena_used(batch->arena) + batch->capacity * sizeof(*batch->spans);
	struct wf_queue_item *item;

	if (queue->count == queue->max || (queue->count && queue->bytes + bytes > queue->bytes_max))
		return false;
	item = &queue->items[(queue->first + queue->count++) % queue->max];
	*item = (struct wf_queue_item){
		.batch = batch,
		.bytes = bytes,
		.spans = wf_group_count(batch, 0, batch->count, queue->signal),
	};
	wf_batch_ref(batch);
	queue->bytes += bytes;
	queue->spans += item->spans;
	return true;
}

struct wf_queue_item *wf_queue_peek(struct wf_queue *queue)
{
	return queue->count ? &queue->items[queue->first] : NULL;
}

struct wf_batch *wf_queue_pop(struct wf_queue *queue)
{
	struct wf_queue_item *item = wf_queue_peek(queue);

	if (!item)
		return NULL;
	queue->bytes -= item->bytes;
	queue->spans -= item->spans;
	queue->first = (queue->first + 1) % queue->max;
	queue->count--;
	return item->batch;
}

uint32_t wf_queue_drop(struct wf_queue *queue)
{
	struct wf_queue_item *item = wf_queue_peek(queue);
	uint32_t spans = item ? item->spans : 0;

	wf_batch_unref(wf_queue_pop(queue));
	return spans;
}

void wf_queue_advance(struct wf_queue *queue, uint32_t next, uint32_t spans)
{
	struct wf_queue_item *item = wf_queue_peek(queue);

	item->from = next;
	item->spans -= spans;
	queue->spans -= spans;
	/* Notices may be left; nobody waits for them. */
	if (next >= item->batch->count || !item->spans)
		wf_queue_drop(queue);
}

uint64_t wf_queue_spans(const struct wf_queue *queue)
{
	return queue->spans;
}
