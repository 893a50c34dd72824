/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue.h - batches in order of arrival, bounded by bytes and by number. Holds a reference to
 * each. Not locked.
 */
#ifndef WF_QUEUE_H
#define WF_QUEUE_H

#include "userspace/base/cleanup.h"
#include "userspace/span/span.h"

struct wf_queue;

struct wf_queue_item {
	struct wf_batch *batch;
	uint32_t from;  /* spans before it are done with */
	uint32_t spans; /* to be exported from there on */
	size_t bytes;   /* memory that the batch pins */
};

/* Counts what belongs to the signal as its spans. NULL when memory is out. */
struct wf_queue *wf_queue_new(uint32_t batches_max, size_t bytes_max, enum wf_signal signal);
void wf_queue_free(struct wf_queue *queue);

/* Takes a reference. False when full; a batch over the byte limit fits an empty queue. */
bool wf_queue_push(struct wf_queue *queue, struct wf_batch *batch);
/* The oldest, to be changed in place; NULL when empty. */
struct wf_queue_item *wf_queue_peek(struct wf_queue *queue);
/* Drop the oldest and its reference. Returns the spans that were still to be exported. */
uint32_t wf_queue_drop(struct wf_queue *queue);
/* Remove the oldest; its reference goes to the caller. NULL when empty. */
struct wf_batch *wf_queue_pop(struct wf_queue *queue);
/* `spans` of the oldest left the queue, up to `next`; drops it when nothing is left. */
void wf_queue_advance(struct wf_queue *queue, uint32_t next, uint32_t spans);

uint64_t wf_queue_spans(const struct wf_queue *queue);

WF_DEFINE_FREEP(wf_queue_freep, struct wf_queue, wf_queue_free)

#endif
