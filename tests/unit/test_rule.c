/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "userspace/base/str.h"
#include "userspace/rule/ruleset.h"

#define LINE_BYTES 4096

static struct wf_ruleset *read_rule(const char *text)
{
	struct wf_ruleset *rules = NULL;
	struct wf_err err = {0};

	assert_int_equal(wf_ruleset_new(&rules, &err), 0);
	if (wf_ruleset_add_short(rules, text, &err) < 0)
		fail_msg("%s", err.msg);
	return rules;
}

/* The next line that is no comment, without its end; false at the end of the file. */
static bool next_line(FILE *file, char *line)
{
	while (fgets(line, LINE_BYTES, file)) {
		line[strcspn(line, "\n")] = '\0';
		if (*line && *line != '#')
			return true;
	}
	return false;
}

static void every_good_rule_of_the_corpus_is_read(void **state)
{
	wf_auto(wf_fclosep) FILE *file = fopen("tests/unit/corpus/rules_good.txt", "re");
	char line[LINE_BYTES];
	unsigned count = 0;

	(void)state;
	assert_non_null(file);
	for (; next_line(file, line); count++) {
		struct wf_ruleset *rules = read_rule(line);

		assert_int_equal(rules->count, 1);
		assert_string_equal(rules->sources[0].text, line);
		wf_ruleset_free(rules);
	}
	assert_true(count > 50);
}

/* "-f 'TEXT': MESSAGE"; a long TEXT is cut. */
static const char *message_of(const struct wf_err *err)
{
	const char *message = strstr(err->msg, "': column ");

	return message ? message + 3 : err->msg;
}

static void every_bad_rule_of_the_corpus_says_why(void **state)
{
	wf_auto(wf_fclosep) FILE *file = fopen("tests/unit/corpus/rules_bad.txt", "re");
	char line[LINE_BYTES], expected[LINE_BYTES], got[LINE_BYTES];
	unsigned count = 0;

	(void)state;
	assert_non_null(file);
	for (; next_line(file, line); count++) {
		struct wf_ruleset *rules = NULL;
		struct wf_err err = {0};
		int rc;

		assert_true(next_line(file, expected));
		assert_int_equal(wf_ruleset_new(&rules, &err), 0);
		rc = wf_ruleset_add_short(rules, line, &err);
		snprintf(got, sizeof(got), "\t%s %s",
			 rc == -EINVAL    ? "EINVAL"
			 : rc == -ENOTSUP ? "ENOTSUP"
					  : "?",
			 message_of(&err));
		if (strcmp(got, expected) != 0)
			fail_msg("%s\n  gives %s\n  not   %s", line, got, expected);
		assert_int_equal(rules->count, 0);
		assert_int_equal(rules->source_count, 0);
		wf_ruleset_free(rules);
	}
	assert_true(count > 100);
}

static void a_plain_function_is_a_call_in_the_executable(void **state)
{
	struct wf_ruleset *rules = read_rule("Stage::run*");
	const struct wf_rule *rule = &rules->rules[0];

	(void)state;
	assert_int_equal(rule->kind, WF_RULE_CALL);
	assert_int_equal(rule->at.type, WF_WHERE_FUNCTION);
	assert_string_equal(rule->at.function, "Stage::run*");
	assert_null(rule->at.library);
	assert_null(rule->name);
	assert_null(rule->error);
	assert_int_equal(rule->span_kind, WF_KIND_INTERNAL);
	assert_int_equal(rule->nearest, -1);
	assert_string_equal(rule->origin, "-f 'Stage::run*'");
	assert_string_equal(rule->profile, "adhoc");
	assert_string_equal(rules->profile, "adhoc");
	wf_ruleset_free(rules);
}

static void functions_take_libraries_backquotes_and_templates(void **state)
{
	static const struct {
		const char *text, *function, *library;
	} cases[] = {
		{"sqlite3_step@libsqlite3*", "sqlite3_step", "libsqlite3*"},
		{"`operator()`@lib.so", "operator()", "lib.so"},
		{"`operator*`", "operator[*]", NULL},
		{"a`[`b`?`", "a[[]b[?]", NULL},
		{"`a:b`", "a:b", NULL},
		{"std::map<int, char (*)(int)>::at", "std::map<int, char (*)(int)>::at", NULL},
		{"<T as A<B> >::f kind server", "<T as A<B> >::f", NULL},
		{"operator< when arg1:i32 > 3", "operator<", NULL},
		{"operator-> as x", "operator->", NULL},
		{"a<b", "a<b", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wf_ruleset *rules = read_rule(cases[i].text);
		const struct wf_where *at = &rules->rules[0].at;

		assert_string_equal(at->function, cases[i].function);
		if (cases[i].library)
			assert_string_equal(at->library, cases[i].library);
		else
			assert_null(at->library);
		wf_ruleset_free(rules);
	}
}

static void a_literal_matches_only_itself(void **state)
{
	struct wf_ruleset *rules = read_rule("`operator*`");

	(void)state;
	assert_true(wf_glob_match(rules->rules[0].at.function, "operator*"));
	assert_false(wf_glob_match(rules->rules[0].at.function, "operator+"));
	wf_ruleset_free(rules);
}

static void a_static_probe_is_an_event_and_two_are_a_span(void **state)
{
	struct wf_ruleset *rules = read_rule("usdt:postgresql:query__start");
	const struct wf_rule *rule = &rules->rules[0];

	(void)state;
	assert_int_equal(rule->kind, WF_RULE_EVENT);
	assert_int_equal(rule->at.type, WF_WHERE_USDT);
	assert_string_equal(rule->at.provider, "postgresql");
	assert_string_equal(rule->at.function, "query__start");
	wf_ruleset_free(rules);

	rules = read_rule("usdt:postgresql:query__start..query__done@postgres(t=close.arg1:i32)");
	rule = &rules->rules[0];
	assert_int_equal(rule->kind, WF_RULE_PAIR);
	assert_string_equal(rule->at.function, "query__start");
	assert_string_equal(rule->close.function, "query__done");
	assert_string_equal(rule->close.provider, "postgresql");
	assert_string_equal(rule->close.library, "postgres");
	assert_string_equal(rule->name_text, "query");
	assert_true(rule->operands[0].at_close);
	wf_ruleset_free(rules);

	rules = read_rule("usdt:p:abc..xyz");
	assert_string_equal(rules->rules[0].name_text, "abc");
	wf_ruleset_free(rules);
}

static void equal_operands_share_a_slot(void **state)
{
	struct wf_ruleset *rules =
		read_rule("f(a=arg1:str, b=arg1:str|lower, c=arg1:i64, d=arg1:str[300], "
			  "e=arg1->8:str) as {arg1:str} error arg1:i64 == 3 or return:i64 < 0");
	const struct wf_rule *rule = &rules->rules[0];

	(void)state;
	assert_int_equal(rule->attribute_count, 5);
	assert_int_equal(rule->operand_count, 5);
	assert_int_equal(rule->operands[0].type, WF_SRC_CSTRING);
	assert_int_equal(rule->operands[0].max_bytes, 256);
	assert_int_equal(rule->operands[1].type, WF_SRC_I64);
	assert_int_equal(rule->operands[1].max_bytes, 0);
	assert_int_equal(rule->operands[2].max_bytes, 300);
	assert_int_equal(rule->operands[3].steps, 1);
	assert_int_equal(rule->operands[4].origin, WF_FROM_RETURN);
	wf_ruleset_free(rules);
}

static void steps_and_self_are_as_written(void **state)
{
	struct wf_ruleset *rules = read_rule("f(a=self->32->-8:string[64], b=arg3:u16)");
	const struct wf_operand *operands = rules->rules[0].operands;

	(void)state;
	assert_int_equal(operands[0].origin, WF_FROM_ARG);
	assert_int_equal(operands[0].number, 0);
	assert_int_equal(operands[0].type, WF_SRC_STDSTRING);
	assert_int_equal(operands[0].steps, 2);
	assert_int_equal(operands[0].offset[0], 32);
	assert_int_equal(operands[0].offset[1], -8);
	assert_int_equal(operands[0].max_bytes, 64);
	assert_int_equal(operands[1].number, 4); /* arg3 behind the object */
	assert_int_equal(operands[1].type, WF_SRC_U16);
	wf_ruleset_free(rules);
}

struct guard_case {
	const char *when;
	bool any;
	uint8_t count;
	struct {
		uint8_t argument, compare;
		int64_t value;
	} guards[WF_GUARDS_MAX];
};

static const struct guard_case guard_cases[] = {
	{"arg1:i32 == 3", false, 1, {{1, WF_CMP_EQ, 3}}},
	{"3 < arg1:i32", false, 1, {{1, WF_CMP_GT, 3}}},
	{"3 >= arg1:i32", false, 1, {{1, WF_CMP_LE, 3}}},
	{"not arg1:i32 < 3", false, 1, {{1, WF_CMP_GE, 3}}},
	{"arg1:ptr", false, 1, {{1, WF_CMP_NE, 0}}},
	{"not arg1:bool", false, 1, {{1, WF_CMP_EQ, 0}}},
	{"arg1:bool == true", false, 1, {{1, WF_CMP_EQ, 1}}},
	{"arg1:bool != false", false, 1, {{1, WF_CMP_NE, 0}}},
	{"arg1:i32 > 1 and arg2:i32 < 2", false, 2, {{1, WF_CMP_GT, 1}, {2, WF_CMP_LT, 2}}},
	{"arg1:i32 > 1 or arg2:i32 < 2", true, 2, {{1, WF_CMP_GT, 1}, {2, WF_CMP_LT, 2}}},
	{"not (arg1:i32 == 1 and arg2:i32 == 2)", true, 2, {{1, WF_CMP_NE, 1}, {2, WF_CMP_NE, 2}}},
	{"not (arg1:i32 == 1 or arg2:bool)", false, 2, {{1, WF_CMP_NE, 1}, {2, WF_CMP_EQ, 0}}},
	{"arg1:i32 in [1, 2]", true, 2, {{1, WF_CMP_EQ, 1}, {1, WF_CMP_EQ, 2}}},
	{"arg1:i32 not in [1, 2]", false, 2, {{1, WF_CMP_NE, 1}, {1, WF_CMP_NE, 2}}},
	{"arg1:i32 not in [1] and arg2:i32 == 3", false, 2, {{1, WF_CMP_NE, 1}, {2, WF_CMP_EQ, 3}}},
	{"arg1:u64 == 18446744073709551615", false, 1, {{1, WF_CMP_EQ, -1}}},
	{"arg1:i8 == -128", false, 1, {{1, WF_CMP_EQ, -128}}},
};

static void when_becomes_compares(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(guard_cases) / sizeof(guard_cases[0]); i++) {
		const struct guard_case *want = &guard_cases[i];
		struct wf_ruleset *rules;
		const struct wf_rule *rule;
		char text[256];

		snprintf(text, sizeof(text), "f when %s", want->when);
		rules = read_rule(text);
		rule = &rules->rules[0];
		assert_int_equal(rule->guard_count, want->count);
		assert_int_equal(rule->guard_any, want->any);
		assert_int_equal(rule->operand_count, 0);
		for (unsigned g = 0; g < want->count; g++) {
			assert_int_equal(rule->guards[g].operand.number, want->guards[g].argument);
			assert_int_equal(rule->guards[g].compare, want->guards[g].compare);
			assert_int_equal(rule->guards[g].value, want->guards[g].value);
		}
		wf_ruleset_free(rules);
	}
}

static void kind_and_slower_are_kept(void **state)
{
	struct wf_ruleset *rules = read_rule("f kind consumer slower 1.5ms");

	(void)state;
	assert_int_equal(rules->rules[0].span_kind, WF_KIND_CONSUMER);
	assert_int_equal(rules->rules[0].min_duration_ns, 1500000);
	wf_ruleset_free(rules);
}

static void min_duration_fills_what_is_open(void **state)
{
	struct wf_ruleset *rules = read_rule("f slower 5ms");
	struct wf_err err;

	(void)state;
	assert_int_equal(wf_ruleset_add_short(rules, "g", &err), 0);
	assert_int_equal(wf_ruleset_add_short(rules, "usdt:p:n", &err), 0);
	wf_ruleset_set_min_duration(rules, 7);
	assert_int_equal(rules->rules[0].min_duration_ns, 5000000);
	assert_int_equal(rules->rules[1].min_duration_ns, 7);
	assert_int_equal(rules->rules[2].min_duration_ns, 0);
	assert_int_equal(rules->rules[2].index, 2);
	wf_ruleset_free(rules);
}

static void unreadable_texts_are_refused(void **state)
{
	static const char *const texts[] = {"f(a='\xff')", "\xc3\x28", "f\x01", "f\x7f\x80"};
	wf_auto(wf_freep) char *huge = malloc(20001);
	struct wf_ruleset *rules = NULL;
	struct wf_err err;

	(void)state;
	assert_int_equal(wf_ruleset_new(&rules, &err), 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(wf_ruleset_add_short(rules, texts[i], &err), -EINVAL);
	memset(huge, 'f', 20000);
	huge[20000] = '\0';
	assert_int_equal(wf_ruleset_add_short(rules, huge, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "at most 16384 bytes"));
	huge[2000] = '\0';
	assert_int_equal(wf_ruleset_add_short(rules, huge, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "a function has at most 1024 bytes"));
	memset(huge, '`', 1);
	memset(huge + 1, '*', 1900);
	assert_int_equal(wf_ruleset_add_short(rules, huge, &err), -EINVAL);
	assert_int_equal(rules->count, 0);
	wf_ruleset_free(rules);
}

static void check_repeated(const char *head, const char *part, unsigned times, const char *tail,
			   const char *message)
{
	wf_auto(wf_freep) char *text = calloc(1, 16384);
	struct wf_ruleset *rules = NULL;
	struct wf_err err;
	size_t len = (size_t)snprintf(text, 16384, "%s", head);

	for (unsigned i = 0; i < times; i++)
		len += (size_t)snprintf(text + len, 16384 - len, "%s", part);
	snprintf(text + len, 16384 - len, "%s", tail);
	assert_int_equal(wf_ruleset_new(&rules, &err), 0);
	assert_int_equal(wf_ruleset_add_short(rules, text, &err), -EINVAL);
	assert_non_null(strstr(err.msg, message));
	wf_ruleset_free(rules);
}

static void deep_and_long_expressions_are_refused(void **state)
{
	(void)state;
	check_repeated("f(a=", "(", 5000, "", "nested too deep (64 levels)");
	check_repeated("f(a=", "not ", 3000, "true)", "nested too deep (64 levels)");
	check_repeated("f(a=true", " or true", 1500, ")", "too long (512 parts)");
	check_repeated("f(a='x'", "|lower", 2000, ")", "too long (512 parts)");
	check_repeated("f(a=self", "[self", 2000, "", "nested too deep (64 levels)");
}

static void a_set_survives_as_json(void **state)
{
	struct wf_ruleset *rules = read_rule("f(a=arg1:str|lower) as \"x y\" error return:i32 < 0");
	struct wf_ruleset *copy = NULL;
	char *first = NULL, *second = NULL;
	struct wf_err err = {0};

	(void)state;
	assert_int_equal(wf_ruleset_add_profile(rules, "postgresql", &err), 0);
	wf_ruleset_set_min_duration(rules, 12345);
	assert_int_equal(wf_ruleset_to_json(rules, &first, &err), 0);
	assert_int_equal(wf_ruleset_from_json(first, strlen(first), &copy, &err), 0);
	assert_int_equal(wf_ruleset_to_json(copy, &second, &err), 0);
	assert_string_equal(first, second);
	assert_int_equal(copy->count, rules->count);
	assert_string_equal(copy->profile, "postgresql");
	for (unsigned i = 0; i < copy->count; i++) {
		assert_string_equal(copy->rules[i].origin, rules->rules[i].origin);
		assert_int_equal(copy->rules[i].operand_count, rules->rules[i].operand_count);
		assert_int_equal(copy->rules[i].min_duration_ns, rules->rules[i].min_duration_ns);
	}
	free(first);
	free(second);
	wf_ruleset_free(rules);
	wf_ruleset_free(copy);
}

static void broken_json_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{}",
		"{\"sources\":[],\"min_duration_ns\":-1}",
		"{\"sources\":[1],\"min_duration_ns\":0}",
		"{\"sources\":[{\"text\":1}],\"min_duration_ns\":0}",
		"{\"sources\":[{\"text\":\"f(\"}],\"min_duration_ns\":0}",
		"{\"sources\":[{\"file\":1,\"text\":\"f\"}],\"min_duration_ns\":0}",
		"{\"sources\":[{\"file\":\"x\",\"text\":\"f\"}],\"min_duration_ns\":0}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct wf_ruleset *rules = NULL;
		struct wf_err err = {0};

		assert_int_equal(wf_ruleset_from_json(texts[i], strlen(texts[i]), &rules, &err),
				 -EINVAL);
		assert_null(rules);
		assert_true(err.msg[0] != '\0');
	}
}

static void long_rules_are_cut_in_messages(void **state)
{
	struct wf_ruleset *rules = NULL;
	struct wf_err err;
	char text[400];

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text + 300, " knd", 5);
	assert_int_equal(wf_ruleset_new(&rules, &err), 0);
	assert_int_equal(wf_ruleset_add_short(rules, text, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "xxx...': column 302: unknown word 'knd'"));
	wf_ruleset_free(rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_good_rule_of_the_corpus_is_read),
		cmocka_unit_test(every_bad_rule_of_the_corpus_says_why),
		cmocka_unit_test(a_plain_function_is_a_call_in_the_executable),
		cmocka_unit_test(functions_take_libraries_backquotes_and_templates),
		cmocka_unit_test(a_literal_matches_only_itself),
		cmocka_unit_test(a_static_probe_is_an_event_and_two_are_a_span),
		cmocka_unit_test(equal_operands_share_a_slot),
		cmocka_unit_test(steps_and_self_are_as_written),
		cmocka_unit_test(when_becomes_compares),
		cmocka_unit_test(kind_and_slower_are_kept),
		cmocka_unit_test(min_duration_fills_what_is_open),
		cmocka_unit_test(unreadable_texts_are_refused),
		cmocka_unit_test(deep_and_long_expressions_are_refused),
		cmocka_unit_test(a_set_survives_as_json),
		cmocka_unit_test(broken_json_is_refused),
		cmocka_unit_test(long_rules_are_cut_in_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
