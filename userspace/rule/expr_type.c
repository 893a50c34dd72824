/* SPDX-License-Identifier: Apache-2.0 */
#include "parser.h"

#include <errno.h>

const char *wf_type_name(uint8_t type)
{
	static const char *const names[] = {
		[WF_TYPE_ANY] = "a value",        [WF_TYPE_BOOL] = "a truth value",
		[WF_TYPE_INT] = "an integer",     [WF_TYPE_UINT] = "an unsigned integer",
		[WF_TYPE_REAL] = "a real number", [WF_TYPE_STRING] = "a text",
		[WF_TYPE_POINTER] = "a pointer",  [WF_TYPE_DURATION] = "a duration",
	};

	return type < sizeof(names) / sizeof(names[0]) ? names[type] : "a value";
}

uint8_t wf_type_of_source(uint8_t source_type)
{
	switch (source_type) {
	case WF_SRC_BOOL:
		return WF_TYPE_BOOL;
	case WF_SRC_U64:
		return WF_TYPE_UINT;
	case WF_SRC_F32:
	case WF_SRC_F64:
		return WF_TYPE_REAL;
	case WF_SRC_POINTER:
		return WF_TYPE_POINTER;
	case WF_SRC_CSTRING:
	case WF_SRC_CHARS:
	case WF_SRC_STDSTRING:
		return WF_TYPE_STRING;
	case 0:
		return WF_TYPE_ANY;
	default:
		return WF_TYPE_INT;
	}
}

static bool is_number(uint8_t type)
{
	return WF_TYPE_BIT(type) & WF_TYPES_NUMBER;
}

/* Integers and pointers share one number line; reals join integers only. */
static bool comparable(uint8_t a, uint8_t b)
{
	if (a == WF_TYPE_ANY || b == WF_TYPE_ANY || a == b)
		return true;
	if (is_number(a) && is_number(b))
		return true;
	return (a == WF_TYPE_POINTER && is_number(b) && b != WF_TYPE_REAL) ||
	       (b == WF_TYPE_POINTER && is_number(a) && a != WF_TYPE_REAL);
}

int wf_expr_check_compare(struct wf_parser *parser, const struct wf_expr *node)
{
	uint8_t left = node->left->type, right = node->right->type;

	if (!comparable(left, right)) {
		if (left == WF_TYPE_DURATION || right == WF_TYPE_DURATION)
			return wf_parser_fail(parser, node->at,
					      "cannot compare %s with %s; write a unit: 500ms",
					      wf_type_name(left), wf_type_name(right));
		return wf_parser_fail(parser, node->at, "cannot compare %s with %s",
				      wf_type_name(left), wf_type_name(right));
	}
	if ((left == WF_TYPE_BOOL || right == WF_TYPE_BOOL) && node->compare != WF_CMP_EQ &&
	    node->compare != WF_CMP_NE)
		return wf_parser_fail(parser, node->at, "truth values have no order; use == or !=");
	return 0;
}

int wf_expr_check_list(struct wf_parser *parser, const struct wf_expr *node)
{
	uint8_t left = node->left->type, right = node->right->type;

	if (node->op == WF_NODE_IN_LIST) {
		if (comparable(left, right))
			return 0;
		return wf_parser_fail(parser, node->at, "cannot compare %s with %s",
				      wf_type_name(left), wf_type_name(right));
	}
	if ((left == WF_TYPE_STRING || left == WF_TYPE_ANY) &&
	    (right == WF_TYPE_STRING || right == WF_TYPE_ANY))
		return 0;
	return wf_parser_fail(parser, node->at,
			      "'in' wants a list ([1, 2]) or two texts, not %s and %s",
			      wf_type_name(left), wf_type_name(right));
}

int wf_expr_check_condition(struct wf_parser *parser, const struct wf_expr *node)
{
	if (node->type == WF_TYPE_BOOL || node->type == WF_TYPE_POINTER ||
	    node->type == WF_TYPE_ANY)
		return 0;
	return wf_parser_fail(parser, node->at, "%s is no condition; compare it: ... %s",
			      wf_type_name(node->type),
			      node->type == WF_TYPE_STRING     ? "== 'text'"
			      : node->type == WF_TYPE_DURATION ? "> 500ms"
							       : "!= 0");
}

int wf_expr_check_coalesce(struct wf_parser *parser, struct wf_expr *node)
{
	uint8_t left = node->left->type, right = node->right->type;

	if (left == WF_TYPE_ANY || right == WF_TYPE_ANY) {
		node->type = WF_TYPE_ANY;
		return 0;
	}
	if (left == right)
		return 0;
	/* A constant takes the type of what it stands in for. */
	if (left == WF_TYPE_UINT && right == WF_TYPE_INT && node->right->op == WF_NODE_CONST &&
	    node->right->value.integer >= 0)
		return 0;
	return wf_parser_fail(parser, node->at, "both sides of ?? are of one type, not %s and %s",
			      wf_type_name(left), wf_type_name(right));
}

int wf_expr_check_attribute(struct wf_parser *parser, const struct wf_expr *node)
{
	if (node->type != WF_TYPE_DURATION)
		return 0;
	return wf_parser_fail(parser, node->at,
			      "a duration needs its unit: duration|s or duration|ms");
}
