/* SPDX-License-Identifier: Apache-2.0 */
#include "parser.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "operand.h"

#define STRING_BYTES_DEFAULT 256
#define ARGUMENTS_MAX        32

/* Roots that only a later version reads. */
static const char *const later_roots[] = {"arg",    "args", "kwargs", "exception",       "local",
					  "caller", "cell", "parent", "any_child_error", "item"};
/* Functions of a value that only a later version knows. */
static const char *const later_functions[] = {"type", "id"};

static bool listed(const struct wf_lexer *lexer, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (wf_lexer_is_word(lexer, words[i]))
			return true;
	}
	return false;
}

#define LISTED(lexer, words) listed(lexer, words, sizeof(words) / sizeof((words)[0]))

static int parse_number(struct wf_parser *parser, struct wf_expr *node)
{
	struct wf_lexer *lexer = &parser->lexer;
	bool negative = lexer->token.kind == '-';

	if (negative)
		wf_lexer_next(lexer);
	if (lexer->token.kind == WF_TOK_REAL) {
		node->type = WF_TYPE_REAL;
		node->value.kind = WF_VALUE_DOUBLE;
		node->value.real = negative ? -lexer->token.real : lexer->token.real;
	} else if (lexer->token.kind == WF_TOK_INTEGER) {
		if (negative && lexer->token.big)
			return wf_parser_fail(parser, node->at, "this number does not fit 64 bits");
		node->type = lexer->token.big ? WF_TYPE_UINT : WF_TYPE_INT;
		node->value.kind = WF_VALUE_INT;
		node->value.integer = negative ? -lexer->token.integer : lexer->token.integer;
	} else if (lexer->token.kind == WF_TOK_DURATION && !negative) {
		node->type = WF_TYPE_DURATION;
		node->value.kind = WF_VALUE_INT;
		node->value.integer = lexer->token.integer;
	} else {
		return wf_parser_unexpected(parser, "a number");
	}
	wf_lexer_next(lexer);
	return 0;
}

int wf_expr_parse_constant(struct wf_parser *parser, struct wf_expr **ret)
{
	struct wf_lexer *lexer = &parser->lexer;
	int rc = wf_parser_node(parser, WF_NODE_CONST, lexer->token.start, ret);

	if (rc < 0)
		return rc;
	switch (lexer->token.kind) {
	case '-':
	case WF_TOK_INTEGER:
	case WF_TOK_REAL:
	case WF_TOK_DURATION:
		return parse_number(parser, *ret);
	case WF_TOK_STRING:
		(*ret)->type = WF_TYPE_STRING;
		(*ret)->value = wf_value_string(lexer->token.string, lexer->token.len);
		break;
	default:
		if (!wf_lexer_is_word(lexer, "true") && !wf_lexer_is_word(lexer, "false"))
			return wf_parser_unexpected(parser, "a number, 'text', true or false");
		(*ret)->type = WF_TYPE_BOOL;
		(*ret)->value.kind = WF_VALUE_BOOL;
		(*ret)->value.boolean = wf_lexer_is_word(lexer, "true");
	}
	wf_lexer_next(lexer);
	return 0;
}

/* [N] behind a text type: how many bytes are kept. */
static int parse_cap(struct wf_parser *parser, struct wf_operand *operand)
{
	const struct wf_token *token = &parser->lexer.token;
	int rc;

	if (wf_type_of_source(operand->type) != WF_TYPE_STRING)
		return wf_parser_fail(parser, token->start,
				      "only str, chars and string have a length");
	wf_lexer_next(&parser->lexer);
	if (token->kind != WF_TOK_INTEGER)
		return wf_parser_unexpected(parser, "a number of bytes");
	if (token->big || token->integer < 1 || token->integer > WF_CAPTURE_BYTES_MAX)
		return wf_parser_fail(parser, token->start, "a text has 1 to %d bytes",
				      WF_CAPTURE_BYTES_MAX);
	operand->max_bytes = (uint16_t)token->integer;
	wf_lexer_next(&parser->lexer);
	rc = wf_parser_expect(parser, ']', "']'");
	return rc;
}

static int parse_type(struct wf_parser *parser, struct wf_operand *operand)
{
	struct wf_lexer *lexer = &parser->lexer;

	wf_lexer_next(lexer);
	if (lexer->token.kind != WF_TOK_WORD)
		return wf_parser_unexpected(parser, "a type (i32, u64, bool, ptr, f64, str ...)");
	operand->type = wf_operand_type(lexer->text + lexer->token.start,
					lexer->token.end - lexer->token.start);
	if (!operand->type)
		return wf_parser_fail(parser, lexer->token.start,
				      "unknown type '%s'; types are i8 i16 i32 i64 u8 u16 u32 u64 "
				      "bool ptr f32 f64 str chars string",
				      wf_lexer_text(lexer));
	wf_lexer_next(lexer);
	if (wf_type_of_source(operand->type) == WF_TYPE_STRING)
		operand->max_bytes = STRING_BYTES_DEFAULT;
	return lexer->token.kind == '[' ? parse_cap(parser, operand) : 0;
}

/* -> OFFSET, or -> NAME of a later version. */
static int parse_arrow(struct wf_parser *parser, struct wf_expr *node)
{
	struct wf_lexer *lexer = &parser->lexer;
	struct wf_operand *operand = &node->operand;
	bool negative;
	int64_t offset;

	wf_lexer_next(lexer);
	if (lexer->token.kind == WF_TOK_WORD) {
		wf_parser_later(parser, lexer->token.start,
				"members by name (->%s) are not read by this version; write the "
				"offset: arg1->24:str",
				wf_lexer_text(lexer));
		node->op = WF_NODE_LATER;
		wf_lexer_next(lexer);
		return 0;
	}
	negative = lexer->token.kind == '-';
	if (negative)
		wf_lexer_next(lexer);
	if (lexer->token.kind != WF_TOK_INTEGER)
		return wf_parser_unexpected(parser, "an offset in bytes");
	offset = lexer->token.integer;
	if (lexer->token.big || offset > INT32_MAX)
		return wf_parser_fail(parser, lexer->token.start, "this offset is too large");
	if (operand->steps == WF_STEPS_MAX)
		return wf_parser_fail(parser, lexer->token.start,
				      "at most %d pointers are followed for one value",
				      WF_STEPS_MAX);
	operand->offset[operand->steps++] = (int32_t)(negative ? -offset : offset);
	wf_lexer_next(lexer);
	return 0;
}

/* [2], ['key'], [*] or [EXPR]. */
static int parse_index(struct wf_parser *parser, struct wf_expr *node)
{
	size_t at = parser->lexer.token.start;
	struct wf_expr *index;
	int rc = 0;

	wf_lexer_next(&parser->lexer);
	if (parser->lexer.text[at + 1] == '*') {
		wf_lexer_init(&parser->lexer, parser->arena, parser->lexer.text, at + 2);
	} else {
		rc = wf_expr_parse(parser, &index);
	}
	if (rc == 0)
		rc = wf_parser_expect(parser, ']', "']'");
	wf_parser_python(parser, at, "items ([...]) are not read by this version");
	node->op = WF_NODE_LATER;
	return rc;
}

static int parse_member(struct wf_parser *parser, struct wf_expr *node)
{
	struct wf_lexer *lexer = &parser->lexer;

	wf_lexer_next(lexer);
	if (lexer->token.kind != WF_TOK_WORD)
		return wf_parser_unexpected(parser, "a name after '.'");
	wf_parser_python(parser, lexer->token.start,
			 "members by name (.%s) are not read by this version; write the offset: "
			 "arg1->24:str",
			 wf_lexer_text(lexer));
	node->op = WF_NODE_LATER;
	wf_lexer_next(lexer);
	return 0;
}

static int parse_steps(struct wf_parser *parser, struct wf_expr *node)
{
	struct wf_lexer *lexer = &parser->lexer;
	int rc = 0;

	while (rc == 0) {
		if (lexer->token.kind == WF_TOK_ARROW) {
			rc = parse_arrow(parser, node);
		} else if (lexer->token.kind == '.') {
			rc = parse_member(parser, node);
		} else if (lexer->token.kind == '[') {
			rc = parse_index(parser, node);
		} else if (lexer->token.kind == '!') {
			wf_parser_python(parser, lexer->token.start,
					 "properties and calls (!) are not read by this version");
			node->op = WF_NODE_LATER;
			wf_lexer_next(lexer);
		} else {
			break;
		}
	}
	if (rc == 0 && lexer->token.kind == ':')
		rc = parse_type(parser, &node->operand);
	if (rc == 0 && node->op == WF_NODE_OPERAND)
		node->type = wf_type_of_source(node->operand.type);
	return rc;
}

/* arg1 ... argN; 0 where the word is something else, -1 where the number is out of range. */
static int argument_number(const struct wf_lexer *lexer)
{
	const char *digits = lexer->text + lexer->token.start + 3;
	size_t count = lexer->token.end - lexer->token.start;
	int number = 0;

	if (count < 4 || strncmp(digits - 3, "arg", 3) != 0)
		return 0;
	for (size_t i = 0; i < count - 3; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return 0;
		number = number > ARGUMENTS_MAX ? number : number * 10 + digits[i] - '0';
	}
	return number < 1 || number > ARGUMENTS_MAX ? -1 : number;
}

/* The root of a native path: self, argN, return, close.argN. False = it is none. */
static int parse_native_root(struct wf_parser *parser, struct wf_expr *node, bool *ret_found)
{
	struct wf_lexer *lexer = &parser->lexer;
	struct wf_operand *operand = &node->operand;
	size_t at = lexer->token.start;
	int number;

	*ret_found = true;
	operand->origin = WF_FROM_ARG;
	if (wf_lexer_is_word(lexer, "close") && lexer->text[lexer->token.end] == '.') {
		wf_lexer_next(lexer);
		wf_lexer_next(lexer);
		operand->at_close = true;
		if (lexer->token.kind != WF_TOK_WORD || !argument_number(lexer))
			return wf_parser_unexpected(parser,
						    "an argument after 'close.' (close.arg1:i32)");
	}
	number = argument_number(lexer);
	if (number < 0)
		return wf_parser_fail(parser, at, "arguments are arg1 to arg%d", ARGUMENTS_MAX);
	if (number > 0)
		operand->number = (uint8_t)number;
	else if (wf_lexer_is_word(lexer, "return"))
		operand->origin = WF_FROM_RETURN;
	else if (!wf_lexer_is_word(lexer, "self"))
		*ret_found = false;
	if (*ret_found)
		wf_lexer_next(lexer);
	return 0;
}

static int parse_later_function(struct wf_parser *parser, struct wf_expr *node)
{
	const char *name = wf_lexer_text(&parser->lexer);
	struct wf_expr *value;
	int rc;

	wf_parser_python(parser, node->at, "%s() reads Python objects, which this version does not",
			 name);
	wf_lexer_next(&parser->lexer);
	rc = wf_parser_expect(parser, '(', "'('");
	if (rc == 0)
		rc = wf_expr_parse(parser, &value);
	if (rc == 0)
		rc = wf_parser_expect(parser, ')', "')'");
	node->op = WF_NODE_LATER;
	return rc;
}

static int unknown_word(struct wf_parser *parser)
{
	static const char *const words[] = {
		"self",  "arg1",   "arg2", "return",  "duration",  "function", "true",
		"false", "arg",    "args", "kwargs",  "exception", "local",    "caller",
		"cell",  "parent", "not",  "unwound", NULL};
	const char *word = wf_lexer_text(&parser->lexer);
	const char *near = wf_nearest_word(word ? word : "", words);

	if (near)
		return wf_parser_fail(parser, parser->lexer.token.start,
				      "unknown value '%s'; did you mean '%s'?", word, near);
	return wf_parser_fail(parser, parser->lexer.token.start,
			      "unknown value '%s'; a fixed text is written with quotes inside: "
			      "\"'%s'\"",
			      word, word);
}

/* What no version reads yet, and what native functions do not have. */
static void refuse_root(struct wf_parser *parser, struct wf_expr *node)
{
	struct wf_lexer *lexer = &parser->lexer;

	if (wf_lexer_is_word(lexer, "parent") || wf_lexer_is_word(lexer, "any_child_error"))
		wf_parser_later(parser, node->at, "'%s' is not read by this version",
				wf_lexer_text(lexer));
	else
		wf_parser_python(parser, node->at, "'%s' is not read by this version%s",
				 wf_lexer_text(lexer),
				 wf_lexer_is_word(lexer, "arg") ? "; count the arguments: arg1:i32"
								: "");
	node->op = WF_NODE_LATER;
	wf_lexer_next(lexer);
}

/* What the collector knows of a call without a value of the target. */
static bool parse_fact(struct wf_lexer *lexer, struct wf_expr *node)
{
	static const struct {
		const char *word;
		uint8_t op, type;
	} facts[] = {{"duration", WF_NODE_DURATION, WF_TYPE_DURATION},
		     {"function", WF_NODE_FUNCTION, WF_TYPE_STRING},
		     {"unwound", WF_NODE_UNWOUND, WF_TYPE_BOOL}};

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		if (!wf_lexer_is_word(lexer, facts[i].word))
			continue;
		node->op = facts[i].op;
		node->type = facts[i].type;
		wf_lexer_next(lexer);
		return true;
	}
	return false;
}

static int parse_root(struct wf_parser *parser, struct wf_expr *node)
{
	struct wf_lexer *lexer = &parser->lexer;
	bool native;
	int rc;

	if (parse_fact(lexer, node))
		return 0;
	if (parser->speech == WF_SPEECH_PYTHON) {
		rc = wf_python_parse(parser, node, argument_number(lexer), &native);
		if (rc < 0 || native)
			return rc;
	}
	if (LISTED(lexer, later_functions) && lexer->text[lexer->token.end] == '(') {
		rc = parse_later_function(parser, node);
		return rc < 0 ? rc : parse_steps(parser, node);
	}
	rc = parse_native_root(parser, node, &native);
	if (rc < 0)
		return rc;
	if (!native && !LISTED(lexer, later_roots))
		return unknown_word(parser);
	if (!native)
		refuse_root(parser, node);
	return parse_steps(parser, node);
}

int wf_expr_parse_primary(struct wf_parser *parser, struct wf_expr **ret)
{
	struct wf_lexer *lexer = &parser->lexer;
	int rc;

	if (lexer->token.kind == '(') {
		wf_lexer_next(lexer);
		rc = wf_expr_parse(parser, ret);
		return rc < 0 ? rc : wf_parser_expect(parser, ')', "')'");
	}
	if (lexer->token.kind != WF_TOK_WORD || wf_lexer_is_word(lexer, "true") ||
	    wf_lexer_is_word(lexer, "false")) {
		if (lexer->token.kind == WF_TOK_END || lexer->token.kind == ')')
			return wf_parser_unexpected(parser, "a value");
		return wf_expr_parse_constant(parser, ret);
	}
	rc = wf_parser_node(parser, WF_NODE_OPERAND, lexer->token.start, ret);
	return rc < 0 ? rc : parse_root(parser, *ret);
}
