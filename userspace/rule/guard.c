/* SPDX-License-Identifier: Apache-2.0 */
#include "parser.h"

#include <errno.h>
#include <string.h>

/* The compares of one condition while they are collected. */
struct guards {
	struct wf_parser *parser;
	const struct wf_binding *binding;
	struct wf_rule_guard *out;
	uint8_t count;
	enum { JOINED_YET_BY_NOTHING, JOINED_BY_AND, JOINED_BY_OR } joined;
};

static int refuse(const struct guards *guards, size_t at, const char *what)
{
	return wf_parser_fail(guards->parser, at,
			      "%s: 'when' is decided in the kernel at entry: compares of integers, "
			      "joined by and or by or, at most %d",
			      what, WF_GUARDS_MAX);
}

static int join(struct guards *guards, size_t at, bool any)
{
	int wanted = any ? JOINED_BY_OR : JOINED_BY_AND;

	if (guards->joined != JOINED_YET_BY_NOTHING && (int)guards->joined != wanted)
		return refuse(guards, at, "this mixes 'and' and 'or'");
	guards->joined = any ? JOINED_BY_OR : JOINED_BY_AND;
	return 0;
}

static uint8_t negate(uint8_t compare)
{
	static const uint8_t inverse[] = {
		[WF_CMP_EQ] = WF_CMP_NE, [WF_CMP_NE] = WF_CMP_EQ, [WF_CMP_LT] = WF_CMP_GE,
		[WF_CMP_LE] = WF_CMP_GT, [WF_CMP_GT] = WF_CMP_LE, [WF_CMP_GE] = WF_CMP_LT};

	return inverse[compare];
}

/* The same compare with its sides exchanged: 3 < arg1 is arg1 > 3. */
static uint8_t mirror(uint8_t compare)
{
	static const uint8_t mirrored[] = {
		[WF_CMP_EQ] = WF_CMP_EQ, [WF_CMP_NE] = WF_CMP_NE, [WF_CMP_LT] = WF_CMP_GT,
		[WF_CMP_LE] = WF_CMP_GE, [WF_CMP_GT] = WF_CMP_LT, [WF_CMP_GE] = WF_CMP_LE};

	return mirrored[compare];
}

/* A number that the type cannot hold makes a compare that is always the same: a mistake. */
static bool fits(uint8_t type, const struct wf_value *value, bool big)
{
	static const struct {
		int64_t min, max;
	} ranges[] = {[WF_SRC_I8] = {INT8_MIN, INT8_MAX},    [WF_SRC_I16] = {INT16_MIN, INT16_MAX},
		      [WF_SRC_I32] = {INT32_MIN, INT32_MAX}, [WF_SRC_I64] = {INT64_MIN, INT64_MAX},
		      [WF_SRC_U8] = {0, UINT8_MAX},          [WF_SRC_U16] = {0, UINT16_MAX},
		      [WF_SRC_U32] = {0, UINT32_MAX}};

	if (value->kind == WF_VALUE_BOOL)
		return type == WF_SRC_BOOL;
	if (type == WF_SRC_U64 || type == WF_SRC_POINTER)
		return big || value->integer >= 0;
	if (type > WF_SRC_U32)
		return false;
	return !big && value->integer >= ranges[type].min && value->integer <= ranges[type].max;
}

static int add(struct guards *guards, const struct wf_expr *operand, uint8_t compare, int64_t value)
{
	struct wf_rule_guard *guard = &guards->out[guards->count];
	int rc;

	if (operand->operand.origin == WF_FROM_RETURN)
		return refuse(guards, operand->at, "the return value is not there yet");
	if (operand->operand.at_close && !guards->binding->closing)
		return refuse(guards, operand->at, "the closing site is not there yet");
	rc = wf_operand_check(guards->parser, operand, guards->binding);
	if (rc < 0)
		return rc;
	if (operand->type == WF_TYPE_STRING || operand->type == WF_TYPE_REAL)
		return refuse(guards, operand->at,
			      operand->type == WF_TYPE_STRING ? "this is a text"
							      : "this is a real number");
	if (guards->count == WF_GUARDS_MAX)
		return refuse(guards, operand->at, "too many compares");
	guard->operand = operand->operand;
	guard->compare = compare;
	guard->value = value;
	guards->count++;
	return 0;
}

static bool is_integer_like(const struct wf_expr *constant)
{
	return constant->op == WF_NODE_CONST &&
	       (constant->type == WF_TYPE_INT || constant->type == WF_TYPE_UINT ||
		constant->type == WF_TYPE_BOOL);
}

static int add_compare(struct guards *guards, const struct wf_expr *operand,
		       const struct wf_expr *constant, uint8_t compare)
{
	const struct wf_value *value = &constant->value;

	if (operand->op == WF_NODE_OPERAND &&
	    (operand->type == WF_TYPE_STRING || operand->type == WF_TYPE_REAL))
		return add(guards, operand, compare, 0);
	if (operand->op == WF_NODE_DURATION)
		return refuse(guards, operand->at,
			      "the duration is known at the end only (slower, min_duration)");
	if (operand->op != WF_NODE_OPERAND || !is_integer_like(constant))
		return refuse(guards, operand->op == WF_NODE_OPERAND ? constant->at : operand->at,
			      "this is no compare of an entry value with an integer");
	if (operand->type != WF_TYPE_ANY &&
	    !fits(operand->operand.type, value, constant->type == WF_TYPE_UINT))
		return wf_parser_fail(guards->parser, constant->at,
				      "this number does not fit the type it is compared with");
	return add(guards, operand, compare,
		   value->kind == WF_VALUE_BOOL ? value->boolean : value->integer);
}

static int add_list(struct guards *guards, const struct wf_expr *node, bool negated)
{
	int rc = node->value.count > 1 ? join(guards, node->at, !negated) : 0;

	for (uint32_t i = 0; rc == 0 && i < node->value.count; i++) {
		struct wf_expr constant = *node->right;

		constant.value = node->value.items[i];
		rc = add_compare(guards, node->left, &constant, negated ? WF_CMP_NE : WF_CMP_EQ);
	}
	return rc;
}

static int collect(struct guards *guards, const struct wf_expr *node, bool negated)
{
	uint8_t compare;
	bool flip;
	int rc;

	switch (node->op) {
	case WF_NODE_NOT:
		return collect(guards, node->left, !negated);
	case WF_NODE_AND:
	case WF_NODE_OR:
		rc = join(guards, node->at, (node->op == WF_NODE_OR) != negated);
		if (rc == 0)
			rc = collect(guards, node->left, negated);
		return rc < 0 ? rc : collect(guards, node->right, negated);
	case WF_NODE_COMPARE:
		flip = node->left->op == WF_NODE_CONST;
		compare = flip ? mirror(node->compare) : node->compare;
		return add_compare(guards, flip ? node->right : node->left,
				   flip ? node->left : node->right,
				   negated ? negate(compare) : compare);
	case WF_NODE_IN_LIST:
		return add_list(guards, node, negated);
	case WF_NODE_OPERAND:
		return add(guards, node, negated ? WF_CMP_EQ : WF_CMP_NE, 0);
	default:
		return refuse(guards, node->at, "this is no compare");
	}
}

int wf_guard_compile(struct wf_parser *parser, const struct wf_expr *node,
		     const struct wf_binding *binding, struct wf_rule_guard *guards,
		     uint8_t *ret_count, bool *ret_any)
{
	struct guards state = {.parser = parser, .binding = binding, .out = guards};
	int rc = collect(&state, node, false);

	if (rc < 0)
		return rc;
	*ret_count = state.count;
	*ret_any = state.joined == JOINED_BY_OR;
	return 0;
}
