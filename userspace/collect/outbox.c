/* SPDX-License-Identifier: Apache-2.0 */
#include "outbox.h"

#define KEPT_MAX 32

struct wf_outbox {
	uint32_t batch_spans;
	size_t batch_bytes;
	struct wf_batch *kept[KEPT_MAX];
	uint32_t kept_count;
	struct wf_batch *current;
	unsigned ticks; /* that the current one has seen */
	/* A circle of `due_room` places. */
	struct wf_batch **due;
	size_t due_first, due_count, due_room, due_max;
};

struct wf_outbox *wf_outbox_new(uint32_t batch_spans, size_t batch_bytes, size_t due_max)
{
	struct wf_outbox *outbox = calloc(1, sizeof(*outbox));

	if (!outbox)
		return NULL;
	outbox->batch_spans = batch_spans ? batch_spans : 1;
	outbox->batch_bytes = batch_bytes;
	outbox->due_max = due_max;
	return outbox;
}

void wf_outbox_free(struct wf_outbox *outbox)
{
	struct wf_batch *batch;

	if (!outbox)
		return;
	while ((batch = wf_outbox_take(outbox)))
		wf_batch_unref(batch);
	wf_batch_unref(outbox->current);
	for (uint32_t i = 0; i < outbox->kept_count; i++)
		wf_batch_unref(outbox->kept[i]);
	free(outbox->due);
	free(outbox);
}

static void empty(struct wf_batch *batch)
{
	for (uint32_t i = 0; i < batch->count; i++)
		wf_resource_unref(batch->spans[i].resource);
	batch->count = 0;
	wf_arena_reset(batch->arena);
}

static struct wf_batch *batch_new(struct wf_outbox *outbox)
{
	struct wf_batch *batch;

	for (uint32_t i = 0; i < outbox->kept_count; i++) {
		batch = outbox->kept[i];
		/* Acquire what the last user did before it let go. */
		if (atomic_load_explicit(&batch->refs, memory_order_acquire) == 1) {
			empty(batch);
			wf_batch_ref(batch);
			return batch;
		}
	}
	batch = wf_batch_new(outbox->batch_spans, outbox->batch_bytes);
	if (batch && outbox->kept_count < KEPT_MAX) {
		wf_batch_ref(batch);
		outbox->kept[outbox->kept_count++] = batch;
	}
	return batch;
}

struct wf_batch *wf_outbox_open(struct wf_outbox *outbox, bool *fresh)
{
	*fresh = !outbox->current;
	if (!outbox->current) {
		outbox->current = batch_new(outbox);
		outbox->ticks = 0;
	}
	return outbox->current;
}

static bool grow_due(struct wf_outbox *outbox)
{
	size_t room = outbox->due_room ? outbox->due_room * 2 : 16;
	struct wf_batch **due;

	if (outbox->due_count >= outbox->due_max)
		return false;
	due = calloc(room, sizeof(struct wf_batch *));
	if (!due)
		return false;
	for (size_t i = 0; i < outbox->due_count; i++)
		due[i] = outbox->due[(outbox->due_first + i) % outbox->due_room];
	free(outbox->due);
	outbox->due = due;
	outbox->due_first = 0;
	outbox->due_room = room;
	return true;
}

/* Notices of running calls are not spans that can be lost. */
static struct wf_outbox_lost count(const struct wf_batch *batch)
{
	struct wf_outbox_lost lost = {0};

	for (uint32_t i = 0; i < batch->count; i++) {
		lost.spans += wf_span_is(&batch->spans[i], WF_SIGNAL_SPANS);
		lost.logs += wf_span_is(&batch->spans[i], WF_SIGNAL_LOGS);
	}
	return lost;
}

struct wf_outbox_lost wf_outbox_close(struct wf_outbox *outbox)
{
	struct wf_batch *batch = outbox->current;
	struct wf_outbox_lost lost = {0};

	outbox->current = NULL;
	if (!batch || !batch->count) {
		wf_batch_unref(batch);
		return lost;
	}
	if (outbox->due_count == outbox->due_room && !grow_due(outbox)) {
		lost = count(batch);
		wf_batch_unref(batch);
		return lost;
	}
	outbox->due[(outbox->due_first + outbox->due_count++) % outbox->due_room] = batch;
	return lost;
}

struct wf_outbox_lost wf_outbox_tick(struct wf_outbox *outbox)
{
	if (!outbox->current || !outbox->current->count || ++outbox->ticks < 2)
		return (struct wf_outbox_lost){0};
	return wf_outbox_close(outbox);
}

struct wf_batch *wf_outbox_take(struct wf_outbox *outbox)
{
	struct wf_batch *batch;

	if (!outbox->due_count)
		return NULL;
	batch = outbox->due[outbox->due_first];
	outbox->due_first = (outbox->due_first + 1) % outbox->due_room;
	outbox->due_count--;
	return batch;
}
