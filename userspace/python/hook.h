/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hook.h - does anybody watch the interpreter by audit hooks (PEP 578)? They see each step of ours,
 * and may deny it or end the program. Their places move between micro versions, so what stands
 * beside them is checked, and where that fails nobody guesses. Reads only; control thread.
 */
#ifndef WF_PYTHON_HOOK_H
#define WF_PYTHON_HOOK_H

#include "runtime.h"

/* Of a halted process. 0: nobody watches; -ENOTSUP: somebody does, or it cannot be told. */
int wf_hook_check(const struct wf_python *python, uint64_t interp, struct wf_err *err);

#endif
