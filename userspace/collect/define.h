/* SPDX-License-Identifier: Apache-2.0 */
/* define.h - what a span id stands for, as the JSON of a DEFINE record (catalog.h reads it). Pure.
 */
#ifndef WF_DEFINE_H
#define WF_DEFINE_H

#include "userspace/plan/plan.h"

/* executable: the file is a program, not a library. lines: of the file, or NULL. *ret is to be
 * freed. -ENOMEM. */
int wf_define_json(const struct wf_plan *plan, const struct wf_plan_function *function,
		   bool executable, const struct wf_srclines *lines, char **ret);

#endif
