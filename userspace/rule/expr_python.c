/* SPDX-License-Identifier: Apache-2.0 */
/* Values of Python functions: paths, and the tests of `when`, as the agent's request has them. */
#include "parser.h"

#include <errno.h>
#include <string.h>

#include "literal.h"

#define STEPS_MAX 16

static int no_memory(struct wf_parser *parser)
{
	return wf_place_err(parser->place, 0, parser->err, ENOMEM,
			    "out of memory, or the rules are too large");
}

/* One more step, which is a Python list without its brackets: 'attr', 'name'. */
static int add_step(struct wf_parser *parser, struct wf_operand *operand, const char *step)
{
	bool first = !operand->path || !*operand->path;

	if (!step)
		return no_memory(parser);
	if (operand->steps == STEPS_MAX)
		return wf_parser_fail(parser, parser->lexer.token.start,
				      "a value has at most %d steps", STEPS_MAX);
	operand->steps++;
	operand->path = first ? wf_arena_printf(parser->arena, "[%s]", step)
			      : wf_arena_printf(parser->arena, "%s, [%s]", operand->path, step);
	return operand->path ? 0 : no_memory(parser);
}

static int add_text_step(struct wf_parser *parser, struct wf_operand *operand, const char *step,
			 const char *text, size_t len)
{
	const char *quoted = wf_literal_text(parser->arena, text, len);

	if (!quoted)
		return no_memory(parser);
	return add_step(parser, operand, wf_arena_printf(parser->arena, "'%s', %s", step, quoted));
}

/* .NAME behind a root or a value. */
static int parse_name(struct wf_parser *parser, struct wf_operand *operand, const char *step)
{
	struct wf_lexer *lexer = &parser->lexer;
	int rc;

	if (lexer->token.kind != '.')
		return wf_parser_unexpected(parser, "'.' and a name");
	wf_lexer_next(lexer);
	if (lexer->token.kind != WF_TOK_WORD)
		return wf_parser_unexpected(parser, "a name after '.'");
	/* a property may run code of the target: only where '!' says so */
	if (strcmp(step, "attr") == 0 && lexer->text[lexer->token.end] == '!' &&
	    lexer->text[lexer->token.end + 1] != '=')
		step = "attr!";
	rc = add_text_step(parser, operand, step, lexer->text + lexer->token.start,
			   lexer->token.end - lexer->token.start);
	wf_lexer_next(lexer);
	if (rc == 0 && strcmp(step, "attr!") == 0)
		wf_lexer_next(lexer);
	return rc;
}

/* [2], ['key'] or [*]. */
static int parse_index(struct wf_parser *parser, struct wf_operand *operand)
{
	struct wf_lexer *lexer = &parser->lexer;
	size_t at = lexer->token.start;
	struct wf_expr *index;
	int rc;

	if (lexer->text[at + 1] == '*') {
		wf_lexer_init(lexer, parser->arena, lexer->text, at + 2);
		rc = add_step(parser, operand, "'each'");
		return rc < 0 ? rc : wf_parser_expect(parser, ']', "']'");
	}
	wf_lexer_next(lexer);
	if (lexer->token.kind == WF_TOK_WORD)
		return wf_parser_fail(parser, lexer->token.start,
				      "an item is named by a number, a 'text' or *");
	rc = wf_expr_parse_constant(parser, &index);
	if (rc < 0)
		return rc;
	if (index->type == WF_TYPE_STRING)
		rc = add_text_step(parser, operand, "item", index->value.string,
				   index->value.count);
	else if (index->type == WF_TYPE_INT)
		rc = add_step(parser, operand,
			      wf_arena_printf(parser->arena, "'item', %lld",
					      (long long)index->value.integer));
	else
		rc = wf_parser_fail(parser, index->at,
				    "an item is named by a number, a 'text' or *");
	return rc < 0 ? rc : wf_parser_expect(parser, ']', "']'");
}

static int parse_steps(struct wf_parser *parser, struct wf_operand *operand)
{
	struct wf_lexer *lexer = &parser->lexer;
	int rc = 0;

	while (rc == 0) {
		if (lexer->token.kind == '.') {
			rc = parse_name(parser, operand, "attr");
		} else if (lexer->token.kind == '[') {
			rc = parse_index(parser, operand);
		} else if (lexer->token.kind == '!') {
			rc = add_step(parser, operand, "'call!'");
			wf_lexer_next(lexer);
		} else {
			break;
		}
	}
	if (rc == 0 && lexer->token.kind == WF_TOK_ARROW)
		return wf_parser_fail(parser, lexer->token.start,
				      "'->' is for native functions; a Python value has .name and "
				      "['key']");
	if (rc == 0 && lexer->token.kind == ':')
		return wf_parser_fail(parser, lexer->token.start,
				      "a Python value has a type of its own; leave ':' out");
	return rc;
}

/* type(x): a step behind the value. */
static int parse_call(struct wf_parser *parser, struct wf_expr *node, const char *step)
{
	size_t at = parser->lexer.token.start;
	struct wf_expr *value;
	int rc;

	wf_lexer_next(&parser->lexer);
	rc = wf_parser_expect(parser, '(', "'('");
	if (rc == 0)
		rc = wf_expr_parse(parser, &value);
	if (rc == 0 && value->op != WF_NODE_OPERAND)
		return wf_parser_fail(parser, at, "%s() takes a value of the function", step);
	if (rc == 0) {
		node->operand = value->operand;
		rc = add_step(parser, &node->operand, wf_arena_printf(parser->arena, "'%s'", step));
	}
	return rc < 0 ? rc : wf_parser_expect(parser, ')', "')'");
}

enum root_shape { ROOT_ALONE, ROOT_NAMED, ROOT_CALL };

static const struct root {
	const char *word;
	enum root_shape shape;
	bool at_exit;
} roots[] = {
	{"self", ROOT_ALONE, false},     {"args", ROOT_ALONE, false},
	{"kwargs", ROOT_ALONE, false},   {"return", ROOT_ALONE, true},
	{"exception", ROOT_ALONE, true}, {"arg", ROOT_NAMED, false},
	{"local", ROOT_NAMED, true},     {"caller", ROOT_NAMED, false},
	{"cell", ROOT_NAMED, false},     {"type", ROOT_CALL, false},
	{"id", ROOT_CALL, false},
};

static const struct root *find_root(const struct wf_lexer *lexer)
{
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
		if (wf_lexer_is_word(lexer, roots[i].word) &&
		    (roots[i].shape != ROOT_CALL || lexer->text[lexer->token.end] == '('))
			return &roots[i];
	return NULL;
}

static int parse_position(struct wf_parser *parser, struct wf_expr *node, int number)
{
	int rc;

	if (number < 0)
		return wf_parser_fail(parser, node->at, "arguments are arg1 to arg32");
	rc = add_step(parser, &node->operand,
		      wf_arena_printf(parser->arena, "'argument', %d", number));
	wf_lexer_next(&parser->lexer);
	return rc;
}

int wf_python_parse(struct wf_parser *parser, struct wf_expr *node, int number, bool *ret_found)
{
	struct wf_lexer *lexer = &parser->lexer;
	const struct root *root = find_root(lexer);
	int rc = 0;

	*ret_found = true;
	node->operand.origin = WF_FROM_PYTHON;
	node->operand.path = "";
	if (number) {
		rc = parse_position(parser, node, number);
	} else if (parser->in_item && wf_lexer_is_word(lexer, "item")) {
		wf_lexer_next(lexer);
	} else if (!root) {
		*ret_found = false;
		return 0;
	} else if (root->shape == ROOT_CALL) {
		rc = parse_call(parser, node, root->word);
	} else {
		node->operand.at_close = root->at_exit;
		wf_lexer_next(lexer);
		rc = root->shape == ROOT_NAMED
			     ? parse_name(parser, &node->operand, root->word)
			     : add_step(parser, &node->operand,
					wf_arena_printf(parser->arena, "'%s'", root->word));
	}
	return rc < 0 ? rc : parse_steps(parser, &node->operand);
}

static const char *const compare_signs[] = {
	[WF_CMP_EQ] = "==", [WF_CMP_NE] = "!=", [WF_CMP_LT] = "<",
	[WF_CMP_LE] = "<=", [WF_CMP_GT] = ">",  [WF_CMP_GE] = ">=",
};

/* first(item.name == 'x') */
static int parse_first(struct wf_parser *parser, struct wf_operand *operand)
{
	size_t at = parser->lexer.token.start;
	struct wf_expr *cond;
	const char *constant;
	int rc;

	parser->in_item = true;
	rc = wf_parser_expect(parser, '(', "'(' and a condition (first(item.name == 'x'))");
	if (rc == 0)
		rc = wf_expr_parse(parser, &cond);
	parser->in_item = false;
	if (rc < 0)
		return rc;
	if (cond->op != WF_NODE_COMPARE || cond->left->op != WF_NODE_OPERAND ||
	    cond->right->op != WF_NODE_CONST)
		return wf_parser_fail(parser, at,
				      "first() compares a value of `item` with a constant");
	constant = wf_literal_value(parser->arena, &cond->right->value);
	if (!constant)
		return no_memory(parser);
	rc = add_step(parser, operand,
		      wf_arena_printf(parser->arena, "'first', [%s], '%s', %s",
				      cond->left->operand.path, compare_signs[cond->compare],
				      constant));
	return rc < 0 ? rc : wf_parser_expect(parser, ')', "')'");
}

int wf_python_fold(struct wf_parser *parser, struct wf_expr *node, bool *ret_folded)
{
	static const char *const words[] = {"len", "sum", "count", "min", "max", "any"};
	struct wf_lexer *lexer = &parser->lexer;
	struct wf_operand *operand = &node->operand;
	const char *step = NULL;

	*ret_folded = false;
	if (node->op != WF_NODE_OPERAND || operand->origin != WF_FROM_PYTHON)
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (wf_lexer_is_word(lexer, words[i]))
			step = words[i];
	if (!step && !wf_lexer_is_word(lexer, "first"))
		return 0;
	*ret_folded = true;
	if (!step) {
		wf_lexer_next(lexer);
		return parse_first(parser, operand);
	}
	if (strcmp(step, "count") == 0 && !strstr(operand->path, "['each']"))
		step = "len";
	if (strcmp(step, "len") != 0 && !strstr(operand->path, "['each']"))
		return wf_parser_fail(parser, lexer->token.start,
				      "'%s' works on the items of a value: name[*].amount|%s", step,
				      step);
	wf_lexer_next(lexer);
	return add_step(parser, operand, wf_arena_printf(parser->arena, "'%s'", step));
}

/* The tests of one `when` while they are collected. */
struct tests {
	struct wf_parser *parser;
	const char *list; /* "[PATH, OP, CONSTANT], ..." */
	enum { JOINED_YET_BY_NOTHING, JOINED_BY_AND, JOINED_BY_OR } joined;
};

static int refuse(const struct tests *tests, size_t at, const char *what)
{
	return wf_parser_fail(tests->parser, at,
			      "%s: 'when' is decided at entry: compares of entry values with "
			      "constants, joined all by and or all by or",
			      what);
}

static int join(struct tests *tests, size_t at, bool any)
{
	int wanted = any ? JOINED_BY_OR : JOINED_BY_AND;

	if (tests->joined != JOINED_YET_BY_NOTHING && (int)tests->joined != wanted)
		return refuse(tests, at, "this mixes 'and' and 'or'");
	tests->joined = any ? JOINED_BY_OR : JOINED_BY_AND;
	return 0;
}

static int add_test(struct tests *tests, const struct wf_expr *value, const char *sign,
		    const char *constant)
{
	struct wf_arena *arena = tests->parser->arena;

	if (value->op != WF_NODE_OPERAND)
		return refuse(tests, value->at, "this is no value of the function");
	if (value->operand.at_close)
		return refuse(tests, value->at, "this is known at the end only");
	if (!constant)
		return no_memory(tests->parser);
	tests->list =
		wf_arena_printf(arena, "%s%s[[%s], '%s', %s]", tests->list,
				*tests->list ? ", " : "", value->operand.path, sign, constant);
	return tests->list ? 0 : no_memory(tests->parser);
}

static int add_compare(struct tests *tests, const struct wf_expr *node, bool negated)
{
	static const uint8_t inverse[] = {
		[WF_CMP_EQ] = WF_CMP_NE, [WF_CMP_NE] = WF_CMP_EQ, [WF_CMP_LT] = WF_CMP_GE,
		[WF_CMP_LE] = WF_CMP_GT, [WF_CMP_GT] = WF_CMP_LE, [WF_CMP_GE] = WF_CMP_LT};
	static const uint8_t mirrored[] = {
		[WF_CMP_EQ] = WF_CMP_EQ, [WF_CMP_NE] = WF_CMP_NE, [WF_CMP_LT] = WF_CMP_GT,
		[WF_CMP_LE] = WF_CMP_GE, [WF_CMP_GT] = WF_CMP_LT, [WF_CMP_GE] = WF_CMP_LE};
	bool flip = node->left->op == WF_NODE_CONST;
	const struct wf_expr *value = flip ? node->right : node->left;
	const struct wf_expr *constant = flip ? node->left : node->right;
	uint8_t compare = flip ? mirrored[node->compare] : node->compare;

	if (constant->op != WF_NODE_CONST)
		return refuse(tests, constant->at, "this is no constant");
	return add_test(tests, value, compare_signs[negated ? inverse[compare] : compare],
			wf_literal_value(tests->parser->arena, &constant->value));
}

static int add_list(struct tests *tests, const struct wf_expr *node, bool negated)
{
	struct wf_value list = {.kind = WF_VALUE_ARRAY, .count = node->value.count};
	int rc = 0;

	list.items = node->value.items;
	if (!negated)
		return add_test(tests, node->left, "in",
				wf_literal_value(tests->parser->arena, &list));
	if (list.count > 1)
		rc = join(tests, node->at, false);
	for (uint32_t i = 0; rc == 0 && i < list.count; i++)
		rc = add_test(tests, node->left,
			      "!=", wf_literal_value(tests->parser->arena, &list.items[i]));
	return rc;
}

static int collect(struct tests *tests, const struct wf_expr *node, bool negated)
{
	int rc;

	switch (node->op) {
	case WF_NODE_NOT:
		return collect(tests, node->left, !negated);
	case WF_NODE_AND:
	case WF_NODE_OR:
		rc = join(tests, node->at, (node->op == WF_NODE_OR) != negated);
		if (rc == 0)
			rc = collect(tests, node->left, negated);
		return rc < 0 ? rc : collect(tests, node->right, negated);
	case WF_NODE_COMPARE:
		return add_compare(tests, node, negated);
	case WF_NODE_IN_LIST:
		return add_list(tests, node, negated);
	case WF_NODE_OPERAND:
		return add_test(tests, node, "==", negated ? "False" : "True");
	default:
		return refuse(tests, node->at, "this is no compare");
	}
}

int wf_python_tests(struct wf_parser *parser, const struct wf_expr *node, const char **ret,
		    bool *ret_any)
{
	struct tests tests = {.parser = parser, .list = ""};
	int rc = collect(&tests, node, false);

	*ret = tests.list;
	*ret_any = tests.joined == JOINED_BY_OR;
	return rc;
}
