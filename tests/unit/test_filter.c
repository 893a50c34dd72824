/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/rule/filter.h"

#include "fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_change_one_value),
		cmocka_unit_test(a_hash_tells_values_apart),
		cmocka_unit_test(url_parts_leave_secrets_out),
		cmocka_unit_test(sql_literals_become_question_marks),
		cmocka_unit_test(sql_summaries_name_verb_and_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
