/* SPDX-License-Identifier: Apache-2.0 */
/* hook.h - functions behind which frames are dead, or belong to another stack. */
#ifndef WF_PLAN_HOOK_H
#define WF_PLAN_HOOK_H

#include "plan.h"

/* Add the unwind, longjmp and stack-switch hooks that this file defines. */
int wf_plan_add_hooks(struct wf_plan *plan, struct wf_binary *elf, struct wf_err *err);

#endif
