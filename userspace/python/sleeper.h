/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sleeper.h - threads that a stop would disturb. The kernel resumes nearly every system call after
 * one, but a few return EINTR (signal(7)): epoll_wait, sigtimedwait, semtimedop, sockets with a
 * time-out, ... The interpreter's own code repeats them; other native code may not. Control thread.
 */
#ifndef WF_PYTHON_SLEEPER_H
#define WF_PYTHON_SLEEPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "halt.h"
#include "memory.h"

struct wf_sleeper {
	pid_t tid;
	char comm[16];
	char call[24]; /* "epoll_wait" */
};

/* What the rule needs to know of the process. */
struct wf_sleepers {
	pid_t pid;
	const struct wf_regions *regions;
	const char *interpreter; /* base name of the file that holds it */
};

/* The first thread that a stop would disturb. False: none. */
bool wf_sleeper_find(const struct wf_sleepers *process, struct wf_sleeper *ret);
/* Did this stop disturb the thread: would its call now return EINTR to code that may not expect it?
 */
bool wf_sleeper_disturbed(const struct wf_sleepers *process, const struct wf_halt_thread *thread);

#endif
