/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subject.h - a disposable child of wftrace that is probed in the place of a real target: to
 * measure what a trap costs here, and to run the hazards that wftrace avoids. Control thread only.
 */
#ifndef WF_SUBJECT_H
#define WF_SUBJECT_H

#include <stdint.h>
#include <sys/types.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/err.h"

enum wf_subject_place {
	WF_SUBJECT_CHEAP_ENTRY,   /* push */
	WF_SUBJECT_CHEAP_EXIT,    /* jcc that leaves both ways; frame sp = rsp + 8 */
	WF_SUBJECT_STEPPED_ENTRY, /* endbr64 */
	WF_SUBJECT_STEPPED_EXIT,  /* ret */
	WF_SUBJECT_NOP5,          /* 5-byte NOP of a leaf that keeps data below its stack pointer */
	WF_SUBJECT_PLACES,
};

enum wf_subject_work {
	WF_SUBJECT_CALL_CHEAP,   /* answer: nanoseconds for all calls */
	WF_SUBJECT_CALL_STEPPED, /* likewise */
	WF_SUBJECT_CALL_THREADS, /* half of the calls on a second thread */
	WF_SUBJECT_CALL_NOP5,    /* answer: calls that found their data overwritten */
	WF_SUBJECT_FORK_NOP5,    /* answer: signal that ended a forked child that called it, or 0 */
};

struct wf_subject;

int wf_subject_new(struct wf_subject **ret, struct wf_err *err);
/* Ends the child. */
void wf_subject_free(struct wf_subject *subject);
pid_t wf_subject_pid(const struct wf_subject *subject);
/* File offset of a place in wftrace's own executable. -ENOENT. */
int wf_subject_offset(enum wf_subject_place place, uint64_t *ret_offset);
/* Let the child work; -EPIPE where it died of it. */
int wf_subject_run(struct wf_subject *subject, enum wf_subject_work work, uint64_t calls,
		   uint64_t *ret_answer);

WF_DEFINE_FREEP(wf_subject_freep, struct wf_subject, wf_subject_free)

#endif
