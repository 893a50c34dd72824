/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox.h - the batch that is being filled, the batches that are due, and those that can be used
 * again. Data thread only; the batches given out may be released by any thread.
 *
 * It keeps a reference of its own on a few batches. One that has no other reference left was
 * released by everybody else, and is emptied and filled again: no allocation once warm.
 */
#ifndef WF_OUTBOX_H
#define WF_OUTBOX_H

#include "userspace/base/cleanup.h"
#include "userspace/span/span.h"

struct wf_outbox;

/* due_max: batches that may wait to be taken. NULL when memory is out. */
struct wf_outbox *wf_outbox_new(uint32_t batch_spans, size_t batch_bytes, size_t due_max);
void wf_outbox_free(struct wf_outbox *outbox);

/* The batch being filled; *fresh is set where it was begun just now. NULL when memory is out. */
struct wf_batch *wf_outbox_open(struct wf_outbox *outbox, bool *fresh);
/* What was lost because too many batches wait. */
struct wf_outbox_lost {
	uint32_t spans, logs;
};

/* The batch being filled becomes due (an empty one is begun anew). */
struct wf_outbox_lost wf_outbox_close(struct wf_outbox *outbox);
/* Time passes: a batch begun before the last tick becomes due. Returns as close does. */
struct wf_outbox_lost wf_outbox_tick(struct wf_outbox *outbox);
/* The oldest due batch, whose reference passes to the caller, or NULL. */
struct wf_batch *wf_outbox_take(struct wf_outbox *outbox);

WF_DEFINE_FREEP(wf_outbox_freep, struct wf_outbox, wf_outbox_free)

#endif
