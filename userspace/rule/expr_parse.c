/* SPDX-License-Identifier: Apache-2.0 */
#include "expr_node.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 64  /* nested parentheses, not and if */
#define LIST_MAX  64  /* constants after `in` */
#define NODES_MAX 512 /* bounds the recursion of everything that walks an expression */

void wf_parser_init(struct wf_parser *parser, struct wf_arena *arena, const struct wf_place *place,
		    size_t offset, struct wf_err *err, struct wf_err *later)
{
	memset(parser, 0, sizeof(*parser));
	parser->arena = arena;
	parser->place = place;
	parser->err = err;
	parser->later = later;
	wf_lexer_init(&parser->lexer, arena, place->text, offset);
}

int wf_parser_fail(struct wf_parser *parser, size_t at, const char *fmt, ...)
{
	char what[320];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	return wf_place_err(parser->place, at, parser->err, EINVAL, "%s", what);
}

int wf_parser_unexpected(struct wf_parser *parser, const char *wanted)
{
	const struct wf_token *token = &parser->lexer.token;
	size_t len = token->end - token->start;

	if (token->kind == WF_TOK_ERROR)
		return wf_parser_fail(parser, token->start, "%s", parser->lexer.problem);
	if (token->kind == WF_TOK_END)
		return wf_parser_fail(parser, token->start, "expected %s at the end", wanted);
	return wf_parser_fail(parser, token->start, "expected %s, not '%.*s'", wanted,
			      (int)(len < 60 ? len : 60), parser->lexer.text + token->start);
}

void wf_parser_later(struct wf_parser *parser, size_t at, const char *fmt, ...)
{
	char what[320];
	va_list args;

	if (!parser->later || parser->later->code)
		return;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	wf_place_err(parser->place, at, parser->later, ENOTSUP, "%s", what);
}

void wf_parser_python(struct wf_parser *parser, size_t at, const char *fmt, ...)
{
	char what[320];
	va_list args;

	if (parser->speech == WF_SPEECH_EITHER)
		return;
	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	wf_parser_later(parser, at, "%s", what);
}

int wf_parser_expect(struct wf_parser *parser, int kind, const char *wanted)
{
	if (parser->lexer.token.kind != kind)
		return wf_parser_unexpected(parser, wanted);
	wf_lexer_next(&parser->lexer);
	return 0;
}

int wf_parser_node(struct wf_parser *parser, enum wf_node_op op, size_t at, struct wf_expr **ret)
{
	struct wf_expr *node;

	if (++parser->nodes > NODES_MAX)
		return wf_parser_fail(parser, at, "this expression is too long (%d parts)",
				      NODES_MAX);
	node = wf_arena_alloc(parser->arena, sizeof(*node));
	if (!node)
		return wf_place_err(parser->place, at, parser->err, ENOMEM,
				    "out of memory, or the rules are too large");
	node->op = op;
	node->at = (uint32_t)at;
	*ret = node;
	return 0;
}

/* A node over *left (and right), which then stands in the place of *left. */
static int wrap(struct wf_parser *parser, enum wf_node_op op, uint8_t type, size_t at,
		struct wf_expr **left, struct wf_expr *right)
{
	struct wf_expr *node = NULL;
	int rc = wf_parser_node(parser, op, at, &node);

	if (rc < 0)
		return rc;
	node->type = type;
	node->left = *left;
	node->right = right;
	*left = node;
	return 0;
}

static int parse_pipe(struct wf_parser *parser, struct wf_expr **ret)
{
	int rc = wf_expr_parse_primary(parser, ret);

	while (rc == 0 && parser->lexer.token.kind == '|') {
		wf_lexer_next(&parser->lexer);
		rc = wf_expr_parse_filter(parser, ret);
	}
	return rc;
}

static int parse_coalesce(struct wf_parser *parser, struct wf_expr **ret)
{
	int rc = parse_pipe(parser, ret);

	while (rc == 0 && parser->lexer.token.kind == WF_TOK_COALESCE) {
		size_t at = parser->lexer.token.start;
		struct wf_expr *right;

		wf_lexer_next(&parser->lexer);
		rc = parse_pipe(parser, &right);
		if (rc == 0)
			rc = wrap(parser, WF_NODE_COALESCE, (*ret)->type, at, ret, right);
		if (rc == 0)
			rc = wf_expr_check_coalesce(parser, *ret);
	}
	return rc;
}

static uint8_t compare_of(int token)
{
	switch (token) {
	case WF_TOK_EQ:
		return WF_CMP_EQ;
	case WF_TOK_NE:
		return WF_CMP_NE;
	case '<':
		return WF_CMP_LT;
	case WF_TOK_LE:
		return WF_CMP_LE;
	case '>':
		return WF_CMP_GT;
	case WF_TOK_GE:
		return WF_CMP_GE;
	default:
		return 0;
	}
}

/* [constant, ...] into the value of the node. */
static int parse_list(struct wf_parser *parser, struct wf_expr *node)
{
	struct wf_value *items = wf_arena_alloc(parser->arena, LIST_MAX * sizeof(*items));
	uint32_t count = 0;
	int rc;

	if (!items)
		return wf_parser_fail(parser, node->at, "out of memory");
	wf_lexer_next(&parser->lexer);
	for (;;) {
		struct wf_expr *item;

		if (count == LIST_MAX)
			return wf_parser_fail(parser, parser->lexer.token.start,
					      "a list has at most %d values", LIST_MAX);
		rc = wf_expr_parse_constant(parser, &item);
		if (rc < 0)
			return rc;
		if (count > 0 && item->type != node->right->type)
			return wf_parser_fail(parser, item->at,
					      "the values of a list are of one type");
		if (count == 0)
			node->right = item;
		items[count++] = item->value;
		if (parser->lexer.token.kind != ',')
			break;
		wf_lexer_next(&parser->lexer);
	}
	node->value.kind = WF_VALUE_ARRAY;
	node->value.items = items;
	node->value.count = count;
	return wf_parser_expect(parser, ']', "',' or ']'");
}

static int parse_in(struct wf_parser *parser, struct wf_expr **ret, bool negate)
{
	size_t at = parser->lexer.token.start;
	struct wf_expr *right = NULL;
	int rc;

	wf_lexer_next(&parser->lexer);
	if (parser->lexer.token.kind == '[') {
		rc = wrap(parser, WF_NODE_IN_LIST, WF_TYPE_BOOL, at, ret, NULL);
		if (rc == 0)
			rc = parse_list(parser, *ret);
		if (rc == 0)
			rc = wf_expr_check_list(parser, *ret);
	} else {
		rc = parse_coalesce(parser, &right);
		if (rc == 0)
			rc = wrap(parser, WF_NODE_IN_TEXT, WF_TYPE_BOOL, at, ret, right);
		if (rc == 0)
			rc = wf_expr_check_list(parser, *ret);
	}
	return rc == 0 && negate ? wrap(parser, WF_NODE_NOT, WF_TYPE_BOOL, at, ret, NULL) : rc;
}

static int parse_compare(struct wf_parser *parser, struct wf_expr **ret)
{
	struct wf_expr *right;
	size_t at;
	uint8_t compare;
	int rc = parse_coalesce(parser, ret);

	if (rc < 0)
		return rc;
	at = parser->lexer.token.start;
	if (wf_lexer_is_word(&parser->lexer, "in"))
		return parse_in(parser, ret, false);
	if (wf_lexer_is_word(&parser->lexer, "not")) {
		wf_lexer_next(&parser->lexer);
		if (!wf_lexer_is_word(&parser->lexer, "in"))
			return wf_parser_unexpected(parser, "'in' after 'not'");
		return parse_in(parser, ret, true);
	}
	compare = compare_of(parser->lexer.token.kind);
	if (!compare)
		return 0;
	wf_lexer_next(&parser->lexer);
	rc = parse_coalesce(parser, &right);
	if (rc == 0)
		rc = wrap(parser, WF_NODE_COMPARE, WF_TYPE_BOOL, at, ret, right);
	if (rc < 0)
		return rc;
	(*ret)->compare = compare;
	if (compare_of(parser->lexer.token.kind))
		return wf_parser_fail(parser, parser->lexer.token.start,
				      "compare two values at a time, and join with 'and'");
	return wf_expr_check_compare(parser, *ret);
}

static int parse_not(struct wf_parser *parser, struct wf_expr **ret)
{
	size_t at = parser->lexer.token.start;
	int rc;

	if (!wf_lexer_is_word(&parser->lexer, "not"))
		return parse_compare(parser, ret);
	if (parser->depth >= DEPTH_MAX)
		return wf_parser_fail(parser, at, "nested too deep (%d levels)", DEPTH_MAX);
	wf_lexer_next(&parser->lexer);
	parser->depth++;
	rc = parse_not(parser, ret);
	parser->depth--;
	if (rc == 0)
		rc = wf_expr_check_condition(parser, *ret);
	return rc < 0 ? rc : wrap(parser, WF_NODE_NOT, WF_TYPE_BOOL, at, ret, NULL);
}

/* One level of `and` or `or`: left-associative, every side a condition. */
static int parse_joined(struct wf_parser *parser, const char *word, enum wf_node_op op,
			int (*parse_side)(struct wf_parser *, struct wf_expr **),
			struct wf_expr **ret)
{
	int rc = parse_side(parser, ret);

	while (rc == 0 && wf_lexer_is_word(&parser->lexer, word)) {
		size_t at = parser->lexer.token.start;
		struct wf_expr *right;

		rc = wf_expr_check_condition(parser, *ret);
		wf_lexer_next(&parser->lexer);
		if (rc == 0)
			rc = parse_side(parser, &right);
		if (rc == 0)
			rc = wf_expr_check_condition(parser, right);
		if (rc == 0)
			rc = wrap(parser, op, WF_TYPE_BOOL, at, ret, right);
	}
	return rc;
}

static int parse_and(struct wf_parser *parser, struct wf_expr **ret)
{
	return parse_joined(parser, "and", WF_NODE_AND, parse_not, ret);
}

int wf_expr_parse(struct wf_parser *parser, struct wf_expr **ret)
{
	int rc;

	if (parser->depth >= DEPTH_MAX)
		return wf_parser_fail(parser, parser->lexer.token.start,
				      "nested too deep (%d levels)", DEPTH_MAX);
	parser->depth++;
	rc = parse_joined(parser, "or", WF_NODE_OR, parse_and, ret);
	parser->depth--;
	return rc;
}

int wf_expr_parse_condition(struct wf_parser *parser, struct wf_expr **ret)
{
	int rc = wf_expr_parse(parser, ret);

	return rc < 0 ? rc : wf_expr_check_condition(parser, *ret);
}
