/* SPDX-License-Identifier: Apache-2.0 */
/*
 * halt.h - a process held still for some microseconds, so that what is checked stays true while it
 * is written. By ptrace: if wftrace dies meanwhile, the kernel lets the process go on.
 *
 * Begin and end on one thread. Signals that arrive meanwhile are delivered at the end. A thread
 * that was stopped inside one of the few system calls that cannot be resumed would see EINTR:
 * wf_halt_repeat() lets it make the call again.
 */
#ifndef WF_PYTHON_HALT_H
#define WF_PYTHON_HALT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/err.h"

struct wf_halt;

struct wf_halt_thread {
	pid_t tid;
	int signal;            /* to be delivered at the end */
	bool repeat;           /* make the interrupted call again */
	uint64_t thread;       /* what pthread_self() is in it */
	uint64_t stack;        /* its stack pointer */
	int64_t call;          /* number of the system call it was in, -1 = none */
	int64_t answer;        /* of that call, as a program would see it */
	uint64_t arguments[6]; /* of that call */
};

/*
 * Stop every thread. -EBUSY: it is being traced by another process; -EACCES; -ESRCH: gone; -EAGAIN:
 * a thread does not stop now (it waits for a disk or for a child's exec): try later.
 */
int wf_halt_begin(pid_t pid, struct wf_halt **ret, struct wf_err *err);
/* Let it go on. NULL is fine. */
void wf_halt_end(struct wf_halt *halt);

const struct wf_halt_thread *wf_halt_threads(const struct wf_halt *halt, size_t *ret_count);
/* At the end, let this thread make its call again, unless a signal waits for it. */
void wf_halt_repeat(struct wf_halt *halt, size_t thread);
/* Write code: private memory that the process itself may not write. -EFAULT. */
int wf_halt_write(const struct wf_halt *halt, uint64_t address, const void *bytes, size_t len);

WF_DEFINE_FREEP(wf_halt_freep, struct wf_halt, wf_halt_end)

#endif
