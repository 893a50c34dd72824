/* SPDX-License-Identifier: Apache-2.0 */
/* What the Python agent decides in the target: once, suppress, parents, links between rules. */
#include "profile_build.h"

#include <errno.h>
#include <string.h>

#define LINKS_MAX 1000

/* A refusal counts only where the rest of the file is right. */
static int later(struct wf_profile_builder *builder, const struct wf_yaml *node, const char *what)
{
	if (!builder->later.code)
		wf_place_err(&node->key->place, 0, &builder->later, ENOTSUP, "%s", what);
	return 0;
}

static bool is_true(const struct wf_yaml *node)
{
	return node && strcmp(node->text, "true") == 0;
}

/* The rest of a text that begins at the parser's token, as one path. */
static int read_value(struct wf_parser *parser, const char **ret, bool *ret_at_exit)
{
	struct wf_expr *value;
	int rc;

	parser->speech = WF_SPEECH_PYTHON;
	rc = wf_expr_parse(parser, &value);
	if (rc < 0)
		return rc;
	if (value->op != WF_NODE_OPERAND)
		return wf_parser_fail(parser, value->at,
				      "this is worked out in the target, from a value alone: no "
				      "filter, no operator");
	*ret = value->operand.path;
	*ret_at_exit = value->operand.at_close;
	return 0;
}

/* The same, of an entry value. */
static int read_path(struct wf_parser *parser, const char **ret)
{
	size_t at = parser->lexer.token.start;
	bool at_exit = false;
	int rc = read_value(parser, ret, &at_exit);

	if (rc == 0 && at_exit)
		return wf_parser_fail(parser, at,
				      "this is known at the end only, and wanted at the beginning");
	return rc;
}

/* What stands in the brackets of remote(...) or key(...). */
static int read_argument(struct wf_profile_builder *builder, const struct wf_yaml *parent,
			 const char **ret)
{
	struct wf_parser parser;
	int rc;

	wf_profile_parser(builder, parent, &parser);
	wf_lexer_next(&parser.lexer);
	rc = wf_parser_expect(&parser, '(', "'('");
	return rc < 0 ? rc : read_path(&parser, ret);
}

/* The calls that offer a key and those that look for one meet in one table a file. */
static int join_keys(struct wf_profile_builder *builder, const struct wf_yaml *node,
		     struct wf_rule_agent *agent)
{
	if (!builder->keys) {
		if (builder->rules->link_count == LINKS_MAX)
			return wf_yaml_fail(node, builder->err, "more than %d links", LINKS_MAX);
		builder->keys = ++builder->rules->link_count;
	}
	agent->link = builder->keys - 1;
	return 0;
}

static bool is_identity(const char *path)
{
	static const char step[] = "['id']";
	size_t len = strlen(path);

	return len >= sizeof(step) - 1 && strcmp(path + len - (sizeof(step) - 1), step) == 0;
}

/* parent: key(VALUE). Addresses are reused, so that of a job that was taken names it no more. */
static int read_key_parent(struct wf_profile_builder *builder, const struct wf_yaml *parent,
			   struct wf_rule_agent *agent)
{
	int rc = read_argument(builder, parent, &agent->take);

	if (rc < 0)
		return rc;
	agent->take_keeps = !is_identity(agent->take);
	if (!builder->keyed)
		builder->keyed = parent;
	return join_keys(builder, parent, agent);
}

static int read_key(struct wf_profile_builder *builder, const struct wf_yaml *key,
		    struct wf_rule_agent *agent)
{
	struct wf_parser parser;
	int rc;

	if (!key)
		return 0;
	wf_profile_parser(builder, key, &parser);
	rc = read_value(&parser, &agent->give, &agent->give_at_exit);
	builder->offered = true;
	return rc < 0 ? rc : join_keys(builder, key, agent);
}

static int read_parent(struct wf_profile_builder *builder, const struct wf_yaml *parent,
		       struct wf_rule_agent *agent)
{
	if (!parent || strcmp(parent->text, "context") == 0)
		return 0;
	if (strcmp(parent->text, "root") == 0) {
		agent->root = true;
		return 0;
	}
	if (strncmp(parent->text, "remote", 6) == 0)
		return read_argument(builder, parent, &agent->remote);
	if (strncmp(parent->text, "key", 3) == 0)
		return read_key_parent(builder, parent, agent);
	return later(builder, parent, "'parent: nearest(...)' is not there in this version");
}

static int read_not_errors(struct wf_profile_builder *builder, struct wf_rule *rule,
			   const struct wf_yaml *node)
{
	uint32_t count = node && node->kind == WF_YAML_LIST ? node->count : 1;
	const struct wf_yaml *item;
	const char **globs;

	if (!node)
		return 0;
	globs = wf_arena_alloc(builder->rules->arena, count * sizeof(*globs));
	if (!globs)
		return wf_profile_no_memory(builder);
	item = node->kind == WF_YAML_LIST ? node->first : node;
	for (uint32_t i = 0; i < count; i++, item = item->next) {
		globs[i] = wf_arena_strdup(builder->rules->arena, item->text);
		if (!globs[i])
			return wf_profile_no_memory(builder);
	}
	rule->not_errors = globs;
	rule->not_error_count = count;
	return 0;
}

static int add_pending(struct wf_profile_builder *builder, const struct wf_yaml *node)
{
	struct wf_profile_pending *pending =
		wf_arena_alloc(builder->rules->arena, sizeof(*pending));

	if (!pending)
		return wf_profile_no_memory(builder);
	*pending =
		(struct wf_profile_pending){builder->rules->count, node, NULL, builder->suppress};
	builder->suppress = pending;
	return 0;
}

/* Native rules have none of these keys, but for what they are without. */
static int refuse_native(struct wf_profile_builder *builder, const struct wf_yaml *item)
{
	static const struct {
		const char *key, *plain, *why;
	} keys[] = {
		{"once", "false", "'once' of native functions is not there in this version"},
		{"suppress", "", "'suppress' of native functions is not there in this version"},
		{"parent", "context", "'parent' of native functions is not there in this version"},
		{"active_time", "false", "a native function has no 'active_time'"},
		{"key", "", "'key' of native functions is not there in this version"},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct wf_yaml *node = wf_yaml_get(item, keys[i].key);

		if (node &&
		    (node->kind != WF_YAML_SCALAR || strcmp(node->text, keys[i].plain) != 0))
			later(builder, node, keys[i].why);
	}
	return 0;
}

int wf_profile_read_agent(struct wf_profile_builder *builder, struct wf_draft *draft,
			  const struct wf_yaml *item)
{
	const struct wf_yaml *suppress = wf_yaml_get(item, "suppress");
	struct wf_rule_agent *agent = &draft->rule.agent;
	int rc = read_not_errors(builder, &draft->rule, wf_yaml_get(item, "not_errors"));

	if (rc < 0)
		return rc;
	if (!draft->python)
		return refuse_native(builder, item);
	agent->once = is_true(wf_yaml_get(item, "once"));
	agent->active_time = is_true(wf_yaml_get(item, "active_time"));
	rc = read_parent(builder, wf_yaml_get(item, "parent"), agent);
	if (rc == 0)
		rc = read_key(builder, wf_yaml_get(item, "key"), agent);
	return rc < 0 || !suppress ? rc : add_pending(builder, suppress);
}

/* The rules of this file with that label, from *at on; false where there is no more. */
static bool next_labelled(const struct wf_profile_builder *builder, const char *label, uint32_t *at)
{
	for (; *at < builder->rules->count; (*at)++) {
		const struct wf_rule *rule = &builder->rules->rules[*at];

		if (rule->label && strcmp(rule->label, label) == 0)
			return true;
	}
	return false;
}

static int no_rule(struct wf_profile_builder *builder, const struct wf_yaml *node)
{
	return wf_yaml_fail(node, builder->err, "no span of this file says 'rule: %.60s'",
			    node->text);
}

/* A label may stand for several functions. */
static int resolve_suppress(struct wf_profile_builder *builder,
			    const struct wf_profile_pending *pending)
{
	struct wf_ruleset *rules = builder->rules;
	const struct wf_yaml *node = pending->node;
	const struct wf_yaml *item = node->kind == WF_YAML_LIST ? node->first : node;
	struct wf_rule_agent *agent = &rules->rules[pending->rule].agent;
	uint32_t *numbers = wf_arena_alloc(rules->arena, rules->count * sizeof(*numbers));

	if (!numbers)
		return wf_profile_no_memory(builder);
	agent->suppress = numbers;
	for (; item; item = node->kind == WF_YAML_LIST ? item->next : NULL) {
		uint32_t at = builder->first_rule;

		if (!next_labelled(builder, item->text, &at))
			return no_rule(builder, item);
		for (; next_labelled(builder, item->text, &at); at++)
			if (agent->suppress_count < rules->count)
				numbers[agent->suppress_count++] = at;
	}
	return 0;
}

/* One end of a link, for each function that its rule stands for. */
static int read_end(struct wf_profile_builder *builder, const struct wf_yaml *end, bool giving,
		    bool link)
{
	const struct wf_yaml *label = wf_yaml_get(end, "rule");
	uint32_t at = builder->first_rule;
	struct wf_parser parser;
	const char *path;
	int rc;

	wf_profile_parser(builder, wf_yaml_get(end, "key"), &parser);
	rc = read_path(&parser, &path);
	if (rc < 0)
		return rc;
	if (!next_labelled(builder, label->text, &at))
		return no_rule(builder, label);
	for (; next_labelled(builder, label->text, &at); at++) {
		struct wf_rule *rule = &builder->rules->rules[at];

		if (rule->at.type != WF_WHERE_PYTHON)
			return later(builder, label,
				     "links of native functions are not there in this version");
		if ((rule->agent.give || rule->agent.take) &&
		    (rule->agent.link != builder->rules->link_count ||
		     (giving ? rule->agent.give : rule->agent.take)))
			return wf_yaml_fail(label, builder->err,
					    "rule '%.60s' is in another link already; this "
					    "version takes one",
					    label->text);
		rule->agent.link = builder->rules->link_count;
		*(giving ? &rule->agent.give : &rule->agent.take) = path;
		rule->agent.take_link |= !giving && link;
	}
	return 0;
}

static int read_links(struct wf_profile_builder *builder)
{
	const struct wf_yaml *links = wf_yaml_get(builder->root, "links");
	int rc = 0;

	for (const struct wf_yaml *item = links ? links->first : NULL; rc == 0 && item;
	     item = item->next) {
		const struct wf_yaml *as = wf_yaml_get(item, "as");
		bool link = !as || strcmp(as->text, "link") == 0;

		if (builder->rules->link_count == LINKS_MAX)
			return wf_yaml_fail(item, builder->err, "more than %d links", LINKS_MAX);
		rc = read_end(builder, wf_yaml_get(item, "from"), true, link);
		if (rc == 0)
			rc = read_end(builder, wf_yaml_get(item, "to"), false, link);
		builder->rules->link_count++;
	}
	return rc;
}

int wf_profile_link_agent(struct wf_profile_builder *builder)
{
	int rc = 0;

	if (builder->keyed && !builder->offered)
		return wf_yaml_fail(builder->keyed, builder->err,
				    "no span of this file offers a 'key' to be found by");
	for (const struct wf_profile_pending *at = builder->suppress; rc == 0 && at; at = at->next)
		rc = resolve_suppress(builder, at);
	return rc < 0 ? rc : read_links(builder);
}

/* Numbers of Python's logging. */
static uint32_t level_of(const struct wf_yaml *level)
{
	static const char *const words[] = {"debug", "info", "warning", "error", "critical"};

	for (uint32_t i = 0; level && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(level->text, words[i]) == 0)
			return 10 * (i + 1);
	return 20;
}

int wf_profile_read_logs(struct wf_profile_builder *builder)
{
	const struct wf_yaml *logs = wf_yaml_get(builder->root, "logs");
	int rc = 0;

	for (const struct wf_yaml *item = logs ? logs->first : NULL; rc == 0 && item;
	     item = item->next) {
		const struct wf_yaml *logger = wf_yaml_get(item, "logger");
		struct wf_log_rule log = {
			.logger = logger ? logger->text : "*",
			.level = level_of(wf_yaml_get(item, "level")),
			.write_ids = is_true(wf_yaml_get(item, "write_ids")),
		};

		rc = wf_ruleset_add_log(builder->rules, &log, builder->err);
	}
	return rc;
}
