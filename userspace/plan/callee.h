/* SPDX-License-Identifier: Apache-2.0 */
/* callee.h - rules that make a span of each call, on the functions of one file. */
#ifndef WF_CALLEE_H
#define WF_CALLEE_H

#include "blueprint.h"

/* May a probe sit in this function at all? -ENOTSUP with the reason. */
int wf_callee_check(const struct wf_blueprint *bp, const struct wf_symbol *symbol,
		    struct wf_err *err);

/* All call rules that take part in the file at hand. */
int wf_callee_plan(struct wf_blueprint *bp, struct wf_err *err);

#endif
