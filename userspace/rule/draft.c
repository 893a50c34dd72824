/* SPDX-License-Identifier: Apache-2.0 */
#include "draft.h"

#include <errno.h>
#include <string.h>

#include "template.h"

#define KEY_BYTES_MAX 128

static const char *const kind_words[] = {"internal", "server",   "client",
					 "producer", "consumer", NULL};

void wf_draft_init(struct wf_draft *draft, const struct wf_function *function)
{
	memset(draft, 0, sizeof(*draft));
	draft->binding.operands = draft->operands;
	draft->python = function->form == WF_FUNCTION_PYTHON;
	draft->binding.max = draft->python ? WF_OPERANDS_MAX : WF_CAPTURES_MAX;
	draft->rule.at = function->at;
	draft->rule.close = function->close;
	draft->rule.span_kind = WF_KIND_INTERNAL;
	draft->rule.nearest = -1;
	draft->rule.after = -1;
	draft->binding.usdt = function->at.type == WF_WHERE_USDT;
	draft->binding.close_usdt = function->close.type == WF_WHERE_USDT;
	if (function->close.function) {
		draft->rule.kind = WF_RULE_PAIR;
		draft->binding.shape = WF_BIND_PAIR;
	} else if (function->form == WF_FUNCTION_PROBE) {
		wf_draft_make_event(draft);
	}
}

void wf_draft_make_event(struct wf_draft *draft)
{
	draft->rule.kind = WF_RULE_EVENT;
	draft->binding.shape = WF_BIND_POINT;
}

/* Once a text is known to be refused, only its grammar counts. */
static bool refused(const struct wf_parser *parser)
{
	return parser->later && parser->later->code;
}

static void begin(const struct wf_draft *draft, struct wf_parser *parser)
{
	parser->speech = draft->python ? WF_SPEECH_PYTHON : WF_SPEECH_NATIVE;
}

static int check_key(struct wf_draft *draft, struct wf_parser *parser, const char *key, size_t at)
{
	size_t len = strlen(key);

	if (len == 0 || len > KEY_BYTES_MAX)
		return wf_parser_fail(parser, at, "an attribute's name has 1 to %d bytes",
				      KEY_BYTES_MAX);
	for (uint32_t i = 0; i < draft->rule.attribute_count; i++) {
		if (strcmp(draft->attributes[i].key, key) == 0)
			return wf_parser_fail(parser, at, "attribute '%s' is there twice", key);
	}
	if (draft->rule.attribute_count == WF_ATTRIBUTES_MAX)
		return wf_parser_fail(parser, at, "a rule has at most %d attributes",
				      WF_ATTRIBUTES_MAX);
	return 0;
}

int wf_draft_attribute(struct wf_draft *draft, struct wf_parser *parser, const char *key,
		       size_t key_at)
{
	struct wf_rule_attribute *attribute;
	struct wf_expr *value;
	int rc = check_key(draft, parser, key, key_at);

	begin(draft, parser);
	if (rc == 0)
		rc = wf_expr_parse(parser, &value);
	if (rc == 0)
		rc = wf_expr_check_attribute(parser, value);
	if (rc == 0 && !refused(parser))
		rc = wf_expr_bind(parser, value, &draft->binding);
	if (rc < 0)
		return rc;
	attribute = &draft->attributes[draft->rule.attribute_count++];
	attribute->key = wf_arena_strdup(parser->arena, key);
	attribute->value = value;
	return attribute->key ? 0 : wf_parser_fail(parser, key_at, "out of memory");
}

int wf_draft_when(struct wf_draft *draft, struct wf_parser *parser)
{
	struct wf_expr *when;
	int rc;

	begin(draft, parser);
	rc = wf_expr_parse_condition(parser, &when);
	if (rc < 0 || refused(parser))
		return rc;
	if (draft->python)
		return wf_python_tests(parser, when, &draft->rule.tests, &draft->rule.guard_any);
	return wf_guard_compile(parser, when, &draft->binding, draft->guards,
				&draft->rule.guard_count, &draft->rule.guard_any);
}

int wf_draft_close_when(struct wf_draft *draft, struct wf_parser *parser)
{
	const struct wf_binding site = {.shape = WF_BIND_PAIR,
					.closing = true,
					.usdt = draft->binding.close_usdt,
					.close_usdt = draft->binding.close_usdt};
	struct wf_expr *when;
	int rc = wf_expr_parse_condition(parser, &when);

	if (rc < 0 || refused(parser))
		return rc;
	return wf_guard_compile(parser, when, &site, draft->close_guards,
				&draft->rule.close_guard_count, &draft->rule.close_guard_any);
}

int wf_error_parse(struct wf_parser *parser, struct wf_expr **ret)
{
	size_t at = parser->lexer.token.start;
	struct wf_function function;
	struct wf_expr *when;
	int rc;

	if (!wf_lexer_is_word(&parser->lexer, "calls"))
		return wf_expr_parse_condition(parser, ret);
	rc = wf_parser_node(parser, WF_NODE_LATER, at, ret);
	if (rc == 0)
		rc = wf_function_parse(parser, parser->lexer.token.end, &function);
	if (rc < 0)
		return rc;
	wf_lexer_init(&parser->lexer, parser->arena, parser->place->text, function.end);
	if (wf_lexer_is_word(&parser->lexer, "when")) {
		wf_lexer_next(&parser->lexer);
		rc = wf_expr_parse_condition(parser, &when);
	}
	wf_parser_later(parser, at,
			"errors of inner calls (calls ...) are not there in this version");
	return rc;
}

int wf_draft_error(struct wf_draft *draft, struct wf_parser *parser)
{
	struct wf_expr *error;
	int rc;

	begin(draft, parser);
	rc = wf_error_parse(parser, &error);
	if (rc == 0 && !refused(parser))
		rc = wf_expr_bind(parser, error, &draft->binding);
	draft->rule.error = error;
	return rc;
}

int wf_draft_name(struct wf_draft *draft, struct wf_parser *parser)
{
	struct wf_template *name;
	int rc;

	begin(draft, parser);
	rc = wf_template_parse(parser, &name);
	if (rc == 0 && !refused(parser))
		rc = wf_template_bind(parser, name, &draft->binding);
	if (rc < 0)
		return rc;
	draft->rule.name = name;
	draft->rule.name_text = wf_arena_strdup(parser->arena, parser->place->text);
	return draft->rule.name_text ? 0 : wf_parser_fail(parser, 0, "out of memory");
}

int wf_draft_pair_name(struct wf_draft *draft, struct wf_parser *parser,
		       const struct wf_function *function)
{
	struct wf_template *name;

	if (function->at.type != WF_WHERE_USDT || function->close.type != WF_WHERE_USDT ||
	    !function->close.function || draft->rule.name)
		return 0;
	draft->rule.name_text = wf_function_pair_name(parser->arena, function);
	name = draft->rule.name_text ? wf_template_fixed(parser->arena, draft->rule.name_text)
				     : NULL;
	draft->rule.name = name;
	return name ? 0 : wf_parser_fail(parser, 0, "out of memory");
}

int wf_draft_kind(struct wf_draft *draft, struct wf_parser *parser, size_t at, const char *word)
{
	const char *near;

	for (uint8_t i = 0; kind_words[i]; i++) {
		if (strcmp(word, kind_words[i]) == 0) {
			draft->rule.span_kind = (uint8_t)(WF_KIND_INTERNAL + i);
			return 0;
		}
	}
	near = wf_nearest_word(word, kind_words);
	if (near)
		return wf_parser_fail(parser, at, "unknown kind '%.60s'; did you mean '%s'?", word,
				      near);
	return wf_parser_fail(parser, at,
			      "unknown kind '%.60s'; kinds are internal, server, client, producer "
			      "and consumer",
			      word);
}

/* Whether a name is a method's cannot be told from its symbol; a rule that uses `self` says so.
 * Then the object takes the first register and arg1 is the one behind it. */
static void shift_arguments(struct wf_draft *draft)
{
	bool method = false;

	for (unsigned i = 0; i < draft->binding.count; i++)
		method |= draft->operands[i].origin == WF_FROM_ARG && !draft->operands[i].number;
	for (unsigned i = 0; i < draft->rule.guard_count; i++)
		method |= !draft->guards[i].operand.number;
	for (unsigned i = 0; method && i < draft->binding.count; i++)
		if (draft->operands[i].origin == WF_FROM_ARG && draft->operands[i].number)
			draft->operands[i].number++;
	for (unsigned i = 0; method && i < draft->rule.guard_count; i++)
		if (draft->guards[i].operand.number)
			draft->guards[i].operand.number++;
}

int wf_draft_commit(struct wf_draft *draft, struct wf_ruleset *rules, struct wf_err *err)
{
	struct wf_rule *rule = &draft->rule;
	int rc = wf_ruleset_reserve(rules, err);

	if (rc < 0)
		return rc;
	if (draft->python && rule->min_duration_ns)
		return wf_err_set(err, ENOTSUP,
				  "%s: min_duration (slower) of a Python function is not there in "
				  "this version",
				  rule->origin);
	shift_arguments(draft);
	rule->operand_count = draft->binding.count;
	rule->operands = wf_arena_copy(rules->arena, draft->operands,
				       rule->operand_count * sizeof(*rule->operands));
	rule->guards = wf_arena_copy(rules->arena, draft->guards,
				     rule->guard_count * sizeof(*rule->guards));
	rule->close_guards = wf_arena_copy(rules->arena, draft->close_guards,
					   rule->close_guard_count * sizeof(*rule->close_guards));
	rule->attributes = wf_arena_copy(rules->arena, draft->attributes,
					 rule->attribute_count * sizeof(*rule->attributes));
	if (!rule->operands || !rule->guards || !rule->close_guards || !rule->attributes)
		return wf_err_set(err, ENOMEM, "out of memory, or the rules are too large");
	rule->index = rules->count;
	rules->rules[rules->count++] = *rule;
	return 0;
}
