/* SPDX-License-Identifier: Apache-2.0 */
#include "spec.h"

#include <errno.h>

#include "bpf/source.h"

#define ARENA_SHARE 320 /* bytes of one spec that still go to the inline arena of a task */

bool wf_spec_wants(const struct wf_rule *rule, uint8_t origin)
{
	for (uint32_t i = 0; i < rule->operand_count; i++)
		if (rule->operands[i].origin == origin)
			return true;
	return false;
}

uint32_t wf_spec_strings(const struct wf_rule *rule)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < rule->operand_count; i++)
		count += wf_source_is_string(rule->operands[i].type);
	return count;
}

static uint16_t capture_bytes(const struct wf_operand *operand)
{
	if (!wf_source_is_string(operand->type))
		return (uint16_t)wf_src_width(operand->type);
	return operand->max_bytes < WF_CAPTURE_BYTES_MAX ? operand->max_bytes
							 : WF_CAPTURE_BYTES_MAX;
}

int wf_spec_value(struct wf_blueprint *bp, struct wf_spec *spec, const struct wf_source *source,
		  const struct wf_operand *operand, uint8_t slot, struct wf_err *err)
{
	struct wf_capture capture = {
		.source = *source, .max_bytes = capture_bytes(operand), .slot = slot};
	uint32_t bytes = 0;
	int rc = wf_blueprint_capture(bp, spec, &capture, err);

	for (uint32_t i = 0; i < spec->capture_count; i++)
		bytes += bp->plan->captures[spec->capture_first + i].max_bytes;
	if (bytes > ARENA_SHARE)
		spec->flags |= WF_SPEC_SPILL;
	return rc;
}

int wf_spec_guard(struct wf_blueprint *bp, struct wf_spec *spec, const struct wf_source *source,
		  const struct wf_rule_guard *guard, struct wf_err *err)
{
	struct wf_guard added = {
		.source = *source, .value = guard->value, .compare = guard->compare};

	return wf_blueprint_guard(bp, spec, &added, err);
}

int wf_spec_check(const struct wf_rule *rule, struct wf_err *err)
{
	static const struct wf_location any = {
		.kind = WF_AT_REGISTER, .reg = WF_REG_RAX, .width = 8};
	struct wf_source source;
	int rc = 0;

	for (uint32_t i = 0; i < rule->guard_count && rc >= 0; i++) {
		if (rule->guards[i].operand.origin != WF_FROM_ARG)
			return wf_err_set(err, ENOTSUP,
					  "`when` is decided at the entry, where the return value "
					  "is not known");
		rc = wf_source_argument(&rule->guards[i].operand, &source, err);
	}
	for (uint32_t i = 0; i < rule->operand_count && rc >= 0; i++) {
		const struct wf_operand *operand = &rule->operands[i];

		if (operand->origin == WF_FROM_ARG)
			rc = wf_source_argument(operand, &source, err);
		else if (rule->kind == WF_RULE_CALL)
			rc = wf_source_return(operand, &any, &source, err);
		else
			return wf_err_set(err, ENOTSUP,
					  "only the span of a call has a return value");
	}
	return rc;
}

int wf_spec_arguments(struct wf_blueprint *bp, struct wf_spec *spec, const struct wf_rule *rule,
		      bool at_close, struct wf_err *err)
{
	struct wf_source source;
	int rc = 0;

	for (uint32_t i = 0; i < rule->operand_count && rc >= 0; i++) {
		const struct wf_operand *operand = &rule->operands[i];

		if (operand->origin != WF_FROM_ARG || operand->at_close != at_close)
			continue;
		rc = wf_source_argument(operand, &source, err);
		if (rc >= 0)
			rc = wf_spec_value(bp, spec, &source, operand, (uint8_t)i, err);
	}
	return rc;
}

struct wf_guard_list wf_spec_guard_list(const struct wf_rule *rule, bool at_close)
{
	if (at_close)
		return (struct wf_guard_list){rule->close_guards, rule->close_guard_count,
					      rule->close_guard_any};
	return (struct wf_guard_list){rule->guards, rule->guard_count, rule->guard_any};
}

int wf_spec_guards(struct wf_blueprint *bp, struct wf_spec *spec, const struct wf_rule *rule,
		   bool at_close, struct wf_err *err)
{
	struct wf_guard_list guards = wf_spec_guard_list(rule, at_close);
	struct wf_source source;
	int rc = 0;

	for (uint32_t i = 0; i < guards.count && rc >= 0; i++) {
		rc = wf_source_argument(&guards.items[i].operand, &source, err);
		if (rc >= 0)
			rc = wf_spec_guard(bp, spec, &source, &guards.items[i], err);
	}
	if (guards.any)
		spec->flags |= WF_SPEC_GUARD_ANY;
	return rc;
}

int wf_spec_returns(struct wf_blueprint *bp, struct wf_spec *spec, const struct wf_rule *rule,
		    const struct wf_location *value, struct wf_err *err)
{
	struct wf_source source;
	int rc = 0;

	for (uint32_t i = 0; i < rule->operand_count && rc >= 0; i++) {
		const struct wf_operand *operand = &rule->operands[i];

		if (operand->origin != WF_FROM_RETURN ||
		    wf_source_return(operand, value, &source, NULL) < 0)
			continue;
		rc = wf_spec_value(bp, spec, &source, operand, (uint8_t)i, err);
	}
	return rc;
}
