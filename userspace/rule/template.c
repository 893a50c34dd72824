/* SPDX-License-Identifier: Apache-2.0 */
#include "template.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/base/str.h"

#define PARTS_MAX      32
#define NAME_BYTES_MAX 255
#define PART_BYTES_MAX 120 /* of one value in a name */

struct part {
	const char *text; /* NULL: expr */
	size_t len;
	struct wf_expr *expr;
};

struct wf_template {
	struct part parts[PARTS_MAX];
	uint32_t count;
};

/* How a value of this type gets few values. */
static const char *cure(uint8_t type)
{
	switch (type) {
	case WF_TYPE_DURATION:
		return "or |ms|bucket(...)";
	case WF_TYPE_REAL:
		return "or |bucket(...)";
	case WF_TYPE_POINTER:
		return "instead";
	default:
		return "or |map({...}) or |bucket(...)";
	}
}

/* A name has few values: texts and truth values, but nothing that is new at every call. */
static int check_part(struct wf_parser *parser, const struct wf_expr *node)
{
	const struct wf_expr *last = node;

	while (last->op == WF_NODE_COALESCE)
		last = last->left;
	if (last->op == WF_NODE_FILTER && last->filter->many)
		return wf_parser_fail(parser, last->at,
				      "a name has few values, and |%s makes many; use an attribute",
				      last->filter->name);
	if (node->type == WF_TYPE_STRING || node->type == WF_TYPE_BOOL || node->type == WF_TYPE_ANY)
		return 0;
	return wf_parser_fail(parser, node->at,
			      "a name has few values, and %s may have many; use an attribute %s",
			      wf_type_name(node->type), cure(node->type));
}

static int add_part(struct wf_parser *parser, struct wf_template *name, size_t at, struct part part)
{
	if (name->count == PARTS_MAX)
		return wf_parser_fail(parser, at, "a name has at most %d parts", PARTS_MAX);
	name->parts[name->count++] = part;
	return 0;
}

/* {EXPR} at an offset; moves it behind the closing brace. */
static int parse_part(struct wf_parser *parser, struct wf_template *name, size_t *at)
{
	struct part part = {0};
	size_t start = *at;
	int rc;

	wf_lexer_init(&parser->lexer, parser->arena, parser->place->text, start + 1);
	if (parser->lexer.token.kind == '}')
		return wf_parser_fail(parser, start, "{} is empty; write {function} or {{}}");
	rc = wf_expr_parse(parser, &part.expr);
	if (rc < 0)
		return rc;
	if (parser->lexer.token.kind != '}')
		return wf_parser_unexpected(parser, "'}'");
	*at = parser->lexer.token.end;
	rc = check_part(parser, part.expr);
	return rc < 0 ? rc : add_part(parser, name, start, part);
}

/* Plain text up to the next brace, with {{ and }} for one brace. */
static int parse_text(struct wf_parser *parser, struct wf_template *name, size_t *at)
{
	const char *text = parser->place->text;
	size_t start = *at, len = strcspn(text + start, "{}");
	struct part part = {0};

	if (len == 0) {
		if (text[start + 1] != text[start])
			return wf_parser_fail(parser, start,
					      "a single '}'; write '}}' for one brace");
		len = 1;
		*at = start + 2;
	} else {
		*at = start + len;
	}
	part.text = wf_arena_strndup(parser->arena, text + start, len);
	part.len = len;
	if (!part.text)
		return wf_place_err(parser->place, start, parser->err, ENOMEM, "out of memory");
	return add_part(parser, name, start, part);
}

int wf_template_parse(struct wf_parser *parser, struct wf_template **ret)
{
	const char *text = parser->place->text;
	struct wf_template *name = wf_arena_alloc(parser->arena, sizeof(*name));
	size_t at = 0;
	int rc = 0;

	if (!name)
		return wf_place_err(parser->place, 0, parser->err, ENOMEM, "out of memory");
	if (!*text)
		return wf_parser_fail(parser, 0, "the name is empty");
	if (strlen(text) > NAME_BYTES_MAX)
		return wf_parser_fail(parser, 0, "a name has at most %d bytes", NAME_BYTES_MAX);
	while (rc == 0 && text[at]) {
		if (text[at] == '{' && text[at + 1] != '{')
			rc = parse_part(parser, name, &at);
		else
			rc = parse_text(parser, name, &at);
	}
	*ret = name;
	return rc;
}

struct wf_template *wf_template_fixed(struct wf_arena *arena, const char *text)
{
	struct wf_template *name = wf_arena_alloc(arena, sizeof(*name));

	if (name) {
		name->parts[0].text = text;
		name->parts[0].len = strlen(text);
		name->count = 1;
	}
	return name;
}

int wf_template_bind(struct wf_parser *parser, struct wf_template *name, struct wf_binding *binding)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < name->count; i++) {
		if (name->parts[i].expr)
			rc = wf_expr_bind(parser, name->parts[i].expr, binding);
	}
	return rc;
}

struct name_buf {
	char data[NAME_BYTES_MAX + 1];
	size_t len;
};

/* Append what fits, as one line. */
static void append(struct name_buf *out, const char *text, size_t len, size_t max)
{
	size_t room = NAME_BYTES_MAX - out->len;

	len = wf_utf8_truncate(text, len, max < room ? max : room);
	for (size_t i = 0; i < len; i++)
		out->data[out->len++] = (unsigned char)text[i] < ' ' ? ' ' : text[i];
}

static bool append_value(struct name_buf *out, const struct wf_expr *expr,
			 const struct wf_eval *eval)
{
	struct wf_value value = wf_expr_eval(expr, eval);

	if (value.kind == WF_VALUE_STRING)
		append(out, value.string, value.count, PART_BYTES_MAX);
	else if (value.kind == WF_VALUE_BOOL)
		append(out, value.boolean ? "true" : "false", value.boolean ? 4 : 5,
		       PART_BYTES_MAX);
	else
		return false;
	return true;
}

const char *wf_template_eval(const struct wf_template *name, const struct wf_eval *eval)
{
	const char *function = eval->function ? eval->function : "";
	struct name_buf out = {.len = 0};
	const char *copy;

	if (name->count == 1 && name->parts[0].text)
		return name->parts[0].text;
	for (uint32_t i = 0; i < name->count; i++) {
		const struct part *part = &name->parts[i];

		if (part->text)
			append(&out, part->text, part->len, NAME_BYTES_MAX);
		else if (!append_value(&out, part->expr, eval))
			return function;
	}
	copy = wf_arena_strndup(eval->arena, out.data, out.len);
	return copy && out.len > 0 ? copy : function;
}
