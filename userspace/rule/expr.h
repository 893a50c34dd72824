/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expr.h - typed expressions of the profile language: parse, check, evaluate. Pure.
 *
 * The grammar is the EBNF in docs/profiles.md. Native roots (arg1:i32, arg1->24:u64, return:i64)
 * become numbered slots of the rule; the record carries one value per slot. An absent value makes
 * its attribute absent and a compare with it false.
 */
#ifndef WF_EXPR_H
#define WF_EXPR_H

#include "userspace/span/span.h"

struct wf_expr;
struct wf_template;

struct wf_eval {
	const struct wf_value *slots; /* by operand number; kind NONE = absent */
	uint32_t slot_count;
	uint64_t duration_ns;
	bool unwound;           /* ended by an exception, a panic or a longjmp */
	const char *function;   /* demangled name without parameters */
	struct wf_arena *arena; /* results that need memory go here */
};

/* NONE where a needed value is absent. Never fails otherwise. */
struct wf_value wf_expr_eval(const struct wf_expr *expr, const struct wf_eval *eval);
/* True only for a present true boolean. */
bool wf_expr_true(const struct wf_expr *expr, const struct wf_eval *eval);
/* The name, in the arena or static; never NULL (falls back to the function). */
const char *wf_template_eval(const struct wf_template *name, const struct wf_eval *eval);

#endif
