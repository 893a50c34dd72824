/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/rule/expr.h"

#include "fixture.h"

static void constants_are_what_they_say(void **state)
{
	static const struct value_case cases[] = {
		{"5", "5"},
		{"-5", "-5"},
		{"0x10", "16"},
		{"1.5", "1.500000"},
		{"'it\\'s'", "'it's'"},
		{"\"a\\tb\"", "'a\tb'"},
		{"true", "true"},
		{"false", "false"},
		{"18446744073709551615", "'18446744073709551615'"},
	};

	(void)state;
	CHECK_VALUES(cases);
}

static void captured_values_keep_their_types(void **state)
{
	static const struct value_case cases[] = {
		{"arg1:i32", "7"},
		{"arg2:str", "'LoadData'"},
		{"arg3:bool", "true"},
		{"arg5->0:f64", "2.500000"},
		{"arg6:u64", "'18446744073709551615'"},
		{"arg6:i64", "-1"},
		{"arg11:ptr", "'0x7f00'"},
		{"return:i32", "-3"},
		{"arg13:i32", "absent"},
		{"duration|s", "1.500000"},
		{"duration|ms", "1500.000000"},
		{"function", "'ns::LoadData'"},
	};

	(void)state;
	CHECK_VALUES(cases);
}

static void precedence_is_as_the_language_says(void **state)
{
	static const struct value_case cases[] = {
		/* | binds tighter than ??, ?? than compares, not than and, and than or */
		{"arg13:str|lower ?? 'None'", "'None'"},
		{"arg13:str ?? 'None'|lower", "'none'"},
		{"arg13:i32 ?? 5 == 5", "true"},
		{"not arg1:i32 == 8", "true"},
		{"true or true and false", "true"},
		{"(true or true) and false", "false"},
		{"not false and false", "false"},
		{"not (false and false)", "true"},
		{"arg13:str ?? arg14:str ?? arg2:str", "'LoadData'"},
	};

	(void)state;
	CHECK_VALUES(cases);
}

static void compares_know_signs_and_widths(void **state)
{
	static const struct value_case cases[] = {
		{"arg1:i32 == 7", "true"},
		{"arg1:i32 != 7", "false"},
		{"arg1:i32 < 8", "true"},
		{"arg1:i32 > 7", "false"},
		{"arg1:i32 >= 7.5", "false"},
		{"arg6:u64 > 5", "true"},
		{"arg6:i64 > 5", "false"},
		{"arg6:u64 > arg12:i64", "true"},
		{"arg6:u64 == 18446744073709551615", "true"},
		{"arg6:u64 == -1", "false"},
		{"arg5->0:f64 == 2.5", "true"},
		{"arg2:str == 'LoadData'", "true"},
		{"arg2:str < 'M'", "true"},
		{"arg7:str == ''", "true"},
		{"arg7:str < 'a'", "true"},
		{"arg3:bool == true", "true"},
		{"arg11:ptr == 0x7f00", "true"},
		{"duration > 1s", "true"},
		{"duration > 2s", "false"},
		{"1 == 1.0", "true"},
	};

	(void)state;
	CHECK_VALUES(cases);
}

static void lists_and_texts_are_searched(void **state)
{
	static const struct value_case cases[] = {
		{"arg1:i32 in [1, 7]", "true"},     {"arg1:i32 in [1, 2]", "false"},
		{"arg1:i32 not in [1, 2]", "true"}, {"arg2:str in ['x', 'LoadData']", "true"},
		{"'Data' in arg2:str", "true"},     {"'data' in arg2:str", "false"},
		{"'' in arg2:str", "true"},         {"arg13:i32 in [1]", "false"},
		{"arg13:i32 not in [1]", "true"},   {"'x' in arg13:str", "false"},
	};

	(void)state;
	CHECK_VALUES(cases);
}

static void absence_spreads_but_compares_with_it_are_false(void **state)
{
	static const struct value_case cases[] = {
		{"arg13:str|lower", "absent"},     {"arg13:i32 == 0", "false"},
		{"arg13:i32 != 0", "false"},       {"arg13:i32 < 0", "false"},
		{"not arg13:i32 == 0", "true"},    {"arg13:bool", "absent"},
		{"not arg13:bool", "absent"},      {"arg13:bool and false", "false"},
		{"false and arg13:bool", "false"}, {"arg13:bool and true", "absent"},
		{"true or arg13:bool", "true"},    {"arg13:bool or true", "true"},
		{"arg13:bool or false", "absent"}, {"arg13:i32 ?? arg14:i32", "absent"},
	};

	(void)state;
	CHECK_VALUES(cases);
}

static void names_are_made_of_parts(void **state)
{
	static const struct {
		const char *rule, *expected;
	} cases[] = {
		{"f as plain", "plain"},
		{"f as {function}", "ns::LoadData"},
		{"f as stage.{arg2:str|snake}.{arg3:bool}", "stage.load_data.true"},
		{"f as {{x}}", "{x}"},
		{"f as a.{arg1:i32|map({7: 'seven'})}", "a.seven"},
		{"f as a.{arg1:i32|bucket(10)}", "a.<10"},
		{"f as '{arg2:str ?? \\'x\\'}'", "LoadData"},
		{"f as a.{arg13:str}", "ns::LoadData"}, /* absent: the function */
		{"f as a.{arg13:str ?? 'none'}", "a.none"},
		{"f as '{arg7:str}'", "ns::LoadData"}, /* empty: the function */
		{"f as x.{'a\\nb'}", "x.a b"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture fixture;

		fixture_init(&fixture, cases[i].rule);
		assert_string_equal(wf_template_eval(fixture.rules->rules[0].name, &fixture.eval),
				    cases[i].expected);
		fixture_done(&fixture);
	}
}

static void a_value_in_a_name_is_cut(void **state)
{
	char long_text[1001];
	struct fixture fixture;
	const char *name;

	(void)state;
	memset(long_text, 'x', 1000);
	long_text[1000] = '\0';
	fixture_init(&fixture, "f as 'a.{arg2:str}'");
	fixture.slots[0] = fixture_text(long_text);
	name = wf_template_eval(fixture.rules->rules[0].name, &fixture.eval);
	assert_int_equal(strlen(name), 2 + 120);
	fixture_done(&fixture);
}

static void errors_want_a_present_truth(void **state)
{
	static const struct {
		const char *condition;
		bool expected;
	} cases[] = {
		{"return:i32 < 0", true},  {"return:i32 == 0", false}, {"arg3:bool", true},
		{"arg13:bool", false},     {"not arg13:bool", false},  {"arg11:ptr", true},
		{"arg10:ptr", false},      {"not arg10:ptr", true},    {"duration > 1s", true},
		{"arg13:i32 != 0", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture fixture;
		char rule[128];

		snprintf(rule, sizeof(rule), "f error %s", cases[i].condition);
		fixture_init(&fixture, rule);
		if (wf_expr_true(fixture.rules->rules[0].error, &fixture.eval) != cases[i].expected)
			fail_msg("%s is not %d", cases[i].condition, cases[i].expected);
		fixture_done(&fixture);
	}
}

static void missing_slots_and_memory_make_values_absent(void **state)
{
	struct fixture fixture;
	struct wf_value value;

	(void)state;
	fixture_init(&fixture, "f(x=arg2:str|lower, y=arg11:ptr) as x.{arg2:str}");
	wf_arena_free(fixture.arena);
	fixture.arena = wf_arena_new(0);
	fixture.eval.arena = fixture.arena;
	value = wf_expr_eval(fixture.rules->rules[0].attributes[0].value, &fixture.eval);
	assert_int_equal(value.kind, WF_VALUE_NONE);
	value = wf_expr_eval(fixture.rules->rules[0].attributes[1].value, &fixture.eval);
	assert_int_equal(value.kind, WF_VALUE_NONE);
	assert_string_equal(wf_template_eval(fixture.rules->rules[0].name, &fixture.eval),
			    "ns::LoadData");
	fixture.eval.slot_count = 0;
	value = wf_expr_eval(fixture.rules->rules[0].attributes[0].value, &fixture.eval);
	assert_int_equal(value.kind, WF_VALUE_NONE);
	fixture_done(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constants_are_what_they_say),
		cmocka_unit_test(captured_values_keep_their_types),
		cmocka_unit_test(precedence_is_as_the_language_says),
		cmocka_unit_test(compares_know_signs_and_widths),
		cmocka_unit_test(lists_and_texts_are_searched),
		cmocka_unit_test(absence_spreads_but_compares_with_it_are_false),
		cmocka_unit_test(names_are_made_of_parts),
		cmocka_unit_test(a_value_in_a_name_is_cut),
		cmocka_unit_test(errors_want_a_present_truth),
		cmocka_unit_test(missing_slots_and_memory_make_values_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
