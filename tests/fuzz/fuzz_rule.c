/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer: any bytes as an -f rule. What is read must survive evaluation on absent and on odd
 * values, and a second reading from its JSON.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/rule/expr.h"
#include "userspace/rule/ruleset.h"

#define EVAL_BYTES_MAX (256 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct wf_value odd_value(const struct wf_operand *operand)
{
	struct wf_value value = {0};

	switch (operand->type) {
	case WF_SRC_CSTRING:
	case WF_SRC_CHARS:
	case WF_SRC_STDSTRING:
		value.kind = WF_VALUE_STRING;
		value.string = "https://u@h:1/p?q SELECT 'a''b', $$x FROM \"t /* E'\\";
		value.count = (uint32_t)strlen(value.string);
		break;
	case WF_SRC_F32:
	case WF_SRC_F64:
		value.kind = WF_VALUE_DOUBLE;
		value.real = NAN;
		break;
	case WF_SRC_BOOL:
		value.kind = WF_VALUE_BOOL;
		value.boolean = true;
		break;
	default:
		value.kind = WF_VALUE_INT;
		value.integer = INT64_MIN;
	}
	return value;
}

static void evaluate(const struct wf_rule *rule, const struct wf_eval *eval)
{
	for (uint32_t i = 0; i < rule->attribute_count; i++)
		wf_expr_eval(rule->attributes[i].value, eval);
	if (rule->error)
		wf_expr_true(rule->error, eval);
	if (rule->name && !wf_template_eval(rule->name, eval))
		abort();
}

static void evaluate_all(const struct wf_ruleset *rules)
{
	struct wf_value slots[WF_CAPTURES_MAX] = {{0}};
	struct wf_arena *arena = wf_arena_new(EVAL_BYTES_MAX);
	struct wf_eval eval = {.slots = slots, .function = "f", .arena = arena};

	for (uint32_t i = 0; arena && i < rules->count; i++) {
		const struct wf_rule *rule = &rules->rules[i];

		eval.slot_count = rule->operand_count;
		memset(slots, 0, sizeof(slots));
		evaluate(rule, &eval);
		for (uint8_t slot = 0; slot < rule->operand_count; slot++)
			slots[slot] = odd_value(&rule->operands[slot]);
		evaluate(rule, &eval);
	}
	wf_arena_free(arena);
}

static void read_again(const struct wf_ruleset *rules)
{
	struct wf_ruleset *copy = NULL;
	char *json = NULL;

	if (wf_ruleset_to_json(rules, &json, NULL) < 0)
		return;
	if (wf_ruleset_from_json(json, strlen(json), &copy, NULL) < 0 ||
	    copy->count != rules->count)
		abort();
	wf_ruleset_free(copy);
	free(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wf_ruleset *rules = NULL;
	struct wf_err err = {0};
	char *text = malloc(size + 1);

	if (!text || wf_ruleset_new(&rules, &err) < 0) {
		free(text);
		return 0;
	}
	memcpy(text, data, size);
	text[size] = '\0';
	if (wf_ruleset_add_short(rules, text, &err) == 0) {
		evaluate_all(rules);
		read_again(rules);
	} else if (!err.msg[0] || rules->count > 0) {
		abort();
	}
	wf_ruleset_free(rules);
	free(text);
	return 0;
}
