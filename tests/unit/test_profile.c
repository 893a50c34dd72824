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
#include "userspace/rule/shipped.h"

#define HEAD "wftrace: 1\nprofile: t\n"

static struct wf_ruleset *read_yaml(const char *text)
{
	struct wf_ruleset *rules = NULL;
	struct wf_err err = {0};

	assert_int_equal(wf_ruleset_new(&rules, &err), 0);
	if (wf_ruleset_add_yaml(rules, "t.yaml", text, strlen(text), &err) < 0)
		fail_msg("%s", err.msg);
	return rules;
}

static void check_refusal(const char *text, size_t len, int code, const char *message)
{
	struct wf_ruleset *rules = NULL;
	struct wf_err err = {0};
	int rc;

	assert_int_equal(wf_ruleset_new(&rules, &err), 0);
	rc = wf_ruleset_add_yaml(rules, "t.yaml", text, len, &err);
	if (rc != -code || strcmp(err.msg, message) != 0)
		fail_msg("%.200s\n gives %d: %s\n not %d: %s", text, rc, err.msg, -code, message);
	assert_int_equal(rules->count, 0);
	assert_int_equal(rules->requirement_count, 0);
	assert_int_equal(rules->source_count, 0);
	wf_ruleset_free(rules);
}

struct bad_case {
	const char *text, *message;
};

static void check_refusals(const struct bad_case *cases, size_t count, int code)
{
	for (size_t i = 0; i < count; i++)
		check_refusal(cases[i].text, strlen(cases[i].text), code, cases[i].message);
}

#define CHECK_REFUSALS(cases, code) check_refusals(cases, sizeof(cases) / sizeof((cases)[0]), code)

static const char whole[] = HEAD "requires:\n"
				 "  - {executable: app, usdt: 'p:*'}\n"
				 "  - library: [liba*, libb*]\n"
				 "    symbol: run\n"
				 "events:\n"
				 "  - call: usdt:p:retry\n"
				 "    on: nearest(stage-1)\n"
				 "    name: retry\n"
				 "    when: arg1:i32 > 0\n"
				 "    attributes: {n: arg1:i32}\n"
				 "  - function: [note, usdt:p:note]\n"
				 "spans:\n"
				 "  - function: Other::run\n"
				 "  - rule: stage-1\n"
				 "    function: Stage::run*\n"
				 "    name: \"stage.{arg1:str}\"\n"
				 "    name_at: exit\n"
				 "    kind: server\n"
				 "    parent: context\n"
				 "    once: false\n"
				 "    when: arg2:i32 == 1 or arg3:ptr\n"
				 "    attributes: {a: arg1:str, b: \"'fixed'\", c: 3, d: true}\n"
				 "    error: return:i32 < 0\n"
				 "    min_duration: 5ms\n"
				 "  - open: {call: begin, when: arg1:ptr}\n"
				 "    close: {call: usdt:p:end}\n"
				 "    attributes: {x: close.arg1:f64}\n";

static void a_whole_profile_becomes_rules(void **state)
{
	struct wf_ruleset *rules = read_yaml(whole);
	const struct wf_rule *rule = rules->rules;

	(void)state;
	assert_string_equal(rules->profile, "t");
	assert_int_equal(rules->count, 6);
	assert_string_equal(rule[0].origin, "t.yaml:15");
	assert_string_equal(rule[1].label, "stage-1");
	assert_string_equal(rule[1].profile, "t");
	assert_string_equal(rule[1].name_text, "stage.{arg1:str}");
	assert_int_equal(rule[1].span_kind, WF_KIND_SERVER);
	assert_int_equal(rule[1].guard_count, 2);
	assert_true(rule[1].guard_any);
	assert_int_equal(rule[1].attribute_count, 4);
	assert_string_equal(rule[1].attributes[3].key, "d");
	assert_int_equal(rule[1].operand_count, 2);
	assert_non_null(rule[1].error);
	assert_int_equal(rule[1].min_duration_ns, 5000000);
	assert_int_equal(rule[2].kind, WF_RULE_PAIR);
	assert_int_equal(rule[2].at.type, WF_WHERE_FUNCTION);
	assert_int_equal(rule[2].close.type, WF_WHERE_USDT);
	assert_null(rule[2].name);
	assert_int_equal(rule[2].guard_count, 1);
	assert_int_equal(rule[3].kind, WF_RULE_EVENT);
	assert_int_equal(rule[3].nearest, 1);
	assert_int_equal(rule[4].kind, WF_RULE_EVENT);
	assert_int_equal(rule[4].at.type, WF_WHERE_FUNCTION);
	assert_int_equal(rule[4].nearest, -1);
	assert_int_equal(rule[5].at.type, WF_WHERE_USDT);
	assert_int_equal(rules->requirement_count, 5);
	assert_int_equal(rules->requirements[0].kind, WF_REQUIRE_EXECUTABLE);
	assert_int_equal(rules->requirements[0].variant, 0);
	assert_int_equal(rules->requirements[1].kind, WF_REQUIRE_USDT);
	assert_int_equal(rules->requirements[2].variant, 1);
	assert_string_equal(rules->requirements[3].glob, "libb*");
	assert_int_equal(rules->requirements[4].kind, WF_REQUIRE_SYMBOL);
	wf_ruleset_free(rules);
}

static void a_function_list_makes_a_rule_each(void **state)
{
	struct wf_ruleset *rules =
		read_yaml(HEAD "spans: [{function: [a, b, usdt:p:x__start..x__done], rule: r}]");

	(void)state;
	assert_int_equal(rules->count, 3);
	assert_string_equal(rules->rules[1].at.function, "b");
	assert_int_equal(rules->rules[2].kind, WF_RULE_PAIR);
	assert_string_equal(rules->rules[2].name_text, "x");
	wf_ruleset_free(rules);
}

static void a_phase_names_a_rule_below_it(void **state)
{
	struct wf_ruleset *rules = read_yaml(
		HEAD "spans:\n"
		     "  - open: {call: f, when: arg1:ptr, again: after(work)}\n"
		     "    close: {call: usdt:p:x, when: not arg2:ptr or close.arg1:i32 == 3}\n"
		     "    error: unwound\n"
		     "  - {open: {call: f, again: join}, close: {call: g}}\n"
		     "  - {open: {call: f, again: next}, close: {call: g}}\n"
		     "  - {function: h, rule: work}\n");
	const struct wf_rule *rule = rules->rules;

	(void)state;
	assert_int_equal(rule[0].again, WF_AGAIN_NEXT);
	assert_int_equal(rule[0].after, 3);
	assert_int_equal(rule[0].guard_count, 1);
	assert_int_equal(rule[0].close_guard_count, 2);
	assert_true(rule[0].close_guard_any);
	assert_int_equal(rule[0].close_guards[0].compare, WF_CMP_EQ);
	assert_int_equal(rule[0].close_guards[0].operand.number, 2);
	assert_int_equal(rule[1].again, WF_AGAIN_JOIN);
	assert_int_equal(rule[1].after, -1);
	assert_int_equal(rule[2].again, WF_AGAIN_NEXT);
	assert_int_equal(rule[2].after, -1);
	assert_int_equal(rule[3].again, WF_AGAIN_NEST);
	wf_ruleset_free(rules);
}

static void a_profile_may_be_empty(void **state)
{
	struct wf_ruleset *rules = read_yaml(HEAD "spans: []\nevents: []\n");

	(void)state;
	assert_int_equal(rules->count, 0);
	assert_int_equal(rules->source_count, 1);
	wf_ruleset_free(rules);
}

/* One file that uses everything the language has, as the architecture describes it. */
static const char everything[] =
	"wftrace: 1\n"
	"profile: everything\n"
	"requires: [{python: app.engine, version: '>=2.0,<3'}, {library: libapp*}]\n"
	"spans:\n"
	"  - function: app.pipeline:Pipeline.start\n"
	"    name: \"pipeline.{type(self)}\"\n"
	"    kind: server\n"
	"    when: arg.scope['type'] == 'http'\n"
	"    attributes: {pipeline.id: self._id, input.size: arg.path|len, rows: return.count,\n"
	"                 attempt: caller.attempts, tool: 'self.tools[arg.call.name].endpoint',\n"
	"                 total: 'self.items[*].size|sum', first: 'self.all|first(item._id == "
	"self._id)',\n"
	"                 none: return.data.total ?? arg.total ?? 0, called: return.elapsed!|s,\n"
	"                 status: return.status|enum, at: return.at|iso, when: exception.args,\n"
	"                 cell: cell.expr, extra: \"kwargs['x']\", pos: 'args[0]', up: "
	"parent.tenant,\n"
	"                 any: \"return['results'][*].status|any('failed')\"}\n"
	"    error: return.error == true\n"
	"    not_errors: [CancelledError]\n"
	"    message: return.text\n"
	"    type: return.kind\n"
	"    parent: remote(arg.scope['headers'])\n"
	"    once: true\n"
	"    suppress: [child]\n"
	"    drop_when: duration < 1ms and not exception\n"
	"    end_on: {call: 'httpx._models:Response.aclose', same: return, timeout: 30s}\n"
	"    generator: item\n"
	"    promote: {to: workflow, set: {workflow.status: return.status|enum}, count: "
	"tasks.total}\n"
	"    inherit: [tenant.id]\n"
	"    sampling: api_calls\n"
	"    min_duration: 1ms\n"
	"    budget: {duration: 5s, then: event}\n"
	"    redact: [input.size]\n"
	"    limit: 100\n"
	"    inject: arg.request.headers\n"
	"  - function: [overrides of m:C.f, 'values of m:DICT', 'unwrapped m:f', m:f.<locals>.g]\n"
	"    error: any_child_error\n"
	"  - function: m:child\n"
	"    rule: child\n"
	"    error: calls m:append when arg.evt.type in ['failed', 'denied']\n"
	"    parent: key(id(arg.event))\n"
	"  - open: {call: usdt:p:a, when: arg1:i32 == 1, key: arg2:u64}\n"
	"    close: {call: usdt:p:b, when: arg1:i32 == 1, key: arg2:u64}\n"
	"events: [{function: m:F.retry, on: nearest(child), name: retry, attributes: {n: "
	"arg.n}}]\n"
	"links: [{from: {rule: child, key: id(arg.event)}, to: {rule: child, key: id(self)}, as: "
	"parent,\n"
	"         wait: queue.time, expire: 10m, max: 1000}]\n"
	"metrics: [{name: order.value, kind: histogram, unit: USD, function: m:F, value: "
	"arg.order.total|num,\n"
	"           labels: {kind: arg.kind}, buckets: [1, 10, 100], max_labels: 50}]\n"
	"logs: [{logger: '*', level: info, write_ids: false}]\n"
	"otel: {yield_to: [a.b, c.d]}\n";

static void the_whole_language_is_read_before_it_is_refused(void **state)
{
	(void)state;
	check_refusal(everything, sizeof(everything) - 1, ENOTSUP,
		      "t.yaml:14:77: 'parent' is not read by this version");
}

static void broken_yaml_is_refused_with_its_place(void **state)
{
	static const struct bad_case cases[] = {
		{"", "t.yaml:1:1: the file is empty"},
		{"# nothing\n", "t.yaml:2:1: the file is empty"},
		{"a: [1\n", "t.yaml:2:1: not valid YAML: did not find expected ',' or ']'"},
		{"a: b: c\n", "t.yaml:1:5: not valid YAML: mapping values are not allowed in this "
			      "context"},
		{HEAD "spans:\n\t- function: f\n", "t.yaml:4:1: a tab cannot indent; use spaces"},
		{HEAD "profile: u\n", "t.yaml:3:1: key 'profile' is there twice (first in line 2)"},
		{"wftrace: 1\nprofile: &a x\n", "t.yaml:2:10: anchors (&name) are not allowed"},
		{"wftrace: 1\nprofile: *a\n", "t.yaml:2:10: aliases (*name) are not allowed"},
		{"wftrace: !!int 1\n", "t.yaml:1:10: tags (!name) are not allowed; quote the text"},
		{"a: !!python/object:os.system x\n",
		 "t.yaml:1:4: tags (!name) are not allowed; quote the text"},
		{"? [a]\n: b\n", "t.yaml:1:3: a key is a plain word"},
		{HEAD "---\n" HEAD, "t.yaml:3:1: a profile is one document"},
		{"wftrace: 1\nprofile: \"a\\0b\"\n", "t.yaml:2:10: a text holds no NUL"},
		{"wftrace: 1\nprofile: \xff\n", "t.yaml:2:10: not valid UTF-8"},
		{"wftrace: 1\n\xc3(: x\n", "t.yaml:2:2: not valid UTF-8"},
		{"wftrace: \x01\n", "t.yaml:1:10: a control character"},
	};

	(void)state;
	CHECK_REFUSALS(cases, EINVAL);
}

/* One line of the corpus: of the text, or "=> ERRNO MESSAGE", which ends the case. */
static bool corpus_line(char *line, char *text, size_t size)
{
	static const struct {
		const char *word;
		int code;
	} codes[] = {{"=> EINVAL ", EINVAL}, {"=> ENOTSUP ", ENOTSUP}};
	size_t len = strlen(text);

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		size_t word = strlen(codes[i].word);

		if (strncmp(line, codes[i].word, word) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		check_refusal(text, len, codes[i].code, line + word);
		return true;
	}
	assert_true(len + strlen(line) < size);
	memcpy(text + len, line, strlen(line) + 1);
	return false;
}

static void every_bad_profile_of_the_corpus_says_why(void **state)
{
	wf_auto(wf_fclosep) FILE *file = fopen("tests/unit/corpus/profiles_bad.txt", "re");
	char line[1024], text[4096] = "";
	unsigned count = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (*line == '#' || !corpus_line(line, text, sizeof(text)))
			continue;
		*text = '\0';
		count++;
	}
	assert_true(count > 80);
}

static void a_billion_laughs_stay_silent(void **state)
{
	static const char text[] = "a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\n"
				   "c: &c [*b, *b, *b, *b]\n";

	(void)state;
	check_refusal(text, sizeof(text) - 1, EINVAL,
		      "t.yaml:1:4: anchors (&name) are not allowed");
}

static void check_filled(char fill, size_t len, int code, const char *message)
{
	wf_auto(wf_freep) char *text = malloc(len + 1);

	assert_non_null(text);
	memset(text, fill, len);
	text[len] = '\0';
	check_refusal(text, len, code, message);
}

static void huge_and_deep_files_are_refused(void **state)
{
	static char many[900000];

	(void)state;
	check_filled('a', 10 * 1024 * 1024, EFBIG, "t.yaml: a profile has at most 1048576 bytes");
	check_filled('[', 900, EINVAL, "t.yaml:1:33: nested too deep");
	check_filled('[', 1000000, EINVAL, "t.yaml:1:33: nested too deep");
	many[0] = '[';
	for (size_t i = 1; i + 2 < sizeof(many); i += 2)
		memcpy(many + i, "1,", 2);
	check_refusal(many, strlen(many), EINVAL, "t.yaml:1:200000: too many values for a profile");
}

static void too_many_entries_are_refused(void **state)
{
	wf_auto(wf_freep) char *text = calloc(1, 65536);
	size_t len = 0;

	(void)state;
	for (unsigned i = 0; i < 2001; i++)
		len += (size_t)snprintf(text + len, 65536 - len, "k%u: 1\n", i);
	check_refusal(text, len, EINVAL, "t.yaml:2001:1: this mapping has too many entries");
}

static void a_failed_file_leaves_the_set_as_it_was(void **state)
{
	static const char text[] = HEAD "requires: {executable: x}\n"
					"spans: [{function: a}, {function: usdt:p:n}]\n";
	struct wf_ruleset *rules = read_yaml(HEAD "spans: [{function: f}]\n");
	struct wf_err err;

	(void)state;
	assert_int_equal(wf_ruleset_add_yaml(rules, "u.yaml", text, sizeof(text) - 1, &err),
			 -EINVAL);
	assert_int_equal(rules->count, 1);
	assert_int_equal(rules->requirement_count, 0);
	assert_int_equal(rules->source_count, 1);
	wf_ruleset_free(rules);
}

static void profiles_are_found_by_name_or_path(void **state)
{
	struct wf_ruleset *rules = NULL;
	struct wf_err err = {0};

	(void)state;
	assert_int_equal(wf_ruleset_new(&rules, &err), 0);
	assert_int_equal(wf_ruleset_add_profile(rules, "profiles/postgresql.yaml", &err), 0);
	assert_int_equal(wf_ruleset_add_profile(rules, "postgresq", &err), -ENOENT);
	assert_string_equal(err.msg, "no shipped profile 'postgresq'; did you mean 'postgresql'?; "
				     "a file is named with its path (./postgresq.yaml)");
	assert_int_equal(wf_ruleset_add_profile(rules, "./no-such-file.yaml", &err), -ENOENT);
	assert_int_equal(wf_ruleset_add_profile(rules, "/dev/zero", &err), -EFBIG);
	wf_ruleset_free(rules);
}

static void every_shipped_profile_is_read(void **state)
{
	(void)state;
	assert_true(wf_shipped_profile_count >= 1);
	for (unsigned i = 0; i < wf_shipped_profile_count; i++) {
		struct wf_ruleset *rules = NULL;
		struct wf_err err = {0};

		assert_int_equal(wf_ruleset_new(&rules, &err), 0);
		if (wf_ruleset_add_profile(rules, wf_shipped_profiles[i].name, &err) < 0)
			fail_msg("%s", err.msg);
		assert_string_equal(rules->profile, wf_shipped_profiles[i].name);
		assert_true(rules->count > 0);
		assert_true(rules->requirement_count > 0);
		wf_ruleset_free(rules);
	}
}

/* The text of the next block fenced by ```KIND, NUL-ended in place; NULL = no more. */
static char *next_block(char **cursor, const char *kind)
{
	char fence[32], *start, *end;

	snprintf(fence, sizeof(fence), "\n```%s\n", kind);
	start = strstr(*cursor, fence);
	if (!start)
		return NULL;
	start += strlen(fence);
	end = strstr(start, "```");
	assert_non_null(end);
	*end = '\0';
	*cursor = end + 1;
	return start; /* two NULs end it, as its last line ends with a newline of its own */
}

static void the_examples_of_the_manual_are_read(void **state)
{
	wf_auto(wf_freep) char *text = NULL;
	struct wf_ruleset *rules = NULL;
	char *cursor, *block;
	struct wf_err err = {0};
	unsigned lines = 0, files = 0;
	size_t len;

	(void)state;
	assert_int_equal(wf_read_file("docs/profiles.md", 1 << 20, &text, &len, &err), 0);
	assert_int_equal(wf_ruleset_new(&rules, &err), 0);
	cursor = text;
	while ((block = next_block(&cursor, "rules"))) {
		for (char *line = block; *line; line += strlen(line) + 1, lines++) {
			line[strcspn(line, "\n")] = '\0';
			if (wf_ruleset_add_short(rules, line, &err) < 0)
				fail_msg("%s", err.msg);
		}
	}
	while ((block = next_block(&cursor, "yaml"))) {
		if (wf_ruleset_add_yaml(rules, "manual", block, strlen(block), &err) < 0)
			fail_msg("%s", err.msg);
		files++;
	}
	assert_true(lines > 5 && files > 0);
	wf_ruleset_free(rules);
}

static void attributes_and_spans_have_caps(void **state)
{
	wf_auto(wf_freep) char *text = calloc(1, 65536);
	size_t len = (size_t)snprintf(text, 65536, HEAD "spans:\n- function: f\n  attributes:\n");
	struct wf_ruleset *rules;

	(void)state;
	for (unsigned i = 0; i < 64; i++)
		len += (size_t)snprintf(text + len, 65536 - len, "    a%u: 1\n", i);
	rules = read_yaml(text);
	assert_int_equal(rules->rules[0].attribute_count, 64);
	wf_ruleset_free(rules);
	len += (size_t)snprintf(text + len, 65536 - len, "    last: 1\n");
	check_refusal(text, len, EINVAL, "t.yaml:70:11: a rule has at most 64 attributes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_profile_becomes_rules),
		cmocka_unit_test(a_function_list_makes_a_rule_each),
		cmocka_unit_test(a_phase_names_a_rule_below_it),
		cmocka_unit_test(a_profile_may_be_empty),
		cmocka_unit_test(every_bad_profile_of_the_corpus_says_why),
		cmocka_unit_test(the_whole_language_is_read_before_it_is_refused),
		cmocka_unit_test(broken_yaml_is_refused_with_its_place),
		cmocka_unit_test(a_billion_laughs_stay_silent),
		cmocka_unit_test(huge_and_deep_files_are_refused),
		cmocka_unit_test(too_many_entries_are_refused),
		cmocka_unit_test(a_failed_file_leaves_the_set_as_it_was),
		cmocka_unit_test(profiles_are_found_by_name_or_path),
		cmocka_unit_test(every_shipped_profile_is_read),
		cmocka_unit_test(the_examples_of_the_manual_are_read),
		cmocka_unit_test(attributes_and_spans_have_caps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
