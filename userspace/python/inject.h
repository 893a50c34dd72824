/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inject.h - one Python text executed in a running interpreter, and its answer: the only place
 * where wftrace writes into a target.
 *
 * The text runs in a fresh dict that holds `origin`, a path that names the image (only while the
 * text runs), and leaves a str in `result`. Its failure reaches nobody but us.
 *
 * A request waits until the interpreter runs bytecode, which may be never; waiting can be polled
 * and taken back. One request per process at a time, from one thread: it stops the target by
 * ptrace. A process has one owner: the first request writes down who we are, until
 * wf_inject_release().
 */
#ifndef WF_PYTHON_INJECT_H
#define WF_PYTHON_INJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime.h"
#include "userspace/base/err.h"

struct wf_inject;

enum wf_inject_state {
	WF_INJECT_BLOCKED,   /* not in yet: something must pass first */
	WF_INJECT_WAITING,   /* the interpreter was asked and has not come by */
	WF_INJECT_DELIVERED, /* its side is open and the text lies there, not begun */
	WF_INJECT_RUNNING,
	WF_INJECT_DONE, /* the answer is there */
};

struct wf_inject_request {
	const char *script; /* sets `result`; copied */
	const void *image;  /* borrowed until the request is freed */
	size_t image_bytes; /* 0: there is none, and `origin` is "" */
	bool first;         /* nothing of the program has run: it can wait for us longer */
	bool force;         /* go in where audit hooks watch, or native code would see EINTR */
};

/* Checks what can be checked without a stop, and tries once. Errors as in wf_inject_poll(). */
int wf_inject_start(const struct wf_python *python, const struct wf_inject_request *request,
		    struct wf_inject **ret, struct wf_err *err);
/*
 * One step; never blocks for more than some ms. Call it every ms or so. Returns the state, or:
 * -ESRCH the process has ended or runs another program; -EBUSY another tracer or debugger has it;
 * -ENOTSUP it is left alone, and why; -ETIMEDOUT; -ECANCELED the target could not do it (an audit
 * hook, no memory); -EACCES. After an error only wf_inject_free() is of use.
 */
int wf_inject_poll(struct wf_inject *inject, struct wf_err *err);
/* What it waits for, in a few words; "" in other states. */
const char *wf_inject_waits_for(const struct wf_inject *inject);
/*
 * The answer once it is done: what the text left in `result`, or {"error": "Type: text"} as JSON.
 * Owned by the request.
 */
const char *wf_inject_result(const struct wf_inject *inject);

/*
 * Take it back. 0: it did not run and will not; -EALREADY: it has begun, so it must be polled to
 * its end. Blocks for half a second at most.
 */
int wf_inject_withdraw(struct wf_inject *inject);
/* Takes it back where it still waits. */
void wf_inject_free(struct wf_inject *inject);

/* Start, poll and give up after timeout_ns: for callers with nothing else to do. */
int wf_inject_run(const struct wf_python *python, const struct wf_inject_request *request,
		  uint64_t timeout_ns, struct wf_inject **ret, struct wf_err *err);

/* Let go of a process: another tracer may come. Fine where it has ended or is not ours. */
void wf_inject_release(const struct wf_python *python);
/* -EBUSY with the owner's name where another wftrace has the process. */
int wf_inject_check_owner(const struct wf_python *python, struct wf_err *err);

WF_DEFINE_FREEP(wf_inject_freep, struct wf_inject, wf_inject_free)

#endif
