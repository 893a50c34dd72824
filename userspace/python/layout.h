/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout.h - where CPython 3.8 to 3.13 keeps its pending calls, and what must hold there before
 * anything is written. Pure: works on a copy of the bytes; nothing here touches a process.
 *
 * The ring of pending calls is what Py_AddPendingCall fills and the interpreter empties between
 * two instructions, with the GIL held. One slot stays free up to 3.12, where `first == last` is
 * empty; 3.13 counts instead.
 */
#ifndef WF_PYTHON_LAYOUT_H
#define WF_PYTHON_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/base/err.h"

#define WF_QUEUE_BYTES_MAX 7232
#define WF_NO_OFFSET       UINT32_MAX

/* Offsets in bytes; WF_NO_OFFSET where a version has none. */
struct wf_layout {
	unsigned minor;         /* of 3.minor */
	uint32_t runtime_bytes; /* what of _PyRuntime is looked at, or its exact size */
	bool runtime_exact;
	uint32_t runtime_initialized, runtime_finalizing, runtime_main; /* main = interpreter */
	uint32_t runtime_main_thread;
	uint32_t interp_id, interp_threads, interp_finalizing;
	uint32_t thread_previous, thread_next, thread_interp, thread_breaker;
	bool in_runtime;  /* queue and breaker lie in _PyRuntime, not in the interpreter */
	uint32_t breaker; /* int that makes the interpreter look at the queue */
	uint32_t queue;   /* struct _pending_calls */
	uint32_t queue_bytes;
	uint32_t lock, todo, limit, calls, first, last; /* in the queue */
	uint32_t slots, slot_bytes;
	bool counted; /* todo is the number of calls, the lock is a byte and not a semaphore */
};

/* NULL where 3.minor has no table. */
const struct wf_layout *wf_layout_find(unsigned minor);

/* Head of the queue, checked. */
struct wf_queue {
	uint32_t first, last, todo, count;
};

/* One write. At most three make a call pending. */
struct wf_patch {
	uint32_t offset, len; /* in the queue */
	uint8_t bytes[24];
};
#define WF_QUEUE_PATCHES_MAX 3

/*
 * Read the head from a copy of the whole queue. -EBADMSG: it is not what this version has there,
 * so nothing may be written.
 */
int wf_queue_parse(const struct wf_layout *layout, const uint8_t *bytes, struct wf_queue *ret,
		   struct wf_err *err);
/* The address of the function in a slot. */
uint64_t wf_queue_function(const struct wf_layout *layout, const uint8_t *bytes, uint32_t slot);
uint64_t wf_queue_argument(const struct wf_layout *layout, const uint8_t *bytes, uint32_t slot);
bool wf_queue_is_full(const struct wf_layout *layout, const struct wf_queue *queue);
/* Is the slot between first and last? */
bool wf_queue_holds(const struct wf_layout *layout, const struct wf_queue *queue, uint32_t slot);

/* What to write, in this order, to append a call; into slot queue->last. Number of patches. */
size_t wf_queue_append(const struct wf_layout *layout, const struct wf_queue *queue,
		       uint64_t function, uint64_t argument, struct wf_patch *ret);
/*
 * What to write to take the call in `slot` back: it is cut off where it is the last one, else its
 * function becomes `nothing`, which returns 0. Number of patches.
 */
size_t wf_queue_remove(const struct wf_layout *layout, const struct wf_queue *queue, uint32_t slot,
		       uint64_t nothing, struct wf_patch *ret);

#endif
