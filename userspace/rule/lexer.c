/* SPDX-License-Identifier: Apache-2.0 */
#include "lexer.h"

#include <errno.h>
#include <string.h>

#include "userspace/base/str.h"

#define NUMBER_BYTES_MAX 40

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       ((unsigned char)c & 0x80);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void fail(struct wf_lexer *lexer, size_t at, const char *problem)
{
	lexer->token.kind = WF_TOK_ERROR;
	lexer->token.start = at;
	lexer->token.end = at;
	lexer->problem = problem;
}

static void read_word(struct wf_lexer *lexer)
{
	struct wf_token *token = &lexer->token;

	while (is_letter(lexer->text[token->end]) || is_digit(lexer->text[token->end]))
		token->end++;
	token->kind = WF_TOK_WORD;
}

static size_t skip_digits(const char *text, size_t at)
{
	while (is_digit(text[at]))
		at++;
	return at;
}

static bool is_exponent(const char *text)
{
	if (*text != 'e' && *text != 'E')
		return false;
	return is_digit(text[1]) || ((text[1] == '-' || text[1] == '+') && is_digit(text[2]));
}

/* Digits, with a fraction and an exponent, or hexadecimal. Returns the end. */
static size_t number_end(const char *text, size_t at, bool *ret_real)
{
	*ret_real = false;
	if (text[at] == '0' && (text[at + 1] == 'x' || text[at + 1] == 'X')) {
		for (at += 2; is_digit(text[at]) || (is_letter(text[at]) && text[at] != '_'); at++)
			;
		return at;
	}
	at = skip_digits(text, at);
	if (text[at] == '.' && is_digit(text[at + 1])) {
		*ret_real = true;
		at = skip_digits(text, at + 1);
	}
	if (is_exponent(text + at)) {
		*ret_real = true;
		at = skip_digits(text, at + 2);
	}
	return at;
}

static void integer_value(struct wf_lexer *lexer, const char *digits)
{
	struct wf_token *token = &lexer->token;
	uint64_t value;
	int rc = wf_parse_u64(digits, &value);

	if (rc < 0) {
		fail(lexer, token->start,
		     rc == -ERANGE ? "this number does not fit 64 bits" : "not a number");
		return;
	}
	token->kind = WF_TOK_INTEGER;
	token->integer = (int64_t)value;
	token->big = value > INT64_MAX;
}

static void duration_value(struct wf_lexer *lexer, const char *digits)
{
	uint64_t ns;

	if (wf_parse_duration(digits, &ns) < 0 || ns > INT64_MAX) {
		fail(lexer, lexer->token.start,
		     "not a number or a duration (ns, us, ms, s, m or h)");
		return;
	}
	lexer->token.kind = WF_TOK_DURATION;
	lexer->token.integer = (int64_t)ns;
}

static void read_number(struct wf_lexer *lexer)
{
	struct wf_token *token = &lexer->token;
	char digits[NUMBER_BYTES_MAX + 1];
	size_t len;
	bool real, unit;

	token->end = number_end(lexer->text, token->start, &real);
	unit = is_letter(lexer->text[token->end]);
	while (is_letter(lexer->text[token->end]) || is_digit(lexer->text[token->end]))
		token->end++;
	len = token->end - token->start;
	if (len > NUMBER_BYTES_MAX) {
		fail(lexer, token->start, "this number is too long");
		return;
	}
	memcpy(digits, lexer->text + token->start, len);
	digits[len] = '\0';
	if (unit) {
		duration_value(lexer, digits);
	} else if (!real) {
		integer_value(lexer, digits);
	} else if (wf_parse_double(digits, &token->real) < 0) {
		fail(lexer, token->start, "not a number");
	} else {
		token->kind = WF_TOK_REAL;
	}
}

static bool unescape(char c, char *ret)
{
	switch (c) {
	case 'n':
		*ret = '\n';
		return true;
	case 't':
		*ret = '\t';
		return true;
	case '\\':
	case '\'':
	case '"':
		*ret = c;
		return true;
	default:
		return false;
	}
}

/* Offset of the quote that closes the one at `start`, or of the end of the text. */
static size_t closing_quote(const char *text, size_t start)
{
	size_t at = start + 1;

	for (; text[at] && text[at] != text[start]; at++) {
		if (text[at] == '\\' && text[at + 1])
			at++;
	}
	return at;
}

static void read_string(struct wf_lexer *lexer)
{
	struct wf_token *token = &lexer->token;
	const char *text = lexer->text;
	size_t end = closing_quote(text, token->start), len = 0;
	char *out;

	if (!text[end]) {
		fail(lexer, token->start, "this text has no closing quote");
		return;
	}
	out = wf_arena_alloc_raw(lexer->arena, end - token->start);
	if (!out) {
		fail(lexer, token->start, "out of memory");
		return;
	}
	for (size_t at = token->start + 1; at < end; at++) {
		out[len] = text[at];
		if (text[at] == '\\' && !unescape(text[++at], &out[len])) {
			fail(lexer, at - 1, "unknown escape; there are \\\\ \\' \\\" \\n \\t");
			return;
		}
		len++;
	}
	out[len] = '\0';
	token->kind = WF_TOK_STRING;
	token->string = out;
	token->len = len;
	token->end = end + 1;
}

static void read_sign(struct wf_lexer *lexer)
{
	static const struct {
		char text[3];
		int kind;
	} pairs[] = {{"->", WF_TOK_ARROW}, {"==", WF_TOK_EQ}, {"!=", WF_TOK_NE},
		     {"<=", WF_TOK_LE},    {">=", WF_TOK_GE}, {"??", WF_TOK_COALESCE}};
	struct wf_token *token = &lexer->token;
	const char *here = lexer->text + token->start;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (strncmp(here, pairs[i].text, 2) != 0)
			continue;
		token->kind = pairs[i].kind;
		token->end = token->start + 2;
		return;
	}
	if (*here == '=') {
		fail(lexer, token->start, "one '=' compares nothing; write '=='");
	} else if (strchr(".:[](){},|<>!-", *here)) {
		token->kind = *here;
		token->end = token->start + 1;
	} else if (strchr("+*/%", *here)) {
		fail(lexer, token->start, "there is no arithmetic in this language");
	} else {
		fail(lexer, token->start, "this character means nothing here");
	}
}

void wf_lexer_next(struct wf_lexer *lexer)
{
	size_t at = lexer->token.end;

	if (lexer->token.kind == WF_TOK_ERROR)
		return;
	while (wf_lexer_is_blank(lexer->text[at]))
		at++;
	memset(&lexer->token, 0, sizeof(lexer->token));
	lexer->token.start = lexer->token.end = at;
	if (!lexer->text[at])
		lexer->token.kind = WF_TOK_END;
	else if (is_letter(lexer->text[at]))
		read_word(lexer);
	else if (is_digit(lexer->text[at]))
		read_number(lexer);
	else if (lexer->text[at] == '\'' || lexer->text[at] == '"')
		read_string(lexer);
	else
		read_sign(lexer);
}

void wf_lexer_init(struct wf_lexer *lexer, struct wf_arena *arena, const char *text, size_t offset)
{
	memset(lexer, 0, sizeof(*lexer));
	lexer->arena = arena;
	lexer->text = text;
	lexer->token.end = offset;
	wf_lexer_next(lexer);
}

bool wf_lexer_is_word(const struct wf_lexer *lexer, const char *word)
{
	const struct wf_token *token = &lexer->token;
	size_t len = strlen(word);

	return token->kind == WF_TOK_WORD && token->end - token->start == len &&
	       strncmp(lexer->text + token->start, word, len) == 0;
}

const char *wf_lexer_text(const struct wf_lexer *lexer)
{
	const struct wf_token *token = &lexer->token;

	return wf_arena_strndup(lexer->arena, lexer->text + token->start,
				token->end - token->start);
}
