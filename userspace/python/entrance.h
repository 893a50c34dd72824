/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entrance.h - asking an interpreter to come by, by whichever way it has: checks, the stop, the
 * write, and taking it back. One attempt each; inject.h decides when. Control thread.
 */
#ifndef WF_PYTHON_ENTRANCE_H
#define WF_PYTHON_ENTRANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "memory.h"
#include "owner.h"
#include "remote.h"
#include "runtime.h"
#include "script.h"
#include "slot.h"

#define WF_NONCE_MAX 24

struct wf_entrance {
	const struct wf_python *python;
	struct wf_regions regions;
	struct wf_python_room room;
	struct wf_owner self;
	bool claimed; /* the record of the owner is new */
	bool force;
	bool first; /* nothing of its program has run: to be set before it is asked */
	bool asked;
	char nonce[WF_NONCE_MAX]; /* of this attempt */
	struct wf_slot slot;
	struct wf_script left; /* of a tracer that was killed; dir -1: none */
	struct wf_script script;
	uint32_t threads;   /* that were asked by a script */
	uint32_t withdrawn; /* that were told to forget it */
};

/* Plain data; wf_entrance_done() releases it. */
int wf_entrance_init(const struct wf_python *python, bool force, struct wf_entrance *ret,
		     struct wf_err *err);
void wf_entrance_done(struct wf_entrance *entrance);

/*
 * Ask once. -EAGAIN with a reason: not now, nothing was written; -EINTR: a native thread is in a
 * call that a stop would disturb; others as in wf_inject_poll().
 */
int wf_entrance_ask(struct wf_entrance *entrance, struct wf_err *err);
/* 1 while nobody has come by, 0 once somebody has; -ESRCH. */
int wf_entrance_waits(const struct wf_entrance *entrance);
/* Say it again, where that is needed. */
void wf_entrance_remind(const struct wf_entrance *entrance);
/* No further thread comes by. 0, or -EALREADY where one has; -ESRCH; -EAGAIN. */
int wf_entrance_close(struct wf_entrance *entrance);
/* Threads that have come by or may be about to: as many sides may be opened. */
uint32_t wf_entrance_begun(const struct wf_entrance *entrance);

/* Is another tracer the owner? -EBUSY. ret_room and ret_is_self may be NULL. */
int wf_entrance_owner(const struct wf_python *python, bool force, struct wf_python_room *ret_room,
		      bool *ret_is_self, struct wf_err *err);
void wf_entrance_release(const struct wf_python *python);

#endif
