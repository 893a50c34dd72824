/* SPDX-License-Identifier: Apache-2.0 */
/* fixture.h - a rule whose captured values are known, and what its expressions give. */
#ifndef WF_TEST_FIXTURE_H
#define WF_TEST_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "userspace/rule/expr.h"
#include "userspace/rule/ruleset.h"

#define FIXTURE_ARENA_BYTES (1024 * 1024)

struct fixture {
	struct wf_ruleset *rules;
	struct wf_arena *arena;
	struct wf_value slots[WF_CAPTURES_MAX];
	struct wf_eval eval;
};

static inline struct wf_value fixture_text(const char *string)
{
	return (struct wf_value){
		.kind = WF_VALUE_STRING, .count = (uint32_t)strlen(string), .string = string};
}

static inline struct wf_value fixture_integer(int64_t value)
{
	return (struct wf_value){.kind = WF_VALUE_INT, .integer = value};
}

/*
 * What a target would have: arg1 = 7, arg2 = "LoadData", arg3 = true, arg4 = a URL, arg5 = 2.5,
 * arg6 = UINT64_MAX, arg7 = "", arg8 = "42", arg9 = an SQL text, arg10 = null, arg11 = a pointer,
 * arg12 = -1; return = -3. Everything else, and every null, is absent.
 */
static inline struct wf_value fixture_captured(const struct wf_operand *operand)
{
	struct wf_value truth = {.kind = WF_VALUE_BOOL, .boolean = true};
	struct wf_value real = {.kind = WF_VALUE_DOUBLE, .real = 2.5};
	struct wf_value absent = {0};

	if (operand->origin == WF_FROM_RETURN)
		return fixture_integer(-3);
	switch (operand->number) {
	case 1:
		return fixture_integer(7);
	case 2:
		return fixture_text("LoadData");
	case 3:
		return truth;
	case 4:
		return fixture_text("https://me:pw@api.example.com:8443/v1/x?key=1#top");
	case 5:
		return real;
	case 6:
		return fixture_integer(-1);
	case 7:
		return fixture_text("");
	case 8:
		return fixture_text("42");
	case 9:
		return fixture_text("SELECT * FROM t WHERE a = 'x' AND b = 5");
	case 10:
		return operand->type == WF_SRC_POINTER ? fixture_integer(0) : absent;
	case 11:
		return fixture_integer(0x7f00);
	case 12:
		return fixture_integer(-1);
	default:
		return absent;
	}
}

static inline void fixture_init(struct fixture *fixture, const char *rule)
{
	struct wf_err err = {0};

	memset(fixture, 0, sizeof(*fixture));
	assert_int_equal(wf_ruleset_new(&fixture->rules, &err), 0);
	if (wf_ruleset_add_short(fixture->rules, rule, &err) < 0)
		fail_msg("%s", err.msg);
	fixture->arena = wf_arena_new(FIXTURE_ARENA_BYTES);
	assert_non_null(fixture->arena);
	fixture->eval = (struct wf_eval){.slots = fixture->slots,
					 .slot_count = fixture->rules->rules[0].operand_count,
					 .duration_ns = 1500000000,
					 .function = "ns::LoadData",
					 .arena = fixture->arena};
	for (unsigned i = 0; i < fixture->rules->rules[0].operand_count; i++)
		fixture->slots[i] = fixture_captured(&fixture->rules->rules[0].operands[i]);
}

static inline void fixture_done(struct fixture *fixture)
{
	wf_ruleset_free(fixture->rules);
	wf_arena_free(fixture->arena);
}

static inline void fixture_show(const struct wf_value *value, char *out, size_t size)
{
	switch (value->kind) {
	case WF_VALUE_STRING:
		assert_int_equal(strlen(value->string), value->count);
		snprintf(out, size, "'%s'", value->string);
		break;
	case WF_VALUE_BOOL:
		snprintf(out, size, "%s", value->boolean ? "true" : "false");
		break;
	case WF_VALUE_INT:
		snprintf(out, size, "%lld", (long long)value->integer);
		break;
	case WF_VALUE_DOUBLE:
		snprintf(out, size, "%.6f", value->real);
		break;
	default:
		snprintf(out, size, "absent");
	}
}

static inline void fixture_check(const char *expression, const char *expected)
{
	struct fixture fixture;
	struct wf_value value;
	char rule[512], got[512];

	snprintf(rule, sizeof(rule), "f(x=%s)", expression);
	fixture_init(&fixture, rule);
	value = wf_expr_eval(fixture.rules->rules[0].attributes[0].value, &fixture.eval);
	fixture_show(&value, got, sizeof(got));
	if (strcmp(got, expected) != 0)
		fail_msg("%s gives %s, not %s", expression, got, expected);
	fixture_done(&fixture);
}

struct value_case {
	const char *expression, *expected;
};

static inline void fixture_check_all(const struct value_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fixture_check(cases[i].expression, cases[i].expected);
}

#define CHECK_VALUES(cases) fixture_check_all(cases, sizeof(cases) / sizeof((cases)[0]))

#endif
