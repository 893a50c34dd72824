/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h - the interpreter of a halted process, looked at closely: is everything where this
 * version has it, and may it be disturbed now? Nothing is written. Control thread.
 */
#ifndef WF_PYTHON_STATE_H
#define WF_PYTHON_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "halt.h"
#include "memory.h"
#include "runtime.h"

struct wf_state {
	uint64_t interp;
	uint64_t threads; /* the newest thread's state */
	uint32_t thread_count;
};

/*
 * Threads and interpreter of 3.8 to 3.15. -ENOTSUP: not as it should be, or audit hooks watch and
 * `hooks_too` is false; -EAGAIN: it starts or ends just now.
 */
int wf_state_check(const struct wf_python *python, const struct wf_halt *halt, bool hooks_too,
		   struct wf_state *ret, struct wf_err *err);
/* The thread after this one; 0 = none. -EBADMSG where the list is not one. */
int wf_state_next(const struct wf_python *python, uint64_t interp, uint64_t thread,
		  uint64_t *ret_next);

#endif
