/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/rule/expr.h"
#include "userspace/rule/rule.h"

#define ARENA_BYTES (1024 * 1024)

struct fixture {
	struct wf_ruleset *rules;
	struct wf_arena *arena;
	struct wf_value slots[WF_CAPTURES_MAX];
	struct wf_eval eval;
};

static struct wf_value text(const char *string)
{
	return (struct wf_value){
		.kind = WF_VALUE_STRING, .count = (uint32_t)strlen(string), .string = string};
}

static struct wf_value integer(int64_t value)
{
	return (struct wf_value){.kind = WF_VALUE_INT, .integer = value};
}

/*
 * What a target would have: arg1 = 7, arg2 = "LoadData", arg3 = true, arg4 = a URL, arg5 = 2.5,
 * arg6 = UINT64_MAX, arg7 = "", arg8 = "42", arg9 = an SQL text, arg10 = null, arg11 = a pointer,
 * arg12 = -1; return = -3. Everything else, and every null, is absent.
 */
static struct wf_value captured(const struct wf_operand *operand)
{
	struct wf_value truth = {.kind = WF_VALUE_BOOL, .boolean = true};
	struct wf_value real = {.kind = WF_VALUE_DOUBLE, .real = 2.5};
	struct wf_value absent = {0};

	if (operand->origin == WF_FROM_RETURN)
		return integer(-3);
	switch (operand->number) {
	case 1:
		return integer(7);
	case 2:
		return text("LoadData");
	case 3:
		return truth;
	case 4:
		return text("https://me:pw@api.example.com:8443/v1/x?key=1#top");
	case 5:
		return real;
	case 6:
		return integer(-1);
	case 7:
		return text("");
	case 8:
		return text("42");
	case 9:
		return text("SELECT * FROM t WHERE a = 'x' AND b = 5");
	case 10:
		return operand->type == WF_SRC_POINTER ? integer(0) : absent;
	case 11:
		return integer(0x7f00);
	case 12:
		return integer(-1);
	default:
		return absent;
	}
}

static void fixture_init(struct fixture *fixture, const char *rule)
{
	struct wf_err err = {0};

	memset(fixture, 0, sizeof(*fixture));
	assert_int_equal(wf_ruleset_new(&fixture->rules, &err), 0);
	if (wf_ruleset_add_short(fixture->rules, rule, &err) < 0)
		fail_msg("%s", err.msg);
	fixture->arena = wf_arena_new(ARENA_BYTES);
	assert_non_null(fixture->arena);
	fixture->eval = (struct wf_eval){.slots = fixture->slots,
					 .slot_count = fixture->rules->rules[0].operand_count,
					 .duration_ns = 1500000000,
					 .function = "ns::LoadData",
					 .arena = fixture->arena};
	for (unsigned i = 0; i < fixture->rules->rules[0].operand_count; i++)
		fixture->slots[i] = captured(&fixture->rules->rules[0].operands[i]);
}

static void fixture_done(struct fixture *fixture)
{
	wf_ruleset_free(fixture->rules);
	wf_arena_free(fixture->arena);
}

static void show(const struct wf_value *value, char *out, size_t size)
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

static void check_value(const char *expression, const char *expected)
{
	struct fixture fixture;
	struct wf_value value;
	char rule[512], got[512];

	snprintf(rule, sizeof(rule), "f(x=%s)", expression);
	fixture_init(&fixture, rule);
	value = wf_expr_eval(fixture.rules->rules[0].attributes[0].value, &fixture.eval);
	show(&value, got, sizeof(got));
	if (strcmp(got, expected) != 0)
		fail_msg("%s gives %s, not %s", expression, got, expected);
	fixture_done(&fixture);
}

struct value_case {
	const char *expression, *expected;
};

static void check_values(const struct value_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_value(cases[i].expression, cases[i].expected);
}

#define CHECK_VALUES(cases) check_values(cases, sizeof(cases) / sizeof((cases)[0]))

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

static void filters_change_one_value(void **state)
{
	static const struct value_case cases[] = {
		{"arg2:str|lower", "'loaddata'"},
		{"arg2:str|snake", "'load_data'"},
		{"'HTTPServer'|snake", "'http_server'"},
		{"'Stage::run2Fast'|snake", "'stage_run2_fast'"},
		{"'__x__'|snake", "'x'"},
		{"''|snake", "''"},
		{"arg2:str|strip_suffix('Data')", "'Load'"},
		{"arg2:str|strip_suffix('data')", "'LoadData'"},
		{"'a'|strip_suffix('longer')", "'a'"},
		{"arg2:str|truncate(4)", "'Load'"},
		{"'a\xc3\xa9'|truncate(2)", "'a'"},
		{"arg2:str|len", "8"},
		{"arg8:str|num", "42"},
		{"'1.5'|num", "1.500000"},
		{"'x'|num", "absent"},
		{"arg1:i32|num", "7"},
		{"arg1:i32|bucket(10, 100)", "'<10'"},
		{"arg1:i32|bucket(7, 100)", "'7..100'"},
		{"arg1:i32|bucket(1, 2.5)", "'>=2.5'"},
		{"arg6:u64|bucket(10)", "'>=10'"},
		{"duration|ms|bucket(1000, 2000)", "'1000..2000'"},
		{"arg9:str|sql|word", "'SELECT'"},
		{"'  two words'|word", "'two'"},
		{"' '|word", "absent"},
		{"33816706|sqlstate", "'22012'"},
		{"arg12:i32|sqlstate", "absent"},
		{"arg1:i32|map({6: 'six', 7: 'seven'})", "'seven'"},
		{"arg1:i32|map({6: 'six'})", "absent"},
		{"arg1:i32|map({6: 'six'}) ?? 'other'", "'other'"},
		{"arg3:bool|map({true: 1, false: 0})", "1"},
		{"arg2:str|map({'LoadData': 1.5})", "1.500000"},
	};

	(void)state;
	CHECK_VALUES(cases);
}

static void a_hash_tells_values_apart(void **state)
{
	struct fixture fixture;
	struct wf_value a, b, c;
	const struct wf_rule *rule;

	(void)state;
	fixture_init(&fixture, "f(a='x'|hash, b='y'|hash, c='x'|hash)");
	rule = &fixture.rules->rules[0];
	a = wf_expr_eval(rule->attributes[0].value, &fixture.eval);
	b = wf_expr_eval(rule->attributes[1].value, &fixture.eval);
	c = wf_expr_eval(rule->attributes[2].value, &fixture.eval);
	assert_int_equal(a.count, 16);
	assert_string_equal(a.string, c.string);
	assert_string_not_equal(a.string, b.string);
	fixture_done(&fixture);
}

static void url_parts_leave_secrets_out(void **state)
{
	static const struct value_case cases[] = {
		{"arg4:str|url", "'https://api.example.com:8443/v1/x'"},
		{"arg4:str|url(scheme)", "'https'"},
		{"arg4:str|url(host)", "'api.example.com'"},
		{"arg4:str|url(port)", "8443"},
		{"arg4:str|url(path)", "'/v1/x'"},
		{"'http://[::1]:80/a'|url(host)", "'[::1]'"},
		{"'http://[::1]:80/a'|url(port)", "80"},
		{"'http://h'|url(port)", "absent"},
		{"'http://h'|url(path)", "absent"},
		{"'http://h:99999/'|url(port)", "absent"},
		{"'http://a@b@c/x'|url", "'http://c/x'"},
		{"'/v1/x?secret=1'|url", "'/v1/x'"},
		{"'/v1/x?secret=1'|url(host)", "absent"},
		{"'http://['|url(host)", "'['"},
	};

	(void)state;
	CHECK_VALUES(cases);
}

static void sql_literals_become_question_marks(void **state)
{
	static const struct value_case cases[] = {
		{"arg9:str|sanitize", "'SELECT * FROM t WHERE a = ? AND b = ?'"},
		{"\"select 'it''s', 1.5e-3, .5, 0x1F\"|sanitize", "'select ?, ?, ?, ?'"},
		{"\"select E'a\\\\'b', $1, t1, x'ff', U&'d'\"|sanitize",
		 "'select ?, $1, t1, ?, ?'"},
		{"'select $$secret$$, $q$a $$ b$q$'|sanitize", "'select ?, ?'"},
		{"'select $q$never closed'|sanitize", "'select ?'"},
		{"\"select 'never closed\"|sanitize", "'select ?'"},
		{"'select 1 -- secret\\nfrom t'|sanitize", "'select ? from t'"},
		{"'select /* a /* b */ c */ 1'|sanitize", "'select ?'"},
		{"'select /* never closed'|sanitize", "'select'"},
		{"'select \"Column 1\" from t'|sanitize", "'select \"Column 1\" from t'"},
		{"'select  a ,\\n\\t b'|sanitize", "'select a , b'"},
		{"'select -5, a-1'|sanitize", "'select -?, a-?'"},
		{"''|sanitize", "''"},
	};

	(void)state;
	CHECK_VALUES(cases);
}

static void sql_summaries_name_verb_and_table(void **state)
{
	static const struct value_case cases[] = {
		{"arg9:str|sql", "'SELECT t'"},
		{"'insert into public.orders values (1)'|sql", "'INSERT public.orders'"},
		{"'update only t set a = 1'|sql", "'UPDATE t'"},
		{"'delete from t'|sql", "'DELETE t'"},
		{"'/* x */ (select 1)'|sql", "'SELECT'"},
		{"'with a as (select * from b) insert into c select * from a'|sql", "'INSERT c'"},
		{"'select * from (select * from inner_t) x'|sql", "'SELECT inner_t'"},
		{"'create table if not exists t (a int)'|sql", "'CREATE t'"},
		{"'begin'|sql", "'BEGIN'"},
		{"'select * from \"My Table\"'|sql", "'SELECT \"My Table\"'"},
		{"''|sql", "absent"},
		{"'12'|sql", "absent"},
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
	fixture.slots[0] = text(long_text);
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
		cmocka_unit_test(filters_change_one_value),
		cmocka_unit_test(a_hash_tells_values_apart),
		cmocka_unit_test(url_parts_leave_secrets_out),
		cmocka_unit_test(sql_literals_become_question_marks),
		cmocka_unit_test(sql_summaries_name_verb_and_table),
		cmocka_unit_test(names_are_made_of_parts),
		cmocka_unit_test(a_value_in_a_name_is_cut),
		cmocka_unit_test(errors_want_a_present_truth),
		cmocka_unit_test(missing_slots_and_memory_make_values_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
