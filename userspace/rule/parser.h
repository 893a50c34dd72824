/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser.h - inside the expression modules: one text being read, and what reads each part of it
 * into nodes. Not for other modules.
 */
#ifndef WF_PARSER_H
#define WF_PARSER_H

#include "expr_node.h"
#include "lexer.h"
#include "place.h"

/* Whose values a text may name. */
enum wf_speech {
	WF_SPEECH_NATIVE,
	WF_SPEECH_PYTHON,
	WF_SPEECH_EITHER, /* not known yet: only the grammar is checked */
};

/* One text being read. `err` gets what is wrong, `later` (may be NULL) the first refusal. */
struct wf_parser {
	struct wf_lexer lexer;
	struct wf_arena *arena;
	const struct wf_place *place;
	struct wf_err *err, *later;
	unsigned depth, nodes;
	enum wf_speech speech;
	bool in_item; /* inside first(...): `item` is a root */
};

void wf_parser_init(struct wf_parser *parser, struct wf_arena *arena, const struct wf_place *place,
		    size_t offset, struct wf_err *err, struct wf_err *later);
/* Fail at an offset; returns -EINVAL. */
int wf_parser_fail(struct wf_parser *parser, size_t at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Fail at the current token, which is not what `wanted` says. */
int wf_parser_unexpected(struct wf_parser *parser, const char *wanted);
/* Remember a refusal of what only Python functions have, unless this may be one. */
void wf_parser_python(struct wf_parser *parser, size_t at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Remember a refusal, at an offset. */
void wf_parser_later(struct wf_parser *parser, size_t at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Step over a token of this kind or fail with "expected WANTED". */
int wf_parser_expect(struct wf_parser *parser, int kind, const char *wanted);
int wf_parser_node(struct wf_parser *parser, enum wf_node_op op, size_t at, struct wf_expr **ret);

/* expr_parse.c: one expression, up to the token that cannot continue it. */
int wf_expr_parse(struct wf_parser *parser, struct wf_expr **ret);
/* The same, but it must be a condition and name the reason where it is not. */
int wf_expr_parse_condition(struct wf_parser *parser, struct wf_expr **ret);
/* expr_path.c: a constant, a root with its steps and type, or a parenthesis. */
int wf_expr_parse_primary(struct wf_parser *parser, struct wf_expr **ret);
/* A number (with sign), text or truth value into a CONST node. */
int wf_expr_parse_constant(struct wf_parser *parser, struct wf_expr **ret);
/* filter_parse.c: what stands after '|'. */
int wf_expr_parse_filter(struct wf_parser *parser, struct wf_expr **expr);

/*
 * expr_python.c: a value of a Python function with its steps. number: of argN, else 0. A filter
 * that the agent applies is folded into its value: *ret_folded.
 */
int wf_python_parse(struct wf_parser *parser, struct wf_expr *node, int number, bool *ret_found);
int wf_python_fold(struct wf_parser *parser, struct wf_expr *node, bool *ret_folded);
/* A condition as the tests of the agent's request: a Python list without its brackets. */
int wf_python_tests(struct wf_parser *parser, const struct wf_expr *node, const char **ret,
		    bool *ret_any);

#endif
