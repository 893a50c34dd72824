/* SPDX-License-Identifier: Apache-2.0 */
#include "parser.h"

#include <errno.h>

#include "operand.h"

#define PROBE_ARGUMENTS_MAX 12 /* as many as a note can have */

static int check_site(struct wf_parser *parser, const struct wf_expr *node,
		      const struct wf_binding *binding)
{
	const struct wf_operand *operand = &node->operand;
	bool usdt = operand->at_close ? binding->close_usdt : binding->usdt;

	if (operand->at_close && binding->shape != WF_BIND_PAIR)
		return wf_parser_fail(parser, node->at,
				      "only a pair of open and close has 'close.'");
	if (operand->origin == WF_FROM_RETURN && binding->shape == WF_BIND_PAIR)
		return wf_parser_fail(parser, node->at,
				      "a pair has no return value; what the closing site knows is "
				      "close.arg1 ...");
	if (operand->origin == WF_FROM_RETURN && binding->shape == WF_BIND_POINT)
		return wf_parser_fail(parser, node->at,
				      "an event is taken at entry, where there is no return value");
	if (usdt && operand->origin == WF_FROM_ARG && operand->number == 0)
		return wf_parser_fail(parser, node->at, "a static probe has no 'self'");
	if (usdt && operand->number > PROBE_ARGUMENTS_MAX)
		return wf_parser_fail(parser, node->at, "a static probe has at most %d arguments",
				      PROBE_ARGUMENTS_MAX);
	return 0;
}

int wf_operand_check(struct wf_parser *parser, const struct wf_expr *node,
		     const struct wf_binding *binding)
{
	const struct wf_operand *operand = &node->operand;
	bool usdt = operand->at_close ? binding->close_usdt : binding->usdt;
	char root[WF_OPERAND_TEXT_BYTES];
	int rc = check_site(parser, node, binding);

	if (rc < 0)
		return rc;
	wf_operand_root(operand, root);
	if (!operand->type)
		return wf_parser_fail(parser, node->at,
				      "'%s' has no type, and types are never guessed; write %s:i32 "
				      "(i8 ... u64, bool, ptr, f64, str, chars, string)",
				      root, root);
	if (wf_type_of_source(operand->type) != WF_TYPE_REAL || operand->steps > 0 || usdt)
		return 0;
	if (operand->origin == WF_FROM_RETURN)
		return wf_parser_fail(parser, node->at,
				      "return:%s comes back in a vector register, which the kernel "
				      "does not show a tracer",
				      operand->type == WF_SRC_F32 ? "f32" : "f64");
	return wf_parser_fail(
		parser, node->at,
		"%s:%s is passed in a vector register, which the kernel does not show "
		"a tracer; read it through a pointer (arg1->16:%s)",
		root, operand->type == WF_SRC_F32 ? "f32" : "f64",
		operand->type == WF_SRC_F32 ? "f32" : "f64");
}

static int bind_operand(struct wf_parser *parser, struct wf_expr *node, struct wf_binding *binding)
{
	int rc = node->operand.origin == WF_FROM_PYTHON ? 0
							: wf_operand_check(parser, node, binding);

	if (rc < 0)
		return rc;
	for (uint8_t i = 0; i < binding->count; i++) {
		if (wf_operand_same(&binding->operands[i], &node->operand) &&
		    binding->operands[i].max_bytes == node->operand.max_bytes) {
			node->slot = i;
			return 0;
		}
	}
	if (binding->count == binding->max)
		return wf_parser_fail(parser, node->at, "a rule captures at most %d values",
				      binding->max);
	node->slot = binding->count;
	binding->operands[binding->count++] = node->operand;
	return 0;
}

int wf_expr_bind(struct wf_parser *parser, struct wf_expr *node, struct wf_binding *binding)
{
	int rc = 0;

	if (node->op == WF_NODE_OPERAND)
		return bind_operand(parser, node, binding);
	if (node->left)
		rc = wf_expr_bind(parser, node->left, binding);
	if (rc == 0 && node->right && node->op != WF_NODE_IN_LIST)
		rc = wf_expr_bind(parser, node->right, binding);
	return rc;
}
