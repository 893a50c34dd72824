/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "demangle.h"

#define NESTING_MAX 256

struct bare {
	const char *at;
	char *out;
	size_t len, size;
	size_t start; /* of the name in out: behind "virtual thunk to " */
	bool keep_arguments;
	bool failed;
};

static void put(struct bare *bare, const char *text, size_t len)
{
	if (len >= bare->size - bare->len) {
		bare->failed = true;
		return;
	}
	memcpy(bare->out + bare->len, text, len);
	bare->len += len;
}

static bool starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* Length of an operator's signs, longest first; 0 = none. */
static size_t operator_length(const char *text)
{
	static const char *const signs[] = {
		"<<=", ">>=", "<=>", "->*", "()", "[]", "->", "<<", ">>", "<=", ">=", "==", "!=",
		"&&",  "||",  "++",  "--",  "+=", "-=", "*=", "/=", "%=", "^=", "&=", "|=", "<",
		">",   "+",   "-",   "*",   "/",  "%",  "^",  "&",  "|",  "~",  "!",  "=",  ","};

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		if (starts(text, signs[i]))
			return strlen(signs[i]);
	}
	return 0;
}

/* "operator<<" at text: the signs must not count as brackets. 0 = no operator there. */
static size_t operator_name(const char *text)
{
	size_t len = strlen("operator");

	return starts(text, "operator") && operator_length(text + len)
		       ? len + operator_length(text + len)
		       : 0;
}

static char closer(char c)
{
	return c == '(' ? ')' : c == '[' ? ']' : c == '{' ? '}' : c == '<' ? '>' : '\0';
}

struct nesting {
	char stack[NESTING_MAX];
	size_t depth;
};

/* One closing bracket. Inside parentheses '<' may be a comparison, which nothing closes. */
static void close_bracket(struct nesting *nesting, char c)
{
	while (c != '>' && nesting->depth && nesting->stack[nesting->depth - 1] == '>')
		nesting->depth--;
	if (nesting->depth && nesting->stack[nesting->depth - 1] == c)
		nesting->depth--;
}

/* Behind the bracket that closes the one at text; NULL where it does not close. */
static const char *skip_group(const char *text)
{
	struct nesting nesting = {.depth = 0};

	for (const char *at = text; *at; at++) {
		size_t name = at > text && !is_word(at[-1]) ? operator_name(at) : 0;

		if (name) {
			at += name - 1;
		} else if (closer(*at)) {
			if (nesting.depth == NESTING_MAX)
				return NULL;
			nesting.stack[nesting.depth++] = closer(*at);
		} else if (strchr(")]}>", *at) && !(*at == '>' && at[-1] == '-')) {
			close_bracket(&nesting, *at);
			if (!nesting.depth)
				return at + 1;
		}
	}
	return NULL;
}

static bool at_component(const struct bare *bare)
{
	return bare->len == bare->start ||
	       (bare->len >= bare->start + 2 && memcmp(bare->out + bare->len - 2, "::", 2) == 0);
}

/* Template arguments at *at: copied or dropped. */
static void take_arguments(struct bare *bare)
{
	const char *end = skip_group(bare->at);

	if (!end)
		end = bare->at + strlen(bare->at);
	if (bare->keep_arguments)
		put(bare, bare->at, (size_t)(end - bare->at));
	bare->at = end;
}

/* A type: as it is, but for template arguments. */
static void put_type(struct bare *bare, const char *end)
{
	while (bare->at < end && !bare->failed) {
		if (*bare->at == '<') {
			take_arguments(bare);
		} else {
			put(bare, bare->at, 1);
			bare->at++;
		}
	}
	bare->at = end;
}

static const char *find_word(const char *text, const char *end, const char *word)
{
	while (text < end) {
		if (starts(text, word))
			return text;
		if (closer(*text)) {
			text = skip_group(text);
			if (!text)
				return NULL;
			continue;
		}
		text++;
	}
	return NULL;
}

/*
 * Rust: "<Type as Trait>::run" and "<impl Trait for Type>::run" are "Type::run"; "::<u32>" behind
 * a name is an argument list.
 */
static void take_rust_group(struct bare *bare)
{
	const char *end = skip_group(bare->at), *inner = bare->at + 1, *last, *word;
	bool is_impl = starts(inner, "impl ");

	if (!end) {
		bare->failed = true;
		return;
	}
	if (bare->len > bare->start && !is_impl) {
		if (!bare->keep_arguments)
			bare->len -= 2;
		take_arguments(bare);
		return;
	}
	if (bare->keep_arguments) {
		take_arguments(bare);
		return;
	}
	last = end - 1;
	if (is_impl) {
		inner += strlen("impl ");
		word = find_word(inner, last, " for ");
		inner = word ? word + strlen(" for ") : inner;
	} else {
		word = find_word(inner, last, " as ");
		last = word ? word : last;
	}
	bare->at = inner;
	put_type(bare, last);
	bare->at = end;
}

/* "operator<<", "operator()", "operator new[]", "operator\"\" _km", "operator std::string". */
static void take_operator(struct bare *bare)
{
	size_t len = operator_name(bare->at);
	const char *end;

	if (len) {
		put(bare, bare->at, len);
		bare->at += len;
		if (starts(bare->at, " <"))
			bare->at++;
		return;
	}
	put(bare, "operator", strlen("operator"));
	bare->at += strlen("operator");
	end = bare->at + strcspn(bare->at, "(<");
	put(bare, bare->at, (size_t)(end - bare->at));
	bare->at = end;
	if (*bare->at == '<') {
		take_arguments(bare);
		put_type(bare, bare->at + strcspn(bare->at, "("));
	}
}

/* "{lambda(int)#1}" loses its parameters. */
static void take_braces(struct bare *bare)
{
	const char *end = skip_group(bare->at);

	if (!end)
		end = bare->at + strlen(bare->at);
	while (bare->at < end && !bare->failed) {
		const char *group = *bare->at == '(' ? skip_group(bare->at) : NULL;

		if (group && group <= end) {
			bare->at = group;
			continue;
		}
		put(bare, bare->at, 1);
		bare->at++;
	}
}

/* In the order in which they are written. */
static const char *skip_qualifiers(const char *text)
{
	static const char *const words[] = {" const", " volatile", " &&", " &", " noexcept"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (starts(text, words[i]))
			text += strlen(words[i]);
	}
	return text;
}

static bool ends_in_decltype(const struct bare *bare)
{
	return bare->len >= 8 && memcmp(bare->out + bare->len - 8, "decltype", 8) == 0;
}

/* Parameters end the name unless a local name follows. False at the end. */
static bool take_parameters(struct bare *bare)
{
	const char *end = skip_group(bare->at), *local;

	if (!end)
		return false;
	if (ends_in_decltype(bare)) {
		bare->at = end; /* part of the return type */
		return true;
	}
	if (bare->len == bare->start) {
		/* A function that returns a pointer to function: the name is inside. */
		bare->at += 1 + strspn(bare->at + 1, "*& ");
		return true;
	}
	local = skip_qualifiers(end);
	bare->at = local;
	return starts(local, "::");
}

/* One step. False at the end of the name. */
static bool step(struct bare *bare)
{
	static const char unnamed[] = "(anonymous namespace)";

	if (starts(bare->at, unnamed)) {
		put(bare, unnamed, sizeof(unnamed) - 1);
		bare->at += sizeof(unnamed) - 1;
		return true;
	}
	if (at_component(bare) && starts(bare->at, "operator") && !is_word(bare->at[8])) {
		take_operator(bare);
		return true;
	}
	switch (*bare->at) {
	case '(':
		return take_parameters(bare);
	case '<':
		if (at_component(bare))
			take_rust_group(bare);
		else
			take_arguments(bare);
		return true;
	case '{':
		take_braces(bare);
		return true;
	case '[':
		bare->at = skip_group(bare->at);
		return bare->at != NULL;
	case ' ':
		bare->at++;
		if (*bare->at == '[')
			return false; /* "[clone ...]" */
		if (*bare->at == '(' && ends_in_decltype(bare))
			return take_parameters(bare);
		bare->len = bare->start; /* what stood before is the return type */
		return true;
	case ')':
		return false;
	default:
		put(bare, bare->at, 1);
		bare->at++;
		return true;
	}
}

/* Thunks only adjust `this`: they keep their prefix, so that no pattern takes them for the method.
 */
static void take_prefix(struct bare *bare)
{
	static const char *const prefixes[] = {
		"non-virtual thunk to ", "virtual thunk to ", "covariant return thunk to ",
		"TLS init function for ", "TLS wrapper function for "};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (starts(bare->at, prefixes[i])) {
			put(bare, prefixes[i], strlen(prefixes[i]));
			bare->at += strlen(prefixes[i]);
			bare->start = bare->len;
			return;
		}
	}
}

size_t wf_demangle_bare(const char *demangled, bool keep_arguments, char *out, size_t size)
{
	struct bare bare = {
		.at = demangled, .out = out, .size = size, .keep_arguments = keep_arguments};

	if (!size)
		return 0;
	take_prefix(&bare);
	while (!bare.failed && *bare.at && step(&bare))
		;
	if (bare.failed)
		bare.len = 0;
	out[bare.len] = '\0';
	return bare.len;
}
