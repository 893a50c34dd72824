/* SPDX-License-Identifier: Apache-2.0 */
/* define.h - what a span id stands for, as the JSON of a DEFINE record (catalog.h reads it). Pure.
 */
#ifndef WF_DEFINE_H
#define WF_DEFINE_H

#include "plan.h"

/* executable: the file is a program, not a library. *ret is to be freed. -ENOMEM.
 * Asks for source lines: forget them (wf_binary_forget_lines) after a file's last function. */
int wf_define_json(const struct wf_plan *plan, const struct wf_plan_function *function,
		   bool executable, char **ret);

#endif
