/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lexer.h - tokens of expressions and of the -f short form.
 *
 * One token of look-ahead, no allocation but the text of string literals, which goes to the arena.
 * The text must be valid UTF-8 and outlive the lexer. A broken token is WF_TOK_ERROR with a
 * sentence in `problem`; the lexer stays on it.
 */
#ifndef WF_LEXER_H
#define WF_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/base/arena.h"

/* Single-character tokens are their own character. */
enum wf_token_kind {
	WF_TOK_END = 0,
	WF_TOK_ERROR = 256,
	WF_TOK_WORD,
	WF_TOK_INTEGER,
	WF_TOK_REAL,
	WF_TOK_DURATION, /* 5s, 500ms: integer has nanoseconds */
	WF_TOK_STRING,
	WF_TOK_ARROW,    /* -> */
	WF_TOK_EQ,       /* == */
	WF_TOK_NE,       /* != */
	WF_TOK_LE,       /* <= */
	WF_TOK_GE,       /* >= */
	WF_TOK_COALESCE, /* ?? */
};

struct wf_token {
	int kind; /* enum wf_token_kind or a character */
	size_t start, end;
	const char *string; /* STRING: unescaped, NUL-ended */
	size_t len;
	int64_t integer;
	double real;
	bool big; /* INTEGER beyond int64: the bits of an unsigned number */
};

struct wf_lexer {
	struct wf_arena *arena;
	const char *text;
	struct wf_token token; /* the current one */
	const char *problem;   /* ERROR: what is wrong */
};

/* Start at an offset of the text and read the first token. */
void wf_lexer_init(struct wf_lexer *lexer, struct wf_arena *arena, const char *text, size_t offset);
/* Read the next token. */
void wf_lexer_next(struct wf_lexer *lexer);
/* True for a WORD token of exactly this text. */
bool wf_lexer_is_word(const struct wf_lexer *lexer, const char *word);
/* The current token as text in the arena, for messages; NULL when memory is out. */
const char *wf_lexer_text(const struct wf_lexer *lexer);

static inline bool wf_lexer_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

#endif
