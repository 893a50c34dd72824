/* SPDX-License-Identifier: Apache-2.0 */
#include "parser.h"

#define DEPTH_MAX 64 /* nested parentheses, not and if */
#define LIST_MAX  64 /* constants after `in` */

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
