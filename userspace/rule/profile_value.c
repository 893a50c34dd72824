/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_value.h"

#include <errno.h>
#include <string.h>

#include "draft.h"
#include "template.h"
#include "userspace/base/str.h"

static int check_word(struct wf_profile_checker *checker, const struct wf_key *key,
		      const struct wf_yaml *node)
{
	const char *near;

	for (const char *const *word = key->words; *word; word++) {
		if (strcmp(*word, node->text) == 0)
			return 0;
	}
	near = wf_nearest_word(node->text, key->words);
	return wf_yaml_fail(node, checker->err, "unknown %s '%.60s'; %s '%s'%s", key->name,
			    node->text, near ? "did you mean" : "the first of its words is",
			    near ? near : key->words[0], near ? "?" : "");
}

static int check_name(struct wf_profile_checker *checker, const struct wf_key *key,
		      const struct wf_yaml *node)
{
	size_t len = strlen(node->text);

	for (size_t i = 0; i < len; i++) {
		char c = node->text[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      strchr("_-.", c)))
			return wf_yaml_fail(node, checker->err,
					    "'%s' has letters, digits and _ - . only", key->name);
	}
	if (len == 0 || len > 64)
		return wf_yaml_fail(node, checker->err, "'%s' has 1 to 64 letters", key->name);
	return 0;
}

static int check_bool(struct wf_profile_checker *checker, const struct wf_key *key,
		      const struct wf_yaml *node)
{
	if (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0)
		return 0;
	return wf_yaml_fail(node, checker->err, "'%s' is true or false", key->name);
}

static int check_integer(struct wf_profile_checker *checker, const struct wf_key *key,
			 const struct wf_yaml *node)
{
	uint64_t value;

	if (wf_parse_u64(node->text, &value) == 0)
		return 0;
	return wf_yaml_fail(node, checker->err, "'%s' is a number from 0", key->name);
}

static int check_duration(struct wf_profile_checker *checker, const struct wf_key *key,
			  const struct wf_yaml *node)
{
	uint64_t ns;

	if (wf_parse_duration(node->text, &ns) == 0 && ns > 0)
		return 0;
	return wf_yaml_fail(node, checker->err, "'%s' is a duration: 500ms, 5s, 2m", key->name);
}

/* "3.11.2": at most nine digits a number. NULL where it is none, else what follows it. */
static const char *skip_numbers(const char *at)
{
	for (;; at++) {
		size_t digits = strspn(at, "0123456789");

		if (digits < 1 || digits > 9)
			return NULL;
		at += digits;
		if (*at != '.')
			return at;
	}
}

/* ">=2.0,<3": bounds joined by commas. */
static int check_version(struct wf_profile_checker *checker, const struct wf_key *key,
			 const struct wf_yaml *node)
{
	static const char *const signs[] = {"==", "!=", "<=", ">=", "~=", "<", ">"};
	const char *at = node->text;

	while (at) {
		size_t i = 0;

		at += strspn(at, " ");
		while (i < sizeof(signs) / sizeof(signs[0]) &&
		       strncmp(at, signs[i], strlen(signs[i])) != 0)
			i++;
		if (i == sizeof(signs) / sizeof(signs[0]))
			break;
		at += strlen(signs[i]);
		at = skip_numbers(at + strspn(at, " "));
		if (at && !*at)
			return 0;
		if (at && *at++ != ',')
			break;
	}
	return wf_yaml_fail(node, checker->err, "'%s' is a range: '>=2.0,<3'", key->name);
}

static void start_parser(struct wf_profile_checker *checker, const struct wf_yaml *node,
			 struct wf_parser *parser)
{
	wf_parser_init(parser, checker->arena, &node->place, 0, checker->err, checker->later);
	/* whose values these are is known once the rule's function is read */
	parser->speech = WF_SPEECH_EITHER;
}

static int end_of_text(struct wf_parser *parser)
{
	if (parser->lexer.token.kind == WF_TOK_END)
		return 0;
	return wf_parser_unexpected(parser, "the end or an operator");
}

static int check_expression(struct wf_profile_checker *checker, uint8_t shape,
			    const struct wf_yaml *node)
{
	struct wf_parser parser;
	struct wf_expr *expr;
	int rc;

	start_parser(checker, node, &parser);
	if (shape == WF_KEY_CONDITION)
		rc = wf_expr_parse_condition(&parser, &expr);
	else if (shape == WF_KEY_ERROR)
		rc = wf_error_parse(&parser, &expr);
	else
		rc = wf_expr_parse(&parser, &expr);
	if (rc == 0 && shape == WF_KEY_VALUE)
		rc = wf_expr_check_attribute(&parser, expr);
	return rc < 0 ? rc : end_of_text(&parser);
}

static int check_template(struct wf_profile_checker *checker, const struct wf_yaml *node)
{
	struct wf_template *name;
	struct wf_parser parser;

	start_parser(checker, node, &parser);
	return wf_template_parse(&parser, &name);
}

static int check_function(struct wf_profile_checker *checker, const struct wf_yaml *node)
{
	struct wf_function function;
	struct wf_parser parser;

	if (node->kind != WF_YAML_SCALAR)
		return wf_yaml_fail(node, checker->err, "a function is one text");
	start_parser(checker, node, &parser);
	return wf_function_parse_all(&parser, &function);
}

/* WORD(RULE): the lexer reads rule names with dots and dashes as several tokens, so by hand. */
static int rule_argument(struct wf_profile_checker *checker, const struct wf_yaml *node,
			 const char **ret)
{
	const char *open = strchr(node->text, '('), *close = open ? strchr(open, ')') : NULL;
	size_t len = close ? (size_t)(close - open) - 1 : 0;

	if (!close || close[1] || len == 0)
		return wf_yaml_fail(node, checker->err, "expected %.*s(RULE)",
				    (int)strcspn(node->text, "("), node->text);
	*ret = wf_arena_strndup(checker->arena, open + 1, len);
	return *ret ? 0 : wf_err_set(checker->err, ENOMEM, "out of memory");
}

int wf_profile_nearest(struct wf_profile_checker *checker, const struct wf_yaml *node,
		       const char **ret)
{
	if (strncmp(node->text, "nearest(", 8) != 0)
		return wf_yaml_fail(node, checker->err, "expected nearest(RULE), not '%.60s'",
				    node->text);
	return rule_argument(checker, node, ret);
}

int wf_profile_again(struct wf_profile_checker *checker, const struct wf_yaml *node,
		     uint8_t *ret_again, const char **ret_rule)
{
	static const char *const words[] = {[WF_AGAIN_NEST] = "nest",
					    [WF_AGAIN_JOIN] = "join",
					    [WF_AGAIN_NEXT] = "next",
					    "after",
					    NULL};
	const char *near;

	*ret_rule = NULL;
	*ret_again = WF_AGAIN_NEXT;
	if (strncmp(node->text, "after(", 6) == 0)
		return rule_argument(checker, node, ret_rule);
	for (uint8_t i = WF_AGAIN_NEST; i <= WF_AGAIN_NEXT; i++) {
		if (strcmp(node->text, words[i]) != 0)
			continue;
		*ret_again = i;
		return 0;
	}
	near = wf_nearest_word(node->text, words);
	return wf_yaml_fail(node, checker->err, "'again' is nest, join, next or after(RULE)%s%s%s",
			    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int check_parent(struct wf_profile_checker *checker, const struct wf_yaml *node)
{
	static const char *const words[] = {"context", "root", "remote", "key", "nearest", NULL};
	struct wf_parser parser;
	struct wf_expr *expr;
	const char *rule;
	int rc;

	if (strcmp(node->text, "context") == 0 || strcmp(node->text, "root") == 0)
		return 0;
	if (strncmp(node->text, "nearest(", 8) == 0)
		return rule_argument(checker, node, &rule);
	start_parser(checker, node, &parser);
	if (!wf_lexer_is_word(&parser.lexer, "remote") && !wf_lexer_is_word(&parser.lexer, "key")) {
		const char *near = wf_nearest_word(node->text, words);

		return wf_yaml_fail(node, checker->err,
				    "'parent' is context, root, remote(EXPR), key(EXPR) or "
				    "nearest(RULE)%s%s%s",
				    near ? "; did you mean '" : "", near ? near : "",
				    near ? "'?" : "");
	}
	wf_lexer_next(&parser.lexer);
	rc = wf_parser_expect(&parser, '(', "'('");
	if (rc == 0)
		rc = wf_expr_parse(&parser, &expr);
	if (rc == 0)
		rc = wf_parser_expect(&parser, ')', "')'");
	return rc < 0 ? rc : end_of_text(&parser);
}

static int check_values(struct wf_profile_checker *checker, const struct wf_key *key,
			const struct wf_yaml *node)
{
	if (node->kind != WF_YAML_MAPPING)
		return wf_yaml_fail(node, checker->err, "'%s' is a mapping (name: value)",
				    key->name);
	for (const struct wf_yaml *entry = node->first; entry; entry = entry->next) {
		int rc;

		if (entry->kind != WF_YAML_SCALAR)
			return wf_yaml_fail(entry, checker->err, "'%.60s' is one expression",
					    entry->key->text);
		if (!*entry->key->text)
			return wf_yaml_fail(entry->key, checker->err, "this name is empty");
		if (!*entry->text)
			return wf_yaml_fail(entry->key, checker->err, "'%.60s' has no value",
					    entry->key->text);
		rc = check_expression(checker, WF_KEY_VALUE, entry);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int check_numbers(struct wf_profile_checker *checker, const struct wf_key *key,
			 const struct wf_yaml *node)
{
	double last = 0, value;
	bool first = true;

	if (node->kind != WF_YAML_LIST)
		return wf_yaml_fail(node, checker->err, "'%s' is a list of numbers", key->name);
	for (const struct wf_yaml *item = node->first; item; item = item->next) {
		if (item->kind != WF_YAML_SCALAR || wf_parse_double(item->text, &value) < 0)
			return wf_yaml_fail(item, checker->err, "'%s' is a list of numbers",
					    key->name);
		if (!first && value <= last)
			return wf_yaml_fail(item, checker->err, "'%s' must grow", key->name);
		last = value;
		first = false;
	}
	return 0;
}

/* One, or a list of at least one. */
static int check_list(struct wf_profile_checker *checker, const struct wf_key *key,
		      const struct wf_yaml *node)
{
	if (node->kind == WF_YAML_MAPPING)
		return wf_yaml_fail(node, checker->err, "'%s' is a text or a list", key->name);
	if (node->kind == WF_YAML_SCALAR)
		return key->shape == WF_KEY_FUNCTIONS ? check_function(checker, node) : 0;
	if (node->count == 0)
		return wf_yaml_fail(node, checker->err, "this list is empty");
	for (const struct wf_yaml *item = node->first; item; item = item->next) {
		int rc = 0;

		if (item->kind != WF_YAML_SCALAR || !*item->text)
			return wf_yaml_fail(item, checker->err, "'%s' is a list of texts",
					    key->name);
		if (key->shape == WF_KEY_FUNCTIONS)
			rc = check_function(checker, item);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int check_scalar(struct wf_profile_checker *checker, const struct wf_key *key,
			const struct wf_yaml *node)
{
	const char *rule;
	uint8_t again;

	if (node->kind != WF_YAML_SCALAR)
		return wf_yaml_fail(node, checker->err, "'%s' is one text, no list or mapping",
				    key->name);
	switch (key->shape) {
	case WF_KEY_NAME:
		return check_name(checker, key, node);
	case WF_KEY_WORD:
		return check_word(checker, key, node);
	case WF_KEY_BOOL:
		return check_bool(checker, key, node);
	case WF_KEY_INTEGER:
		return check_integer(checker, key, node);
	case WF_KEY_DURATION:
		return check_duration(checker, key, node);
	case WF_KEY_VERSION:
		return check_version(checker, key, node);
	case WF_KEY_FUNCTION:
		return check_function(checker, node);
	case WF_KEY_VALUE:
	case WF_KEY_CONDITION:
	case WF_KEY_ERROR:
		return check_expression(checker, key->shape, node);
	case WF_KEY_TEMPLATE:
		return check_template(checker, node);
	case WF_KEY_PARENT:
		return check_parent(checker, node);
	case WF_KEY_NEAREST:
		return wf_profile_nearest(checker, node, &rule);
	case WF_KEY_AGAIN:
		return wf_profile_again(checker, node, &again, &rule);
	default:
		return *node->text ? 0
				   : wf_yaml_fail(node, checker->err, "'%s' is empty", key->name);
	}
}

int wf_profile_check_value(struct wf_profile_checker *checker, const struct wf_key *key,
			   const struct wf_yaml *node)
{
	switch (key->shape) {
	case WF_KEY_VALUES:
		return check_values(checker, key, node);
	case WF_KEY_NUMBERS:
		return check_numbers(checker, key, node);
	case WF_KEY_TEXTS:
	case WF_KEY_FUNCTIONS:
		return check_list(checker, key, node);
	default:
		return check_scalar(checker, key, node);
	}
}
