/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote.h - the way into CPython 3.14 and newer: the debugger interface of PEP 768. Each thread is
 * asked to run a script file as soon as it runs bytecode; the first one that does is enough, and
 * the others are told to forget it. Control thread.
 */
#ifndef WF_PYTHON_REMOTE_H
#define WF_PYTHON_REMOTE_H

#include "halt.h"
#include "runtime.h"
#include "script.h"
#include "state.h"

/*
 * Ask every thread of a halted process that has calls left. -EAGAIN: none has, or another debugger
 * asks just now; -ENOTSUP.
 */
int wf_remote_put(const struct wf_python *python, const struct wf_state *state,
		  const struct wf_script *script, uint32_t *ret_asked, struct wf_err *err);
/* How many threads still wait to run it, of those that live. -ESRCH, -EBADMSG. */
int wf_remote_waits(const struct wf_python *python, const struct wf_script *script);
/* Let no further thread begin; how many would have. -ESRCH, -EBADMSG. */
int wf_remote_withdraw(const struct wf_python *python, const struct wf_script *script);

#endif
