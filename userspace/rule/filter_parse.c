/* SPDX-License-Identifier: Apache-2.0 */
#include "parser.h"

#include <errno.h>
#include <string.h>

#include "url.h"

#define MAP_MAX    64
#define BUCKET_MAX 32

/* Arguments that are being read; the arrays lie in the arena and are filled in order. */
struct arguments {
	struct wf_value *keys, *values;
	uint8_t key_type, value_type;
	uint32_t count, max;
};

static int arguments_new(struct wf_parser *parser, struct arguments *args, uint32_t max)
{
	memset(args, 0, sizeof(*args));
	args->max = max;
	args->keys = wf_arena_alloc(parser->arena, max * sizeof(*args->keys));
	args->values = wf_arena_alloc(parser->arena, max * sizeof(*args->values));
	if (!args->keys || !args->values)
		return wf_place_err(parser->place, 0, parser->err, ENOMEM, "out of memory");
	return 0;
}

static int parse_count(struct wf_parser *parser, struct arguments *args)
{
	struct wf_expr *count;
	int rc = wf_expr_parse_constant(parser, &count);

	if (rc < 0)
		return rc;
	if (count->type != WF_TYPE_INT || count->value.integer < 1 ||
	    count->value.integer > WF_CAPTURE_BYTES_MAX)
		return wf_parser_fail(parser, count->at, "truncate wants 1 to %d bytes",
				      WF_CAPTURE_BYTES_MAX);
	args->values[args->count++] = count->value;
	return 0;
}

static int parse_text(struct wf_parser *parser, struct arguments *args)
{
	struct wf_expr *text;
	int rc = wf_expr_parse_constant(parser, &text);

	if (rc < 0)
		return rc;
	if (text->type != WF_TYPE_STRING)
		return wf_parser_fail(parser, text->at, "this filter wants a 'text'");
	args->values[args->count++] = text->value;
	return 0;
}

static double real_of(const struct wf_value *value)
{
	return value->kind == WF_VALUE_DOUBLE ? value->real : (double)value->integer;
}

static int parse_numbers(struct wf_parser *parser, struct arguments *args)
{
	for (;;) {
		struct wf_expr *bound;
		int rc = wf_expr_parse_constant(parser, &bound);

		if (rc < 0)
			return rc;
		if (bound->type != WF_TYPE_INT && bound->type != WF_TYPE_REAL)
			return wf_parser_fail(parser, bound->at, "bucket wants numbers");
		if (args->count == args->max)
			return wf_parser_fail(parser, bound->at, "bucket has at most %u bounds",
					      args->max);
		if (args->count > 0 &&
		    real_of(&bound->value) <= real_of(&args->values[args->count - 1]))
			return wf_parser_fail(parser, bound->at, "bounds of bucket must grow");
		args->values[args->count++] = bound->value;
		if (parser->lexer.token.kind != ',')
			return 0;
		wf_lexer_next(&parser->lexer);
	}
}

static bool fits_key(uint8_t input, uint8_t key)
{
	return input == WF_TYPE_ANY || input == key ||
	       (input == WF_TYPE_UINT && key == WF_TYPE_INT);
}

static int parse_entry(struct wf_parser *parser, struct arguments *args, uint8_t input)
{
	struct wf_expr *key, *value;
	int rc = wf_expr_parse_constant(parser, &key);

	if (rc == 0)
		rc = wf_parser_expect(parser, ':', "':'");
	if (rc == 0)
		rc = wf_expr_parse_constant(parser, &value);
	if (rc < 0)
		return rc;
	if (!fits_key(input, key->type))
		return wf_parser_fail(parser, key->at, "the key is %s, but the value is %s",
				      wf_type_name(key->type), wf_type_name(input));
	if (args->count == args->max)
		return wf_parser_fail(parser, key->at, "map has at most %u entries", args->max);
	if (args->count > 0 && (key->type != args->key_type || value->type != args->value_type))
		return wf_parser_fail(parser, key->at,
				      "keys of map are of one type, and so are its values");
	args->key_type = key->type;
	args->value_type = value->type;
	args->keys[args->count] = key->value;
	args->values[args->count++] = value->value;
	return 0;
}

static int parse_map(struct wf_parser *parser, struct arguments *args, uint8_t input)
{
	int rc = wf_parser_expect(parser, '{', "'{' (map({0: 'idle', 1: 'busy'}))");

	while (rc == 0) {
		rc = parse_entry(parser, args, input);
		if (rc < 0 || parser->lexer.token.kind != ',')
			break;
		wf_lexer_next(&parser->lexer);
	}
	return rc < 0 ? rc : wf_parser_expect(parser, '}', "',' or '}'");
}

static int parse_part(struct wf_parser *parser, struct arguments *args)
{
	static const char *const parts[] = {[WF_URL_SCHEME] = "scheme",
					    [WF_URL_HOST] = "host",
					    [WF_URL_PORT] = "port",
					    [WF_URL_PATH] = "path"};
	struct wf_value *part = &args->values[args->count++];

	part->kind = WF_VALUE_INT;
	for (int i = WF_URL_SCHEME; i <= WF_URL_PATH; i++) {
		if (wf_lexer_is_word(&parser->lexer, parts[i]))
			part->integer = i;
	}
	if (!part->integer)
		return wf_parser_unexpected(parser, "scheme, host, port or path");
	wf_lexer_next(&parser->lexer);
	return 0;
}

static int parse_arguments(struct wf_parser *parser, const struct wf_filter *filter,
			   struct arguments *args, uint8_t input)
{
	struct wf_expr *ignored;

	switch (filter->shape) {
	case WF_FILTER_COUNT:
		return parse_count(parser, args);
	case WF_FILTER_TEXT:
		return parse_text(parser, args);
	case WF_FILTER_NUMBERS:
		return parse_numbers(parser, args);
	case WF_FILTER_MAP:
		return parse_map(parser, args, input);
	case WF_FILTER_PART:
		return parse_part(parser, args);
	case WF_FILTER_EXPR:
		return wf_expr_parse(parser, &ignored);
	default:
		return wf_parser_fail(parser, parser->lexer.token.start,
				      "filter '%s' takes nothing in parentheses", filter->name);
	}
}

/* What stands in parentheses behind the name, where the filter wants or allows it. */
static int parse_parentheses(struct wf_parser *parser, const struct wf_filter *filter,
			     struct arguments *args, uint8_t input)
{
	bool optional = filter->shape == WF_FILTER_PLAIN || filter->shape == WF_FILTER_PART ||
			filter->shape == WF_FILTER_EXPR;
	int rc;

	if (parser->lexer.token.kind != '(') {
		args->values[0].kind = WF_VALUE_INT; /* url: WF_URL_WHOLE */
		return optional ? 0 : wf_parser_unexpected(parser, "'(' and its arguments");
	}
	wf_lexer_next(&parser->lexer);
	rc = parse_arguments(parser, filter, args, input);
	return rc < 0 ? rc : wf_parser_expect(parser, ')', "')'");
}

static uint8_t result_type(const struct wf_filter *filter, const struct arguments *args)
{
	if (filter->shape == WF_FILTER_MAP)
		return args->value_type;
	if (filter->shape == WF_FILTER_PART && args->values[0].integer == WF_URL_PORT)
		return WF_TYPE_INT;
	return filter->type;
}

static int find_filter(struct wf_parser *parser, const struct wf_filter **ret)
{
	const char *name, *near;

	if (parser->lexer.token.kind != WF_TOK_WORD)
		return wf_parser_unexpected(parser, "a filter after '|'");
	name = wf_lexer_text(&parser->lexer);
	if (!name)
		return wf_place_err(parser->place, 0, parser->err, ENOMEM, "out of memory");
	*ret = wf_filter_find(name);
	if (*ret)
		return 0;
	near = wf_filter_nearest(name);
	return wf_parser_fail(parser, parser->lexer.token.start, "unknown filter '%s'%s%s%s", name,
			      near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int make_node(struct wf_parser *parser, const struct wf_filter *filter,
		     const struct arguments *parsed, size_t at, struct wf_expr **expr)
{
	struct wf_filter_args *args = wf_arena_alloc(parser->arena, sizeof(*args));
	struct wf_expr *node;
	int rc = wf_parser_node(parser, WF_NODE_FILTER, at, &node);

	if (rc < 0 || !args)
		return rc < 0 ? rc : wf_parser_fail(parser, at, "out of memory");
	args->keys = parsed->keys;
	args->values = parsed->values;
	args->count = parsed->count;
	node->filter = filter;
	node->args = args;
	node->left = *expr;
	node->type = result_type(filter, parsed);
	if (!filter->apply) {
		node->op = WF_NODE_LATER;
		node->type = WF_TYPE_ANY;
	}
	*expr = node;
	return 0;
}

int wf_expr_parse_filter(struct wf_parser *parser, struct wf_expr **expr)
{
	size_t at = parser->lexer.token.start;
	const struct wf_filter *filter;
	uint8_t input = (*expr)->type;
	struct arguments args;
	bool folded;
	int rc = wf_python_fold(parser, *expr, &folded);

	if (rc < 0 || folded)
		return rc;
	rc = find_filter(parser, &filter);
	if (rc < 0)
		return rc;
	rc = arguments_new(parser, &args,
			   filter->shape == WF_FILTER_MAP       ? MAP_MAX
			   : filter->shape == WF_FILTER_NUMBERS ? BUCKET_MAX
								: 1);
	if (rc < 0)
		return rc;
	if (!filter->later && input != WF_TYPE_ANY && !(filter->takes & WF_TYPE_BIT(input)))
		return wf_parser_fail(parser, at, "filter '%s' does not take %s", filter->name,
				      wf_type_name(input));
	wf_lexer_next(&parser->lexer);
	rc = parse_parentheses(parser, filter, &args, input);
	if (rc < 0)
		return rc;
	if (filter->later && parser->speech != WF_SPEECH_PYTHON)
		wf_parser_python(parser, at, "filter '%s' is not there in this version: %s",
				 filter->name, filter->later);
	return make_node(parser, filter, &args, at, expr);
}
