/* SPDX-License-Identifier: Apache-2.0 */
/* spec.h - the values of a rule as captures and guards of one spec. */
#ifndef WF_SPEC_H
#define WF_SPEC_H

#include "blueprint.h"
#include "source.h"

/* Why a rule cannot be had on a function at all, whatever its code: -ENOTSUP with the reason. */
int wf_spec_check(const struct wf_rule *rule, struct wf_err *err);

/* The compares of a rule's `when`, or of its closing site's. */
struct wf_guard_list {
	const struct wf_rule_guard *items;
	uint8_t count;
	bool any;
};
struct wf_guard_list wf_spec_guard_list(const struct wf_rule *rule, bool at_close);

/* Arguments at a function's entry (or a probe there), and the rule's guards. */
int wf_spec_arguments(struct wf_blueprint *bp, struct wf_spec *spec, const struct wf_rule *rule,
		      bool at_close, struct wf_err *err);
int wf_spec_guards(struct wf_blueprint *bp, struct wf_spec *spec, const struct wf_rule *rule,
		   bool at_close, struct wf_err *err);
/* The return value at an exit where it lies at `value`. */
int wf_spec_returns(struct wf_blueprint *bp, struct wf_spec *spec, const struct wf_rule *rule,
		    const struct wf_location *value, struct wf_err *err);
/* One value that is already located. */
int wf_spec_value(struct wf_blueprint *bp, struct wf_spec *spec, const struct wf_source *source,
		  const struct wf_operand *operand, uint8_t slot, struct wf_err *err);
int wf_spec_guard(struct wf_blueprint *bp, struct wf_spec *spec, const struct wf_source *source,
		  const struct wf_rule_guard *guard, struct wf_err *err);

/* True where the rule wants an argument, or a return value. */
bool wf_spec_wants(const struct wf_rule *rule, uint8_t origin);
/* How many strings a call of this rule copies. */
uint32_t wf_spec_strings(const struct wf_rule *rule);

#endif
