/* SPDX-License-Identifier: Apache-2.0 */
#include "function.h"

#include <errno.h>
#include <string.h>

#define FUNCTION_BYTES_MAX 1024

/* A FUNCTION while it is read: the glob so far, and where its marks stand in it. */
struct reader {
	struct wf_parser *parser;
	const char *text;
	size_t start, at;
	char glob[3 * FUNCTION_BYTES_MAX + 1]; /* a literal '*' takes three bytes: [*] */
	size_t len;
	size_t colons;  /* single ones */
	size_t colon;   /* the first of them, in glob */
	size_t library; /* behind '@', in glob; 0 = none */
};

static void put_literal(struct reader *reader, char c)
{
	if (strchr("*?[", c)) {
		reader->glob[reader->len++] = '[';
		reader->glob[reader->len++] = c;
		reader->glob[reader->len++] = ']';
	} else {
		reader->glob[reader->len++] = c;
	}
}

static int read_backquoted(struct reader *reader)
{
	const char *text = reader->text;
	size_t open = reader->at;

	for (reader->at++; text[reader->at] && text[reader->at] != '`'; reader->at++) {
		if (reader->len >= FUNCTION_BYTES_MAX)
			break;
		put_literal(reader, text[reader->at]);
	}
	if (reader->len >= FUNCTION_BYTES_MAX)
		return 0; /* the caller refuses it */
	if (!text[reader->at])
		return wf_parser_fail(reader->parser, open, "no closing backquote");
	reader->at++;
	return 0;
}

/* Offset behind the '>' that closes the '<' at `at`, or 0: then it is an operator's name. */
static size_t angle_end(const struct reader *reader)
{
	const char *text = reader->text;
	unsigned depth = 0;

	if (reader->len >= 8 && memcmp(reader->glob + reader->len - 8, "operator", 8) == 0)
		return 0;
	for (size_t at = reader->at; text[at] && at - reader->at < FUNCTION_BYTES_MAX; at++) {
		if (text[at] == '<')
			depth++;
		else if (text[at] == '>' && text[at - 1] != '-' && --depth == 0)
			return at + 1;
	}
	return 0;
}

static void read_plain(struct reader *reader)
{
	const char *text = reader->text;
	size_t end = text[reader->at] == '<' ? angle_end(reader) : 0;

	if (end > 0) {
		while (reader->at < end && reader->len < FUNCTION_BYTES_MAX)
			reader->glob[reader->len++] = text[reader->at++];
		return;
	}
	if (text[reader->at] == ':' && text[reader->at + 1] == ':') {
		reader->glob[reader->len++] = ':';
		reader->at++;
	} else if (text[reader->at] == ':' && reader->library == 0) {
		if (reader->colons++ == 0)
			reader->colon = reader->len;
	} else if (text[reader->at] == '@' && reader->library == 0) {
		reader->glob[reader->len++] = '\0';
		reader->library = reader->len;
		reader->at++;
		return;
	}
	reader->glob[reader->len++] = text[reader->at++];
}

static int read_all(struct reader *reader)
{
	int rc = 0;

	while (rc == 0 && reader->text[reader->at] &&
	       !wf_lexer_is_blank(reader->text[reader->at]) && reader->text[reader->at] != '(') {
		if (reader->len >= FUNCTION_BYTES_MAX)
			return wf_parser_fail(reader->parser, reader->start,
					      "a function has at most %d bytes",
					      FUNCTION_BYTES_MAX);
		if (reader->text[reader->at] == '`')
			rc = read_backquoted(reader);
		else
			read_plain(reader);
	}
	reader->glob[reader->len] = '\0';
	return rc;
}

static int copy(struct reader *reader, const char *from, size_t len, const char **ret)
{
	*ret = wf_arena_strndup(reader->parser->arena, from, len);
	return *ret ? 0
		    : wf_place_err(reader->parser->place, 0, reader->parser->err, ENOMEM,
				   "out of memory");
}

static int set_library(struct reader *reader, struct wf_where *where)
{
	const char *library = reader->glob + reader->library;

	if (reader->library == 0)
		return 0;
	if (!*library)
		return wf_parser_fail(reader->parser, reader->at,
				      "expected a library after '@' (sqlite3_step@libsqlite3*)");
	return copy(reader, library, strlen(library), &where->library);
}

/* PROVIDER:NAME or PROVIDER:OPEN..CLOSE behind "usdt:". */
static int make_probe(struct reader *reader, struct wf_function *ret)
{
	const char *provider = reader->glob + strlen("usdt:");
	const char *name = strchr(provider, ':'), *dots;
	int rc;

	if (reader->colons != 2 || name == provider || !name[1])
		return wf_parser_fail(reader->parser, reader->start,
				      "a static probe is usdt:PROVIDER:NAME[@LIBRARY]");
	ret->form = WF_FUNCTION_PROBE;
	ret->at.type = WF_WHERE_USDT;
	rc = copy(reader, provider, (size_t)(name - provider), &ret->at.provider);
	if (rc == 0)
		rc = set_library(reader, &ret->at);
	if (rc < 0)
		return rc;
	name++;
	dots = strstr(name, "..");
	if (!dots)
		return copy(reader, name, strlen(name), &ret->at.function);
	if (dots == name || !dots[2] || strstr(dots + 2, ".."))
		return wf_parser_fail(
			reader->parser, reader->start,
			"a pair of static probes is usdt:PROVIDER:OPEN..CLOSE[@LIBRARY]");
	ret->form = WF_FUNCTION_PROBE_PAIR;
	ret->close = ret->at;
	rc = copy(reader, name, (size_t)(dots - name), &ret->at.function);
	return rc < 0 ? rc : copy(reader, dots + 2, strlen(dots + 2), &ret->close.function);
}

static bool python_name(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      strchr("_.*?<>-/", c) || ((unsigned char)c & 0x80)))
			return false;
	}
	return len > 0;
}

static int make_python(struct reader *reader, struct wf_function *ret)
{
	const char *glob = reader->glob;
	const char *qualified = glob + reader->colon + 1;

	if (reader->colons != 1 || reader->library > 0 || !python_name(glob, reader->colon) ||
	    !python_name(qualified, strlen(qualified)))
		return wf_parser_fail(reader->parser, reader->start,
				      "a single ':' makes a Python function, and that is "
				      "module:qualname; C++ names have '::'");
	ret->form = WF_FUNCTION_PYTHON;
	ret->at.type = WF_WHERE_PYTHON;
	return copy(reader, reader->text + reader->start, reader->at - reader->start,
		    &ret->at.function);
}

static int make_native(struct reader *reader, struct wf_function *ret)
{
	ret->form = WF_FUNCTION_NATIVE;
	ret->at.type = WF_WHERE_FUNCTION;
	if (!*reader->glob)
		return wf_parser_fail(reader->parser, reader->start, "expected a function");
	if (strncmp(reader->text + reader->at, "()", 2) == 0)
		return wf_parser_fail(reader->parser, reader->at,
				      "a function is named without its parameter list; operators "
				      "want backquotes: `operator()`");
	if (copy(reader, reader->glob, strlen(reader->glob), &ret->at.function) < 0)
		return -ENOMEM;
	return set_library(reader, &ret->at);
}

/* "overrides of m:C.f", "values of m:DICT", "unwrapped m:f": skips the words. */
static bool skip_python_words(struct reader *reader)
{
	static const char *const words[] = {"overrides of ", "values of ", "unwrapped "};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t len = strlen(words[i]);

		if (strncmp(reader->text + reader->at, words[i], len) == 0) {
			reader->at += len;
			return true;
		}
	}
	return false;
}

int wf_function_parse(struct wf_parser *parser, size_t offset, struct wf_function *ret)
{
	struct reader reader = {.parser = parser, .text = parser->place->text, .at = offset};
	bool python;
	int rc;

	memset(ret, 0, sizeof(*ret));
	while (wf_lexer_is_blank(reader.text[reader.at]))
		reader.at++;
	reader.start = ret->start = reader.at;
	python = skip_python_words(&reader);
	rc = read_all(&reader);
	if (rc < 0)
		return rc;
	ret->end = reader.at;
	if (!python && strncmp(reader.glob, "usdt:", 5) == 0)
		return make_probe(&reader, ret);
	if (python || reader.colons > 0)
		return make_python(&reader, ret);
	return make_native(&reader, ret);
}

int wf_function_parse_all(struct wf_parser *parser, struct wf_function *ret)
{
	const char *text = parser->place->text;
	int rc = wf_function_parse(parser, 0, ret);
	size_t rest;

	if (rc < 0)
		return rc;
	rest = ret->end + strspn(text + ret->end, " \t\r\n");
	if (text[rest])
		return wf_parser_fail(parser, rest,
				      "here stands a function alone; '%.40s' belongs to other keys",
				      text + rest);
	return 0;
}

const char *wf_function_pair_name(struct wf_arena *arena, const struct wf_function *function)
{
	const char *open = function->at.function, *close = function->close.function;
	size_t len = 0;

	while (open[len] && open[len] == close[len])
		len++;
	while (len > 0 && strchr("_-", open[len - 1]))
		len--;
	return len > 0 ? wf_arena_strndup(arena, open, len) : open;
}
