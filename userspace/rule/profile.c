/* SPDX-License-Identifier: Apache-2.0 */
/* From a checked YAML profile to rules. */
#include "ruleset.h"

#include <errno.h>
#include <string.h>

#include "draft.h"
#include "profile_build.h"
#include "profile_check.h"
#include "profile_value.h"
#include "template.h"
#include "userspace/base/str.h"

#define TREE_BYTES_MAX (32u * 1024 * 1024)

static int read_function(struct wf_profile_builder *builder, const struct wf_yaml *node,
			 struct wf_function *ret)
{
	struct wf_parser parser;

	wf_profile_parser(builder, node, &parser);
	return wf_function_parse_all(&parser, ret);
}

/* The words for people of a rule: where it stands, its profile and label. */
static int set_origin(struct wf_profile_builder *builder, struct wf_draft *draft,
		      const struct wf_yaml *item)
{
	const struct wf_yaml *label = wf_yaml_get(item, "rule");
	struct wf_arena *arena = builder->rules->arena;

	draft->rule.profile = builder->profile;
	draft->rule.origin = wf_arena_printf(arena, "%s:%u", item->place.file, item->place.line);
	if (label)
		draft->rule.label = wf_arena_strdup(arena, label->text);
	return draft->rule.origin && (!label || draft->rule.label) ? 0
								   : wf_profile_no_memory(builder);
}

static int read_attributes(struct wf_profile_builder *builder, struct wf_draft *draft,
			   const struct wf_yaml *mapping)
{
	struct wf_parser parser;

	if (!mapping)
		return 0;
	for (const struct wf_yaml *entry = mapping->first; entry; entry = entry->next) {
		int rc;

		wf_profile_parser(builder, entry, &parser);
		rc = wf_draft_attribute(draft, &parser, entry->key->text, 0);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* What one key of an item adds to its rule, where the key is there. */
static int read_part(struct wf_profile_builder *builder, struct wf_draft *draft,
		     const struct wf_yaml *node, int (*read)(struct wf_draft *, struct wf_parser *))
{
	struct wf_parser parser;

	if (!node)
		return 0;
	wf_profile_parser(builder, node, &parser);
	return read(draft, &parser);
}

static int read_kind(struct wf_draft *draft, struct wf_parser *parser)
{
	return wf_draft_kind(draft, parser, 0, parser->place->text);
}

static int read_min_duration(struct wf_draft *draft, struct wf_parser *parser)
{
	if (wf_parse_duration(parser->place->text, &draft->rule.min_duration_ns) < 0)
		return wf_parser_fail(parser, 0, "not a duration");
	return 0;
}

/* What is said of the two sites of a pair. */
static int read_sites(struct wf_profile_builder *builder, struct wf_draft *draft,
		      const struct wf_yaml *item)
{
	struct wf_profile_checker checker = {.arena = builder->rules->arena, .err = builder->err};
	const struct wf_yaml *again = wf_yaml_get(wf_yaml_get(item, "open"), "again");
	struct wf_profile_pending *pending;
	const char *label;
	int rc = read_part(builder, draft, wf_yaml_get(wf_yaml_get(item, "close"), "when"),
			   wf_draft_close_when);

	if (rc == 0 && again)
		rc = wf_profile_again(&checker, again, &draft->rule.again, &label);
	if (rc < 0 || !again || !label)
		return rc;
	pending = wf_arena_alloc(builder->rules->arena, sizeof(*pending));
	if (!pending)
		return wf_profile_no_memory(builder);
	*pending =
		(struct wf_profile_pending){builder->rules->count, again, label, builder->pending};
	builder->pending = pending;
	return 0;
}

static int read_span(struct wf_profile_builder *builder, const struct wf_yaml *item,
		     const struct wf_yaml *where, const struct wf_function *function)
{
	const struct wf_yaml *when = wf_yaml_get(item, "when");
	struct wf_draft draft;
	struct wf_parser parser;
	int rc;

	wf_draft_init(&draft, function);
	if (!when)
		when = wf_yaml_get(wf_yaml_get(item, "open"), "when");
	rc = set_origin(builder, &draft, item);
	if (rc == 0)
		rc = read_attributes(builder, &draft, wf_yaml_get(item, "attributes"));
	if (rc == 0)
		rc = read_part(builder, &draft, when, wf_draft_when);
	if (rc == 0)
		rc = read_sites(builder, &draft, item);
	if (rc == 0)
		rc = read_part(builder, &draft, wf_yaml_get(item, "name"), wf_draft_name);
	if (rc == 0)
		rc = read_part(builder, &draft, wf_yaml_get(item, "kind"), read_kind);
	if (rc == 0)
		rc = read_part(builder, &draft, wf_yaml_get(item, "error"), wf_draft_error);
	if (rc == 0)
		rc = read_part(builder, &draft, wf_yaml_get(item, "min_duration"),
			       read_min_duration);
	if (rc == 0)
		rc = wf_profile_read_agent(builder, &draft, item);
	if (rc < 0)
		return rc;
	wf_profile_parser(builder, where, &parser);
	rc = wf_draft_pair_name(&draft, &parser, function);
	return rc < 0 ? rc : wf_draft_commit(&draft, builder->rules, builder->err);
}

static int read_function_span(struct wf_profile_builder *builder, const struct wf_yaml *item,
			      const struct wf_yaml *node)
{
	struct wf_function function;
	int rc = read_function(builder, node, &function);

	if (rc == 0 && function.form == WF_FUNCTION_PROBE)
		return wf_yaml_fail(node, builder->err,
				    "a static probe is a point in time; a span wants "
				    "usdt:PROVIDER:OPEN..CLOSE, or open and close");
	return rc < 0 ? rc : read_span(builder, item, node, &function);
}

static int read_side(struct wf_profile_builder *builder, const struct wf_yaml *side,
		     struct wf_function *ret)
{
	const struct wf_yaml *call = wf_yaml_get(side, "call");
	int rc = read_function(builder, call, ret);

	if (rc == 0 && ret->form == WF_FUNCTION_PROBE_PAIR)
		return wf_yaml_fail(call, builder->err,
				    "open and close have one function or static probe each");
	return rc;
}

static int read_pair_span(struct wf_profile_builder *builder, const struct wf_yaml *item)
{
	const struct wf_yaml *open = wf_yaml_get(item, "open");
	struct wf_function opening, closing;
	int rc = read_side(builder, open, &opening);

	if (rc == 0)
		rc = read_side(builder, wf_yaml_get(item, "close"), &closing);
	if (rc < 0)
		return rc;
	if (opening.form == WF_FUNCTION_PYTHON || closing.form == WF_FUNCTION_PYTHON)
		return wf_place_err(&wf_yaml_get(open, "call")->place, 0, builder->err, ENOTSUP,
				    "open and close of Python functions are not there in this "
				    "version");
	opening.close = closing.at;
	return read_span(builder, item, wf_yaml_get(open, "call"), &opening);
}

static int read_functions(struct wf_profile_builder *builder, const struct wf_yaml *item,
			  const struct wf_yaml *functions,
			  int (*read)(struct wf_profile_builder *, const struct wf_yaml *,
				      const struct wf_yaml *))
{
	int rc = 0;

	if (functions->kind == WF_YAML_SCALAR)
		return read(builder, item, functions);
	for (const struct wf_yaml *node = functions->first; rc == 0 && node; node = node->next)
		rc = read(builder, item, node);
	return rc;
}

static int read_spans(struct wf_profile_builder *builder)
{
	const struct wf_yaml *spans = wf_yaml_get(builder->root, "spans");
	int rc = 0;

	for (const struct wf_yaml *item = spans ? spans->first : NULL; rc == 0 && item;
	     item = item->next) {
		const struct wf_yaml *functions = wf_yaml_get(item, "function");

		rc = functions ? read_functions(builder, item, functions, read_function_span)
			       : read_pair_span(builder, item);
	}
	return rc;
}

static int find_label(struct wf_profile_builder *builder, const struct wf_yaml *node,
		      const char *label, int32_t *ret)
{
	const struct wf_ruleset *rules = builder->rules;
	const char **labels = wf_arena_alloc(
		rules->arena, (rules->count - builder->first_rule + 1) * sizeof(*labels));
	uint32_t found = 0, count = 0;
	const char *near;

	if (!labels)
		return wf_profile_no_memory(builder);
	for (uint32_t i = builder->first_rule; i < rules->count; i++) {
		if (!rules->rules[i].label)
			continue;
		labels[count++] = rules->rules[i].label;
		if (strcmp(rules->rules[i].label, label) != 0)
			continue;
		*ret = (int32_t)i;
		found++;
	}
	if (found == 1)
		return 0;
	if (found > 1)
		return wf_yaml_fail(node, builder->err,
				    "rule '%s' stands for %u functions; %.*s() wants one", label,
				    found, (int)strcspn(node->text, "("), node->text);
	near = wf_nearest_word(label, labels);
	return wf_yaml_fail(node, builder->err, "no span of this file says 'rule: %s'%s%s%s", label,
			    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* The rules that others name by their labels, once all are read. */
static int resolve_pending(struct wf_profile_builder *builder)
{
	int rc = 0;

	for (const struct wf_profile_pending *at = builder->pending; rc == 0 && at; at = at->next)
		rc = find_label(builder, at->node, at->label,
				&builder->rules->rules[at->rule].after);
	return rc;
}

static int read_nearest(struct wf_profile_builder *builder, struct wf_draft *draft,
			const struct wf_yaml *on)
{
	struct wf_profile_checker checker = {.arena = builder->rules->arena, .err = builder->err};
	const char *label;
	int rc;

	if (!on)
		return 0;
	rc = wf_profile_nearest(&checker, on, &label);
	return rc < 0 ? rc : find_label(builder, on, label, &draft->rule.nearest);
}

static int read_event(struct wf_profile_builder *builder, const struct wf_yaml *item,
		      const struct wf_yaml *node)
{
	struct wf_function function;
	struct wf_draft draft;
	int rc = read_function(builder, node, &function);

	if (rc == 0 && function.form == WF_FUNCTION_PROBE_PAIR)
		return wf_yaml_fail(node, builder->err,
				    "an event is one point in time; a pair of probes is a span");
	if (rc < 0)
		return rc;
	wf_draft_init(&draft, &function);
	wf_draft_make_event(&draft);
	rc = set_origin(builder, &draft, item);
	if (rc == 0)
		rc = read_attributes(builder, &draft, wf_yaml_get(item, "attributes"));
	if (rc == 0)
		rc = read_part(builder, &draft, wf_yaml_get(item, "when"), wf_draft_when);
	if (rc == 0)
		rc = read_part(builder, &draft, wf_yaml_get(item, "name"), wf_draft_name);
	if (rc == 0)
		rc = read_nearest(builder, &draft, wf_yaml_get(item, "on"));
	return rc < 0 ? rc : wf_draft_commit(&draft, builder->rules, builder->err);
}

static int read_events(struct wf_profile_builder *builder)
{
	const struct wf_yaml *events = wf_yaml_get(builder->root, "events");
	int rc = 0;

	for (const struct wf_yaml *item = events ? events->first : NULL; rc == 0 && item;
	     item = item->next) {
		const struct wf_yaml *functions = wf_yaml_get(item, "function");

		if (!functions)
			functions = wf_yaml_get(item, "call");
		rc = read_functions(builder, item, functions, read_event);
	}
	return rc;
}

/* Two spans of one file must not share a label; the functions of one list may. */
static int check_labels(struct wf_profile_builder *builder)
{
	const struct wf_yaml *spans = wf_yaml_get(builder->root, "spans");

	for (const struct wf_yaml *a = spans ? spans->first : NULL; a; a = a->next) {
		const struct wf_yaml *label = wf_yaml_get(a, "rule");

		for (const struct wf_yaml *b = a->next; label && b; b = b->next) {
			const struct wf_yaml *other = wf_yaml_get(b, "rule");

			if (other && strcmp(other->text, label->text) == 0)
				return wf_yaml_fail(other, builder->err,
						    "rule '%s' is there twice (first in line %u)",
						    label->text, label->place.line);
		}
	}
	return 0;
}

static int build(struct wf_profile_builder *builder)
{
	int rc = check_labels(builder);

	if (rc == 0)
		rc = read_spans(builder);
	if (rc == 0)
		rc = resolve_pending(builder);
	if (rc == 0)
		rc = wf_profile_link_agent(builder);
	if (rc == 0)
		rc = read_events(builder);
	if (rc == 0)
		rc = wf_profile_read_logs(builder);
	return rc < 0 ? rc : wf_profile_read_requirements(builder);
}

static int parse_and_build(struct wf_ruleset *rules, struct wf_arena *arena, const char *file,
			   const char *text, size_t len, struct wf_err *err)
{
	struct wf_profile_builder builder = {
		.rules = rules, .first_rule = rules->count, .err = err};
	struct wf_err later;
	int rc = wf_yaml_parse(arena, file, text, len, &builder.root, err);

	if (rc == 0)
		rc = wf_profile_check(arena, builder.root, &later, err);
	if (rc < 0)
		return rc;
	if (later.code)
		return wf_err_set(err, later.code, "%s", later.msg);
	builder.profile = wf_arena_strdup(rules->arena, wf_yaml_get(builder.root, "profile")->text);
	if (!builder.profile)
		return wf_profile_no_memory(&builder);
	rc = build(&builder);
	if (rc == 0 && builder.later.code)
		rc = wf_err_set(err, builder.later.code, "%s", builder.later.msg);
	if (rc == 0)
		rc = wf_ruleset_add_source(rules, file, text, len, err);
	if (rc == 0 && strcmp(rules->profile, "adhoc") == 0)
		rules->profile = builder.profile;
	return rc;
}

int wf_ruleset_add_yaml(struct wf_ruleset *rules, const char *file, const char *text, size_t len,
			struct wf_err *err)
{
	uint32_t rule_count = rules->count, requirement_count = rules->requirement_count;
	uint32_t log_count = rules->log_count;
	wf_auto(wf_arena_freep) struct wf_arena *arena = wf_arena_new(TREE_BYTES_MAX);
	int rc;

	if (!arena)
		return wf_err_set(err, ENOMEM, "out of memory");
	rc = parse_and_build(rules, arena, file, text, len, err);
	if (rc < 0) {
		rules->count = rule_count;
		rules->requirement_count = requirement_count;
		rules->log_count = log_count;
	}
	return rc;
}
