/* SPDX-License-Identifier: Apache-2.0 */
/* The -f short form: FUNCTION[(KEY=EXPR, ...)] [as NAME] [kind KIND] [when COND] [error COND] ...
 */
#include "ruleset.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "draft.h"
#include "userspace/base/str.h"

#define SHORT_BYTES_MAX (16 * 1024)
#define SHOWN_BYTES     80

struct reader {
	struct wf_parser parser;
	struct wf_place place;
	struct wf_draft draft;
	const char *text;
	unsigned seen; /* bits of enum clause */
};

enum clause { CLAUSE_AS, CLAUSE_KIND, CLAUSE_WHEN, CLAUSE_ERROR, CLAUSE_SLOWER, CLAUSES };
static const char *const clause_words[CLAUSES + 1] = {"as",    "kind",   "when",
						      "error", "slower", NULL};

/* KEY=: the key may hold dots, so it is read from the text itself. */
static int read_key(struct reader *reader, char *key, size_t size, size_t *ret_at)
{
	struct wf_lexer *lexer = &reader->parser.lexer;
	size_t start = lexer->token.start, at = start;
	size_t len;

	while (reader->text[at] && !wf_lexer_is_blank(reader->text[at]) &&
	       !strchr("=,()'\"", reader->text[at]))
		at++;
	len = at - start;
	if (len == 0)
		return wf_parser_unexpected(&reader->parser, "an attribute (key=arg1:i32)");
	if (len >= size)
		return wf_parser_fail(&reader->parser, start, "this attribute's name is too long");
	memcpy(key, reader->text + start, len);
	key[len] = '\0';
	while (wf_lexer_is_blank(reader->text[at]))
		at++;
	if (reader->text[at] != '=' || reader->text[at + 1] == '=')
		return wf_parser_fail(
			&reader->parser, at,
			"expected '=' after '%s': in parentheses stand attributes "
			"(key=arg1:i32), and functions match without their parameters",
			key);
	*ret_at = start;
	wf_lexer_init(lexer, lexer->arena, reader->text, at + 1);
	return 0;
}

static int read_attributes(struct reader *reader)
{
	struct wf_lexer *lexer = &reader->parser.lexer;
	char key[129];
	size_t at;
	int rc;

	if (lexer->token.kind != '(')
		return 0;
	do {
		/* The next token is not lexed: it is a key. */
		for (at = lexer->token.end; wf_lexer_is_blank(reader->text[at]); at++)
			;
		lexer->token.kind = reader->text[at] ? ',' : WF_TOK_END;
		lexer->token.start = at;
		lexer->token.end = at + (reader->text[at] != '\0');
		rc = read_key(reader, key, sizeof(key), &at);
		if (rc == 0)
			rc = wf_draft_attribute(&reader->draft, &reader->parser, key, at);
		if (rc < 0)
			return rc;
	} while (lexer->token.kind == ',');
	return wf_parser_expect(&reader->parser, ')', "',' or ')'");
}

/* Where an unquoted name ends: at a blank outside of braces. */
static size_t name_end(const char *text, size_t at)
{
	unsigned depth = 0;

	for (; text[at] && (depth > 0 || !wf_lexer_is_blank(text[at])); at++) {
		if (text[at] == '{')
			depth++;
		else if (text[at] == '}' && depth > 0)
			depth--;
	}
	return at;
}

/* Template text from `start` on, as a text of its own; offsets stay right where it is exact. */
static int read_template(struct reader *reader, const char *name, size_t start, bool exact)
{
	struct wf_place place = reader->place;
	struct wf_parser parser;

	place.text = name;
	place.column = (uint32_t)start + 1;
	place.exact = exact;
	wf_parser_init(&parser, reader->parser.arena, &place, 0, reader->parser.err,
		       reader->parser.later);
	return wf_draft_name(&reader->draft, &parser);
}

static int read_name(struct reader *reader)
{
	struct wf_lexer *lexer = &reader->parser.lexer;
	size_t start = lexer->token.start, end;
	const char *name;
	int rc;

	if (lexer->token.kind == WF_TOK_END ||
	    (lexer->token.kind == WF_TOK_ERROR && strchr("'\"", reader->text[start])))
		return wf_parser_unexpected(&reader->parser, "a name after 'as'");
	if (lexer->token.kind == WF_TOK_STRING) {
		bool exact = lexer->token.len + 2 == lexer->token.end - start;

		rc = read_template(reader, lexer->token.string, exact ? start + 1 : start, exact);
		end = lexer->token.end;
	} else {
		end = name_end(reader->text, start);
		name = wf_arena_strndup(lexer->arena, reader->text + start, end - start);
		if (!name)
			return wf_parser_fail(&reader->parser, start, "out of memory");
		rc = read_template(reader, name, start, true);
	}
	wf_lexer_init(lexer, lexer->arena, reader->text, end);
	return rc;
}

static int read_kind(struct reader *reader)
{
	struct wf_lexer *lexer = &reader->parser.lexer;
	const char *word = wf_lexer_text(lexer);
	int rc;

	if (lexer->token.kind != WF_TOK_WORD || !word)
		return wf_parser_unexpected(&reader->parser,
					    "internal, server, client, producer or "
					    "consumer");
	rc = wf_draft_kind(&reader->draft, &reader->parser, lexer->token.start, word);
	wf_lexer_next(lexer);
	return rc;
}

static int read_slower(struct reader *reader)
{
	struct wf_lexer *lexer = &reader->parser.lexer;

	if (lexer->token.kind != WF_TOK_DURATION || lexer->token.integer == 0)
		return wf_parser_unexpected(&reader->parser, "a duration (500ms, 5s)");
	reader->draft.rule.min_duration_ns = (uint64_t)lexer->token.integer;
	wf_lexer_next(lexer);
	return 0;
}

static int find_clause(struct reader *reader, enum clause *ret)
{
	const struct wf_lexer *lexer = &reader->parser.lexer;
	const char *word, *near;

	for (int i = 0; i < CLAUSES; i++) {
		if (wf_lexer_is_word(lexer, clause_words[i])) {
			*ret = (enum clause)i;
			return 0;
		}
	}
	if (lexer->token.kind != WF_TOK_WORD)
		return wf_parser_unexpected(&reader->parser, "as, kind, when, error or slower");
	word = wf_lexer_text(lexer);
	near = word ? wf_nearest_word(word, clause_words) : NULL;
	if (near)
		return wf_parser_fail(&reader->parser, lexer->token.start,
				      "unknown word '%.60s'; did you mean '%s'?", word, near);
	return wf_parser_unexpected(&reader->parser, "as, kind, when, error or slower");
}

static int read_clause(struct reader *reader)
{
	size_t at = reader->parser.lexer.token.start;
	enum clause clause = CLAUSE_AS;
	int rc = find_clause(reader, &clause);

	if (rc < 0)
		return rc;
	if (reader->seen & 1u << clause)
		return wf_parser_fail(&reader->parser, at, "'%s' is there twice",
				      clause_words[clause]);
	reader->seen |= 1u << clause;
	if (reader->draft.rule.kind == WF_RULE_EVENT && clause != CLAUSE_AS &&
	    clause != CLAUSE_WHEN)
		return wf_parser_fail(&reader->parser, at,
				      "a lone static probe is an event and has no '%s'; a span is "
				      "usdt:PROVIDER:OPEN..CLOSE",
				      clause_words[clause]);
	wf_lexer_next(&reader->parser.lexer);
	switch (clause) {
	case CLAUSE_AS:
		return read_name(reader);
	case CLAUSE_KIND:
		return read_kind(reader);
	case CLAUSE_WHEN:
		return wf_draft_when(&reader->draft, &reader->parser);
	case CLAUSE_ERROR:
		return wf_draft_error(&reader->draft, &reader->parser);
	default:
		return read_slower(reader);
	}
}

static int read_rule(struct reader *reader)
{
	struct wf_function function;
	int rc = wf_function_parse(&reader->parser, 0, &function);

	if (rc < 0)
		return rc;
	wf_draft_init(&reader->draft, &function);
	wf_lexer_init(&reader->parser.lexer, reader->parser.arena, reader->text, function.end);
	rc = read_attributes(reader);
	while (rc == 0 && reader->parser.lexer.token.kind != WF_TOK_END)
		rc = read_clause(reader);
	return rc < 0 ? rc : wf_draft_pair_name(&reader->draft, &reader->parser, &function);
}

static int check_text(const struct wf_place *place, struct wf_err *err)
{
	size_t len = strlen(place->text);

	if (!wf_utf8_valid(place->text, len))
		return wf_err_set(err, EINVAL, "this -f rule is not valid UTF-8");
	if (len > SHORT_BYTES_MAX)
		return wf_place_err(place, 0, err, EINVAL, "a rule has at most %d bytes",
				    SHORT_BYTES_MAX);
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)place->text[i] < ' ' && !wf_lexer_is_blank(place->text[i]))
			return wf_place_err(place, i, err, EINVAL, "a control character");
	}
	return 0;
}

static const char *origin_of(struct wf_arena *arena, const char *text)
{
	size_t shown = wf_utf8_truncate(text, strlen(text), SHOWN_BYTES);

	return wf_arena_printf(arena, "-f '%.*s%s'", (int)shown, text, text[shown] ? "..." : "");
}

int wf_ruleset_add_short(struct wf_ruleset *rules, const char *text, struct wf_err *err)
{
	struct reader reader = {.text = text};
	struct wf_err later = {0};
	int rc;

	reader.place = (struct wf_place){.rule = text, .text = text, .column = 1, .exact = true};
	rc = check_text(&reader.place, err);
	if (rc < 0)
		return rc;
	wf_parser_init(&reader.parser, rules->arena, &reader.place, 0, err, &later);
	rc = read_rule(&reader);
	if (rc < 0)
		return rc;
	if (later.code)
		return wf_err_set(err, later.code, "%s", later.msg);
	reader.draft.rule.origin = origin_of(rules->arena, text);
	reader.draft.rule.profile = "adhoc";
	if (!reader.draft.rule.origin)
		return wf_err_set(err, ENOMEM, "out of memory");
	rc = wf_ruleset_add_source(rules, NULL, text, strlen(text), err);
	return rc < 0 ? rc : wf_draft_commit(&reader.draft, rules, err);
}
