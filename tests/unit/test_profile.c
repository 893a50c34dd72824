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
#include "userspace/rule.h"
#include "userspace/shipped.h"

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

static void a_whole_profile_becomes_rules(void **state)
{
	struct wf_ruleset *rules =
		read_yaml(HEAD "requires:\n"
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
			       "    attributes: {x: close.arg1:f64}\n");
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

static void a_profile_may_be_empty(void **state)
{
	struct wf_ruleset *rules = read_yaml(HEAD "spans: []\nevents: []\n");

	(void)state;
	assert_int_equal(rules->count, 0);
	assert_int_equal(rules->source_count, 1);
	wf_ruleset_free(rules);
}

static void wrong_keys_and_words_are_named_with_their_place(void **state)
{
	static const struct bad_case cases[] = {
		{HEAD "spans:\n  - function: f\n    atributes: {a: 1}\n",
		 "t.yaml:5:5: unknown key 'atributes'; did you mean 'attributes'?"},
		{HEAD "spans:\n  - function: f\n    kind: srver\n",
		 "t.yaml:5:11: unknown kind 'srver'; did you mean 'server'?"},
		{HEAD "spans:\n  - function: f\n    generator: whole\n",
		 "t.yaml:5:16: unknown generator 'whole'; the first of its words is 'body'"},
		{HEAD "spam: []\n", "t.yaml:3:1: unknown key 'spam'; did you mean 'spans'?"},
		{HEAD "zzz: []\n", "t.yaml:3:1: unknown key 'zzz'; keys here are wftrace, profile, "
				   "requires, spans, events, links, metrics, logs, otel"},
		{"profile: t\n", "t.yaml:1:1: key 'wftrace' is missing"},
		{"wftrace: 1\n", "t.yaml:1:1: key 'profile' is missing"},
		{"wftrace: 2\nnew_key: x\n",
		 "t.yaml:1:10: this version reads 'wftrace: 1', not '2'"},
		{"wftrace: 1\nprofile: a b\n",
		 "t.yaml:2:10: 'profile' has letters, digits and _ - . only"},
		{"wftrace: 1\nprofile:\n", "t.yaml:2:1: key 'profile' has no value"},
		{"- a\n", "t.yaml:1:1: here stands a mapping (key: value)"},
		{"just text\n", "t.yaml:1:1: here stands a mapping (key: value)"},
		{HEAD "spans: {function: f}\n", "t.yaml:3:8: 'spans' is a list (- key: value)"},
		{HEAD "spans: [f]\n", "t.yaml:3:9: here stands a mapping (key: value)"},
		{HEAD "spans:\n  - name: x\n",
		 "t.yaml:4:5: key 'function' is missing (or 'open' and 'close')"},
		{HEAD "spans:\n  - {function: f, open: {call: g}, close: {call: h}}\n",
		 "t.yaml:4:19: a span has a function, or open and close, not both"},
		{HEAD "spans:\n  - open: {call: g}\n", "t.yaml:4:5: 'open' wants its 'close'"},
		{HEAD "spans:\n  - close: {call: g}\n", "t.yaml:4:5: 'close' wants its 'open'"},
		{HEAD "spans:\n  - open: {when: arg1:ptr}\n    close: {call: h}\n",
		 "t.yaml:4:11: key 'call' is missing"},
		{HEAD "spans:\n  - {open: {call: g, when: arg1:ptr}, close: {call: h}, when: "
		      "arg2:ptr}\n",
		 "t.yaml:4:22: 'when' is there twice: in open, and of the span"},
		{HEAD "spans: [{function: f, min_duration: 5}]\n",
		 "t.yaml:3:37: 'min_duration' is a duration: 500ms, 5s, 2m"},
		{HEAD "spans: [{function: f, once: yes}]\n",
		 "t.yaml:3:29: 'once' is true or false"},
		{HEAD "spans: [{function: f, limit: -1}]\n",
		 "t.yaml:3:30: 'limit' is a number from 0"},
		{HEAD "spans: [{function: f, attributes: [a]}]\n",
		 "t.yaml:3:35: 'attributes' is a mapping (name: value)"},
		{HEAD "spans: [{function: f, attributes: {a: [1]}}]\n",
		 "t.yaml:3:39: 'a' is one expression"},
		{HEAD "spans: [{function: f, attributes: {a: }}]\n",
		 "t.yaml:3:36: 'a' has no value"},
		{HEAD "spans: [{function: f, attributes: {'': 1}}]\n",
		 "t.yaml:3:37: this name is empty"},
		{HEAD "spans: [{function: f, name: [a]}]\n",
		 "t.yaml:3:29: 'name' is one text, no list or mapping"},
		{HEAD "spans: [{function: []}]\n", "t.yaml:3:20: this list is empty"},
		{HEAD "spans: [{function: [[f]]}]\n", "t.yaml:3:21: 'function' is a list of texts"},
		{HEAD "spans: [{function: {a: b}}]\n",
		 "t.yaml:3:20: 'function' is a text or a list"},
		{HEAD "spans: [{function: f, parent: nearest}]\n",
		 "t.yaml:3:31: 'parent' is context, root, remote(EXPR), key(EXPR) or "
		 "nearest(RULE); did you mean 'nearest'?"},
		{HEAD "requires: {exectable: x}\n",
		 "t.yaml:3:12: unknown key 'exectable'; did you mean 'executable'?"},
		{HEAD "requires: {version: two}\n",
		 "t.yaml:3:21: 'version' is a range: '>=2.0,<3'"},
		{HEAD "otel: never\n",
		 "t.yaml:3:7: unknown otel 'never'; the first of its words is 'join'"},
		{HEAD "metrics: [{name: a, kind: gauge}]\n",
		 "t.yaml:3:11: key 'function' is missing"},
		{HEAD "metrics: [{name: a, kind: histogram, function: f, buckets: [2, 1]}]\n",
		 "t.yaml:3:64: 'buckets' must grow"},
		{HEAD "links: [{from: {rule: a}, to: {rule: b, key: arg1:u64}}]\n",
		 "t.yaml:3:16: key 'key' is missing"},
	};

	(void)state;
	CHECK_REFUSALS(cases, EINVAL);
}

static void wrong_expressions_are_named_with_their_place(void **state)
{
	static const struct bad_case cases[] = {
		{HEAD "spans:\n- function: f\n  attributes:\n    a: arg1:i32|lower\n",
		 "t.yaml:6:17: filter 'lower' does not take an integer"},
		{HEAD "spans:\n- function: f\n  attributes:\n    a: \"arg1:i32|lower\"\n",
		 "t.yaml:6:18: filter 'lower' does not take an integer"},
		{HEAD "spans:\n- function: f\n  attributes:\n    \xc3\xa9\xc3\xa9: '''\xc3\xa9'' "
		      "== 1'\n",
		 "t.yaml:6:9: cannot compare a text with an integer"},
		{HEAD "spans:\n- function: f\n  attributes:\n    a: >-\n      arg1:i32\n      "
		      "|lower\n",
		 "t.yaml:6:8: filter 'lower' does not take an integer"},
		{HEAD "spans: [{function: f, attributes: {a: arg1}}]\n",
		 "t.yaml:3:39: 'arg1' has no type, and types are never guessed; write arg1:i32 "
		 "(i8 ... u64, bool, ptr, f64, str, chars, string)"},
		{HEAD "spans: [{function: f, attributes: {a: postgresql}}]\n",
		 "t.yaml:3:39: unknown value 'postgresql'; a fixed text is written with quotes "
		 "inside: \"'postgresql'\""},
		{HEAD "spans: [{function: f, attributes: {a: 1 2}}]\n",
		 "t.yaml:3:41: expected the end or an operator, not '2'"},
		{HEAD "spans: [{function: f, when: return:i32 == 1}]\n",
		 "t.yaml:3:29: the return value is not there yet: 'when' is decided in the kernel "
		 "at entry: compares of integers, joined by and or by or, at most 4"},
		{HEAD "spans: [{function: f, name: \"x.{arg1:i32}\"}]\n",
		 "t.yaml:3:33: a name has few values, and an integer may have many; use an "
		 "attribute or |map({...}) or |bucket(...)"},
		{HEAD "spans: [{function: f g}]\n",
		 "t.yaml:3:22: here stands a function alone; 'g' belongs to other keys"},
		{HEAD "spans: [{function: usdt:p:n}]\n",
		 "t.yaml:3:20: a static probe is a point in time; a span wants "
		 "usdt:PROVIDER:OPEN..CLOSE, or open and close"},
		{HEAD "spans: [{open: {call: usdt:p:a..b}, close: {call: c}}]\n",
		 "t.yaml:3:23: open and close have one function or static probe each"},
		{HEAD "events: [{function: usdt:p:a..b}]\n",
		 "t.yaml:3:21: an event is one point in time; a pair of probes is a span"},
		{HEAD "events: [{function: f, attributes: {a: return:i32}}]\n",
		 "t.yaml:3:40: an event is taken at entry, where there is no return value"},
		{HEAD "events: [{function: f, call: g}]\n",
		 "t.yaml:3:24: 'call' and 'function' mean the same here; keep one"},
		{HEAD "events: [{name: x}]\n", "t.yaml:3:10: key 'function' is missing"},
		{HEAD "events: [{function: f, on: stage}]\n",
		 "t.yaml:3:28: expected nearest(RULE), not 'stage'"},
		{HEAD "events: [{function: f, on: nearest()}]\n",
		 "t.yaml:3:28: expected nearest(RULE)"},
		{HEAD "spans: [{function: g, rule: stage}]\nevents: [{function: f, on: "
		      "nearest(stgae)}]\n",
		 "t.yaml:4:28: no span of this file says 'rule: stgae'; did you mean 'stage'?"},
		{HEAD "spans: [{function: [g, h], rule: s}]\nevents: [{function: f, on: "
		      "nearest(s)}]\n",
		 "t.yaml:4:28: rule 's' stands for 2 functions; nearest() wants one"},
		{HEAD "spans: [{function: g, rule: s},\n {function: h, rule: s}]\n",
		 "t.yaml:4:22: rule 's' is there twice (first in line 3)"},
	};

	(void)state;
	CHECK_REFUSALS(cases, EINVAL);
}

static void what_later_versions_do_is_refused_by_name(void **state)
{
	static const struct bad_case cases[] = {
		{HEAD "spans: [{function: etl:load_orders, attributes: {a: self._id}}]\n",
		 "t.yaml:3:20: Python functions are not traced by this version (function "
		 "'etl:load_orders')"},
		{HEAD "requires: [{python: a.b, version: '>=2.0,<3'}]\n",
		 "t.yaml:3:13: 'python' is not there in this version"},
		{HEAD
		 "spans: [{function: f, promote: {to: g, set: {x: return.a|enum}, count: n}}]\n",
		 "t.yaml:3:23: 'promote' is not there in this version"},
		{HEAD "spans: [{function: f, parent: \"remote(arg.scope['headers'])\"}]\n",
		 "t.yaml:3:23: 'parent' is not there in this version"},
		{HEAD "spans: [{function: f, parent: key(id(self))}]\n",
		 "t.yaml:3:23: 'parent' is not there in this version"},
		{HEAD "spans: [{function: f, parent: nearest(g)}]\n",
		 "t.yaml:3:23: 'parent' is not there in this version"},
		{HEAD "spans: [{function: f, parent: root}]\n",
		 "t.yaml:3:23: 'parent' is not there in this version"},
		{HEAD "spans: [{function: f, once: true}]\n",
		 "t.yaml:3:23: 'once' is not there in this version"},
		{HEAD "spans: [{function: f, suppress: [g]}]\n",
		 "t.yaml:3:23: 'suppress' is not there in this version"},
		{HEAD "spans: [{function: f, drop_when: arg.x == 'lifespan'}]\n",
		 "t.yaml:3:23: 'drop_when' is not there in this version"},
		{HEAD "spans: [{function: f, end_on: {call: m:R.aclose, same: return, timeout: "
		      "5s}}]\n",
		 "t.yaml:3:23: 'end_on' is not there in this version"},
		{HEAD "spans: [{function: f, generator: body}]\n",
		 "t.yaml:3:23: 'generator' is not there in this version"},
		{HEAD "spans: [{function: f, inherit: [tenant.id]}]\n",
		 "t.yaml:3:23: 'inherit' is not there in this version"},
		{HEAD "spans: [{function: f, sampling: api_calls}]\n",
		 "t.yaml:3:23: 'sampling' is not there in this version"},
		{HEAD "spans: [{function: f, budget: 5s}]\n",
		 "t.yaml:3:23: 'budget' is not there in this version"},
		{HEAD "spans: [{function: f, budget: {duration: 5s, then: event}}]\n",
		 "t.yaml:3:23: 'budget' is not there in this version"},
		{HEAD "spans: [{function: f, redact: [a]}]\n",
		 "t.yaml:3:23: 'redact' is not there in this version"},
		{HEAD "spans: [{function: f, inject: arg.request.headers}]\n",
		 "t.yaml:3:23: 'inject' is not there in this version"},
		{HEAD "spans: [{function: f, not_errors: [CancelledError]}]\n",
		 "t.yaml:3:23: 'not_errors' is not there in this version"},
		{HEAD "spans: [{function: f, error: any_child_error}]\n",
		 "t.yaml:3:30: 'any_child_error' is not read by this version"},
		{HEAD "spans: [{function: f, error: 'calls m:g when arg.x == 1'}]\n",
		 "t.yaml:3:37: Python functions are not traced by this version (function 'm:g')"},
		{HEAD
		 "spans: [{open: {call: f, key: arg1:u64}, close: {call: g, key: arg1:u64}}]\n",
		 "t.yaml:3:26: 'key' is not there in this version"},
		{HEAD "spans: [{open: {call: f}, close: {call: g, when: arg1:i32 == 1}}]\n",
		 "t.yaml:3:44: 'when' is not there in this version"},
		{HEAD "links: [{from: {rule: a, key: id(arg.x)}, to: {rule: b, key: id(self)}, as: "
		      "parent}]\n",
		 "t.yaml:3:1: 'links' is not there in this version"},
		{HEAD "metrics: [{name: order.value, kind: histogram, unit: USD, function: m:F, "
		      "value: arg.order.total|num, labels: {a: arg.x}, buckets: [1, 2.5]}]\n",
		 "t.yaml:3:1: 'metrics' is not there in this version"},
		{HEAD "logs: [{logger: '*', level: info, write_ids: false}]\n",
		 "t.yaml:3:1: 'logs' is not there in this version"},
		{HEAD "otel: join\n", "t.yaml:3:1: 'otel' is not there in this version"},
		{HEAD "otel: {yield_to: [a.b]}\n",
		 "t.yaml:3:1: 'otel' is not there in this version"},
		{HEAD "spans: [{function: f, attributes: {a: arg.stmt->query_string}}]\n",
		 "t.yaml:3:39: 'arg' is not read by this version; count the arguments: arg1:i32"},
	};

	(void)state;
	CHECK_REFUSALS(cases, ENOTSUP);
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
		      "t.yaml:3:13: 'python' is not there in this version");
}

static void mistakes_come_before_refusals(void **state)
{
	static const struct bad_case cases[] = {
		{HEAD "logs: []\nspans: [{function: f, kind: srver}]\n",
		 "t.yaml:4:29: unknown kind 'srver'; did you mean 'server'?"},
		{HEAD "metrics: [{name: a, kind: counter, function: f, value: 'arg.x ||'}]\n",
		 "t.yaml:3:64: expected a filter after '|', not '|'"},
	};

	(void)state;
	CHECK_REFUSALS(cases, EINVAL);
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
		cmocka_unit_test(a_profile_may_be_empty),
		cmocka_unit_test(wrong_keys_and_words_are_named_with_their_place),
		cmocka_unit_test(wrong_expressions_are_named_with_their_place),
		cmocka_unit_test(what_later_versions_do_is_refused_by_name),
		cmocka_unit_test(the_whole_language_is_read_before_it_is_refused),
		cmocka_unit_test(mistakes_come_before_refusals),
		cmocka_unit_test(broken_yaml_is_refused_with_its_place),
		cmocka_unit_test(a_billion_laughs_stay_silent),
		cmocka_unit_test(huge_and_deep_files_are_refused),
		cmocka_unit_test(too_many_entries_are_refused),
		cmocka_unit_test(a_failed_file_leaves_the_set_as_it_was),
		cmocka_unit_test(profiles_are_found_by_name_or_path),
		cmocka_unit_test(every_shipped_profile_is_read),
		cmocka_unit_test(attributes_and_spans_have_caps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
