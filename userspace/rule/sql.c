/* SPDX-License-Identifier: Apache-2.0 */
#include "sql.h"

#include <string.h>
#include <strings.h>

#define SUMMARY_BYTES_MAX 120

enum piece_kind {
	PIECE_BLANK, /* white space and comments */
	PIECE_WORD,  /* identifiers, keywords, $1, "quoted names" */
	PIECE_LITERAL,
	PIECE_SIGN,
};

struct piece {
	enum piece_kind kind;
	size_t start, end;
};

struct reader {
	const char *text;
	size_t len, at;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' ||
	       c == '$' || ((unsigned char)c & 0x80);
}

static char peek(const struct reader *reader, size_t ahead)
{
	return ahead < reader->len - reader->at ? reader->text[reader->at + ahead] : '\0';
}

/* Past the closing quote, which doubles itself to stand for one; the end where it is missing. */
static size_t quoted_end(const struct reader *reader, size_t at, bool backslash)
{
	char quote = reader->text[at++];

	for (; at < reader->len; at++) {
		if (backslash && reader->text[at] == '\\')
			at++;
		else if (reader->text[at] == quote && at + 1 < reader->len &&
			 reader->text[at + 1] == quote)
			at++;
		else if (reader->text[at] == quote)
			return at + 1;
	}
	return reader->len;
}

/* $tag$ ... $tag$, or 0 where no such literal starts here. */
static size_t dollar_end(const struct reader *reader)
{
	const char *text = reader->text + reader->at, *found;
	size_t left = reader->len - reader->at, tag = 1;

	if (left < 2 || is_digit(text[1]))
		return 0;
	while (tag < left && text[tag] != '$' && is_word(text[tag]))
		tag++;
	if (tag >= left || text[tag] != '$')
		return 0;
	tag++;
	found = memmem(text + tag, left - tag, text, tag);
	return found ? (size_t)(found - reader->text) + tag : reader->len;
}

static size_t comment_end(const struct reader *reader)
{
	const char *text = reader->text;
	size_t at = reader->at + 2;
	unsigned depth = 1;

	if (text[reader->at] == '-') {
		while (at < reader->len && text[at] != '\n')
			at++;
		return at;
	}
	for (; at + 1 < reader->len && depth > 0; at++) {
		if (text[at] == '/' && text[at + 1] == '*')
			depth++, at++;
		else if (text[at] == '*' && text[at + 1] == '/')
			depth--, at++;
	}
	return depth == 0 ? at : reader->len;
}

static size_t number_end(const struct reader *reader)
{
	size_t at = reader->at;

	for (; at < reader->len; at++) {
		char c = reader->text[at];
		bool exponent = at > reader->at && (c == '+' || c == '-') &&
				(reader->text[at - 1] == 'e' || reader->text[at - 1] == 'E');

		if (!is_word(c) && c != '.' && !exponent)
			break;
	}
	return at;
}

/* A word, or the literal that a prefix letter introduces: E'..', B'..', X'..', N'..', U&'..'. */
static void read_word(const struct reader *reader, struct piece *out)
{
	size_t at = reader->at, prefix;

	while (at < reader->len && is_word(reader->text[at]))
		at++;
	out->kind = PIECE_WORD;
	out->end = at;
	prefix = at - reader->at;
	if (at + 1 < reader->len && prefix == 1 && strchr("uU", reader->text[reader->at]) &&
	    reader->text[at] == '&')
		at++;
	if (at >= reader->len || reader->text[at] != '\'' || prefix != 1 ||
	    !strchr("eEbBxXnNuU", reader->text[reader->at]))
		return;
	out->kind = PIECE_LITERAL;
	out->end = quoted_end(reader, at, strchr("eE", reader->text[reader->at]) != NULL);
}

static void read_blank(const struct reader *reader, struct piece *out)
{
	size_t at = reader->at;

	while (at < reader->len && is_blank(reader->text[at]))
		at++;
	out->kind = PIECE_BLANK;
	out->end = at;
}

/* A text literal in quotes or dollars; false where none starts here. */
static bool read_literal(const struct reader *reader, struct piece *out)
{
	char c = peek(reader, 0);
	size_t end = 0;

	if (c == '\'')
		end = quoted_end(reader, reader->at, false);
	else if (c == '$')
		end = dollar_end(reader);
	else if (is_digit(c) || (c == '.' && is_digit(peek(reader, 1))))
		end = number_end(reader);
	if (end == 0)
		return false;
	out->kind = PIECE_LITERAL;
	out->end = end;
	return true;
}

static bool is_comment(const struct reader *reader)
{
	char c = peek(reader, 0), next = peek(reader, 1);

	return (c == '-' && next == '-') || (c == '/' && next == '*');
}

static bool next_piece(struct reader *reader, struct piece *out)
{
	char c = peek(reader, 0);

	if (reader->at >= reader->len)
		return false;
	*out = (struct piece){PIECE_SIGN, reader->at, reader->at + 1};
	if (is_blank(c)) {
		read_blank(reader, out);
	} else if (is_comment(reader)) {
		out->kind = PIECE_BLANK;
		out->end = comment_end(reader);
	} else if (c == '"' || c == '`') {
		out->kind = PIECE_WORD;
		out->end = quoted_end(reader, reader->at, false);
	} else if (!read_literal(reader, out) && is_word(c)) {
		read_word(reader, out);
	}
	reader->at = out->end;
	return true;
}

struct wf_value wf_sql_sanitize(const char *text, size_t len, struct wf_arena *arena)
{
	struct reader reader = {text, len, 0};
	char *out = wf_arena_alloc_raw(arena, len + 1);
	struct piece piece;
	size_t used = 0;

	if (!out)
		return (struct wf_value){0};
	while (next_piece(&reader, &piece)) {
		if (piece.kind == PIECE_BLANK) {
			if (used > 0 && out[used - 1] != ' ')
				out[used++] = ' ';
		} else if (piece.kind == PIECE_LITERAL) {
			out[used++] = '?';
		} else {
			memcpy(out + used, text + piece.start, piece.end - piece.start);
			used += piece.end - piece.start;
		}
	}
	while (used > 0 && out[used - 1] == ' ')
		used--;
	out[used] = '\0';
	return wf_value_string(out, used);
}

static bool piece_is(const char *text, const struct piece *piece, const char *word)
{
	size_t len = strlen(word);

	return piece->kind == PIECE_WORD && piece->end - piece->start == len &&
	       strncasecmp(text + piece->start, word, len) == 0;
}

static bool piece_in(const char *text, const struct piece *piece, const char *const *words)
{
	for (; *words; words++) {
		if (piece_is(text, piece, *words))
			return true;
	}
	return false;
}

/* The next piece that is not blank. */
static bool next_solid(struct reader *reader, struct piece *out)
{
	do {
		if (!next_piece(reader, out))
			return false;
	} while (out->kind == PIECE_BLANK);
	return true;
}

/* The verb of the statement; behind WITH it is the first one outside of parentheses. */
static bool find_verb(struct reader *reader, struct piece *verb)
{
	static const char *const verbs[] = {"select", "insert", "update", "delete", "merge", NULL};
	unsigned depth = 0;

	do {
		if (!next_solid(reader, verb))
			return false;
	} while (verb->kind == PIECE_SIGN);
	if (!piece_is(reader->text, verb, "with"))
		return verb->kind == PIECE_WORD;
	while (next_solid(reader, verb)) {
		char c = reader->text[verb->start];

		if (verb->kind == PIECE_SIGN && c == '(')
			depth++;
		else if (verb->kind == PIECE_SIGN && c == ')' && depth > 0)
			depth--;
		else if (depth == 0 && piece_in(reader->text, verb, verbs))
			return true;
	}
	return false;
}

/* The table (schema.table) that the statement names first. */
static bool find_table(struct reader *reader, const struct piece *verb, struct piece *table)
{
	static const char *const before[] = {"from", "into",  "update", "table", "join",
					     "view", "index", "copy",   NULL};
	static const char *const between[] = {"only", "if", "not", "exists", "lateral", NULL};
	struct piece last = *verb, piece, dot;

	while (next_solid(reader, &piece)) {
		if (!piece_in(reader->text, &last, before) || piece.kind != PIECE_WORD) {
			last = piece;
			continue;
		}
		if (piece_in(reader->text, &piece, between))
			continue;
		*table = piece;
		while (next_piece(reader, &dot) && reader->text[dot.start] == '.' &&
		       next_piece(reader, &piece) && piece.kind == PIECE_WORD)
			table->end = piece.end;
		return true;
	}
	return false;
}

struct wf_value wf_sql_summary(const char *text, size_t len, struct wf_arena *arena)
{
	struct reader reader = {text, len, 0};
	struct piece verb, table;
	size_t verb_len, table_len = 0;
	char *out;

	if (!find_verb(&reader, &verb))
		return (struct wf_value){0};
	verb_len = verb.end - verb.start;
	if (find_table(&reader, &verb, &table))
		table_len = table.end - table.start;
	if (verb_len > SUMMARY_BYTES_MAX)
		return (struct wf_value){0};
	if (table_len > SUMMARY_BYTES_MAX)
		table_len = 0;
	out = wf_arena_alloc(arena, verb_len + table_len + 2);
	if (!out)
		return (struct wf_value){0};
	for (size_t i = 0; i < verb_len; i++) {
		char c = text[verb.start + i];

		out[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
	}
	if (table_len > 0) {
		out[verb_len] = ' ';
		memcpy(out + verb_len + 1, text + table.start, table_len);
	}
	return wf_value_string(out, verb_len + (table_len ? table_len + 1 : 0));
}
