/* SPDX-License-Identifier: Apache-2.0 */
#include "parser.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
