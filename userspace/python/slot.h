/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slot.h - the way into CPython 3.8 to 3.13: one more pending call, as Py_AddPendingCall would
 * add it, written into a halted process. The interpreter makes it between two instructions, with
 * the GIL held: up to 3.11 in its main thread, later in any. Control thread.
 *
 * Everything is checked first and read back afterwards; what does not fit is left alone.
 */
#ifndef WF_PYTHON_SLOT_H
#define WF_PYTHON_SLOT_H

#include <stdint.h>

#include "halt.h"
#include "owner.h"
#include "state.h"

#define WF_SLOT_TEXT_MAX 448

/* A call that was added. */
struct wf_slot {
	uint64_t queue; /* address */
	uint64_t function, argument, nothing;
	uint32_t slot;
};

/* Bytes of room that a call takes. */
uint32_t wf_slot_need(void);

/*
 * Make the text (Python source) a pending call; the record and the code that runs it go into the
 * room. -EAGAIN: the queue is full or in use just now; -ENOTSUP: not as it should be, nothing was
 * written; -EIO: what was written does not read back, and was taken back.
 */
int wf_slot_put(const struct wf_python *python, const struct wf_halt *halt,
		const struct wf_state *state, const struct wf_regions *regions,
		const struct wf_python_room *room, const struct wf_owner *owner, const char *text,
		struct wf_slot *ret, struct wf_err *err);
/* 1 while it waits, 0 once it was taken, -ESRCH, -EBADMSG. Needs no halt. */
int wf_slot_waits(const struct wf_python *python, const struct wf_slot *slot);
/*
 * Ring again: between 3.9 and 3.11 a native thread that adds a call of its own silences the bell of
 * all that wait. Needs no halt; does nothing from 3.13 on.
 */
void wf_slot_remind(const struct wf_python *python, const struct wf_slot *slot);
/* Take it back from a halted process. -EALREADY: it was taken. */
int wf_slot_withdraw(const struct wf_python *python, const struct wf_slot *slot);

#endif
