/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expr_node.h - inside the expression modules: nodes and their types. Not for other modules.
 *
 * A text is parsed into nodes with static types (parser.h, expr_type), bound to a rule (expr_bind:
 * operands become slots), then only read (expr_eval, guard). WF_TYPE_ANY is the type of what a
 * later version reads: it fits everywhere, so that the rest of the text is still checked.
 */
#ifndef WF_EXPR_NODE_H
#define WF_EXPR_NODE_H

#include "expr.h"
#include "filter.h"
#include "where.h"

enum wf_node_op {
	WF_NODE_LATER, /* refused by name */
	WF_NODE_CONST,
	WF_NODE_OPERAND, /* bound: reads a slot */
	WF_NODE_DURATION,
	WF_NODE_FUNCTION,
	WF_NODE_UNWOUND,
	WF_NODE_FILTER,
	WF_NODE_COALESCE,
	WF_NODE_COMPARE,
	WF_NODE_IN_LIST, /* value: an array of constants */
	WF_NODE_IN_TEXT,
	WF_NODE_NOT,
	WF_NODE_AND,
	WF_NODE_OR,
};

struct wf_expr {
	uint8_t op;      /* enum wf_node_op */
	uint8_t type;    /* enum wf_type */
	uint8_t compare; /* COMPARE: enum wf_compare */
	uint8_t slot;    /* OPERAND, once bound */
	uint32_t at;     /* offset in the text, for messages */
	struct wf_expr *left, *right;
	struct wf_value value;             /* CONST, IN_LIST */
	struct wf_operand operand;         /* OPERAND; type 0 = none was written */
	const struct wf_filter *filter;    /* FILTER */
	const struct wf_filter_args *args; /* FILTER */
};

struct wf_parser; /* parser.h */

/* expr_type.c */
const char *wf_type_name(uint8_t type); /* "an integer" */
uint8_t wf_type_of_source(uint8_t source_type);
int wf_expr_check_compare(struct wf_parser *parser, const struct wf_expr *node);
int wf_expr_check_list(struct wf_parser *parser, const struct wf_expr *node);
int wf_expr_check_condition(struct wf_parser *parser, const struct wf_expr *node);
int wf_expr_check_coalesce(struct wf_parser *parser, struct wf_expr *node);
/* As an attribute's value: everything but a bare duration. */
int wf_expr_check_attribute(struct wf_parser *parser, const struct wf_expr *node);

/* What a bound expression may use, and where its operands go. */
struct wf_binding {
	enum { WF_BIND_CALL, WF_BIND_PAIR, WF_BIND_POINT } shape;
	bool usdt, close_usdt;       /* arguments come from notes, not from registers */
	bool closing;                /* the closing site's own: arg1 and close.arg1 are the same */
	struct wf_operand *operands; /* `max` of them */
	uint8_t count, max;
};

/* expr_bind.c: give every operand its slot. Fails where the rule cannot have the value. */
int wf_expr_bind(struct wf_parser *parser, struct wf_expr *node, struct wf_binding *binding);
/* One operand of an entry compare: the same checks, no slot. */
int wf_operand_check(struct wf_parser *parser, const struct wf_expr *node,
		     const struct wf_binding *binding);

/* guard.c: a bound condition as compares for the kernel; guards has room for WF_GUARDS_MAX. */
int wf_guard_compile(struct wf_parser *parser, const struct wf_expr *node,
		     const struct wf_binding *binding, struct wf_rule_guard *guards,
		     uint8_t *ret_count, bool *ret_any);

#endif
