/* SPDX-License-Identifier: Apache-2.0 */
#include "expr_node.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct wf_value absent;

static struct wf_value eval(const struct wf_expr *node, const struct wf_eval *eval_data);

static struct wf_value truth(bool value)
{
	return (struct wf_value){.kind = WF_VALUE_BOOL, .boolean = value};
}

/* Three outcomes: 1 true, 0 false, -1 absent. A pointer is true where it is not null. */
static int condition(const struct wf_expr *node, const struct wf_eval *data)
{
	struct wf_value value = eval(node, data);

	if (value.kind == WF_VALUE_BOOL)
		return value.boolean;
	if (value.kind == WF_VALUE_INT && node->type == WF_TYPE_POINTER)
		return value.integer != 0;
	return -1;
}

/* What decides alone wins over an absent side: false for `and`, true for `or`. */
static struct wf_value eval_joined(const struct wf_expr *node, const struct wf_eval *data)
{
	int decisive = node->op == WF_NODE_OR;
	int left = condition(node->left, data), right;

	if (left == decisive)
		return truth(decisive);
	right = condition(node->right, data);
	if (right == decisive)
		return truth(decisive);
	return left < 0 || right < 0 ? absent : truth(!decisive);
}

static struct wf_value eval_not(const struct wf_expr *node, const struct wf_eval *data)
{
	int value = condition(node->left, data);

	return value < 0 ? absent : truth(!value);
}

/* Every 64-bit number, signed or not, on one line. */
static __int128 wide(const struct wf_value *value, uint8_t type)
{
	if (type == WF_TYPE_UINT || type == WF_TYPE_POINTER)
		return (uint64_t)value->integer;
	return value->integer;
}

static double as_real(const struct wf_value *value, uint8_t type)
{
	return value->kind == WF_VALUE_DOUBLE ? value->real : (double)wide(value, type);
}

static int compare_texts(const struct wf_value *a, const struct wf_value *b)
{
	uint32_t shorter = a->count < b->count ? a->count : b->count;
	int order = memcmp(a->string, b->string, shorter);

	return order ? order : (a->count > b->count) - (a->count < b->count);
}

/* -1, 0, 1; 2 where the two have no order (absent, NaN or of different kinds). */
static int order_of(const struct wf_value *a, uint8_t a_type, const struct wf_value *b,
		    uint8_t b_type)
{
	if (a->kind == WF_VALUE_STRING && b->kind == WF_VALUE_STRING) {
		int order = compare_texts(a, b);

		return (order > 0) - (order < 0);
	}
	if (a->kind == WF_VALUE_BOOL && b->kind == WF_VALUE_BOOL)
		return a->boolean - b->boolean;
	if (a->kind == WF_VALUE_INT && b->kind == WF_VALUE_INT) {
		__int128 left = wide(a, a_type), right = wide(b, b_type);

		return (left > right) - (left < right);
	}
	if ((a->kind == WF_VALUE_INT || a->kind == WF_VALUE_DOUBLE) &&
	    (b->kind == WF_VALUE_INT || b->kind == WF_VALUE_DOUBLE)) {
		double left = as_real(a, a_type), right = as_real(b, b_type);

		return left < right ? -1 : left > right ? 1 : left == right ? 0 : 2;
	}
	return 2;
}

static struct wf_value eval_compare(const struct wf_expr *node, const struct wf_eval *data)
{
	struct wf_value left = eval(node->left, data), right = eval(node->right, data);
	int order = order_of(&left, node->left->type, &right, node->right->type);

	if (order == 2)
		return truth(false);
	switch (node->compare) {
	case WF_CMP_EQ:
		return truth(order == 0);
	case WF_CMP_NE:
		return truth(order != 0);
	case WF_CMP_LT:
		return truth(order < 0);
	case WF_CMP_LE:
		return truth(order <= 0);
	case WF_CMP_GT:
		return truth(order > 0);
	default:
		return truth(order >= 0);
	}
}

static struct wf_value eval_in_list(const struct wf_expr *node, const struct wf_eval *data)
{
	struct wf_value left = eval(node->left, data);

	for (uint32_t i = 0; i < node->value.count; i++) {
		if (order_of(&left, node->left->type, &node->value.items[i], node->right->type) ==
		    0)
			return truth(true);
	}
	return truth(false);
}

static struct wf_value eval_in_text(const struct wf_expr *node, const struct wf_eval *data)
{
	struct wf_value part = eval(node->left, data), whole = eval(node->right, data);

	if (part.kind != WF_VALUE_STRING || whole.kind != WF_VALUE_STRING)
		return truth(false);
	return truth(memmem(whole.string, whole.count, part.string, part.count) != NULL);
}

static struct wf_value eval_filter(const struct wf_expr *node, const struct wf_eval *data)
{
	struct wf_filter_call call = {.value = eval(node->left, data),
				      .type = node->left->type,
				      .args = node->args,
				      .arena = data->arena};

	return call.value.kind == WF_VALUE_NONE ? absent : node->filter->apply(&call);
}

static struct wf_value eval_coalesce(const struct wf_expr *node, const struct wf_eval *data)
{
	struct wf_value value = eval(node->left, data);

	return value.kind == WF_VALUE_NONE ? eval(node->right, data) : value;
}

static struct wf_value eval(const struct wf_expr *node, const struct wf_eval *data)
{
	switch (node->op) {
	case WF_NODE_CONST:
		return node->value;
	case WF_NODE_OPERAND:
		return node->slot < data->slot_count ? data->slots[node->slot] : absent;
	case WF_NODE_DURATION:
		return (struct wf_value){.kind = WF_VALUE_INT,
					 .integer = (int64_t)data->duration_ns};
	case WF_NODE_UNWOUND:
		return truth(data->unwound);
	case WF_NODE_FUNCTION:
		return wf_value_string(data->function, data->function ? strlen(data->function) : 0);
	case WF_NODE_FILTER:
		return eval_filter(node, data);
	case WF_NODE_COALESCE:
		return eval_coalesce(node, data);
	case WF_NODE_COMPARE:
		return eval_compare(node, data);
	case WF_NODE_IN_LIST:
		return eval_in_list(node, data);
	case WF_NODE_IN_TEXT:
		return eval_in_text(node, data);
	case WF_NODE_NOT:
		return eval_not(node, data);
	case WF_NODE_AND:
	case WF_NODE_OR:
		return eval_joined(node, data);
	default:
		return absent;
	}
}

/* Pointers are shown in hex; what does not fit OTLP's signed integers becomes a text. */
struct wf_value wf_expr_eval(const struct wf_expr *expr, const struct wf_eval *data)
{
	struct wf_value value = eval(expr, data);
	uint64_t bits = (uint64_t)value.integer;
	char *text;

	if (value.kind != WF_VALUE_INT)
		return value;
	if (expr->type == WF_TYPE_POINTER)
		text = wf_arena_printf(data->arena, "0x%" PRIx64, bits);
	else if (expr->type == WF_TYPE_UINT && bits > INT64_MAX)
		text = wf_arena_printf(data->arena, "%" PRIu64, bits);
	else
		return value;
	return wf_value_string(text, text ? strlen(text) : 0);
}

bool wf_expr_true(const struct wf_expr *expr, const struct wf_eval *data)
{
	return condition(expr, data) == 1;
}
