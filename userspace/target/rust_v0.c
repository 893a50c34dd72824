/* SPDX-License-Identifier: Apache-2.0 */
#include "rust.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 64
#define STEPS_MAX 20000 /* paths and types printed; back references could make it exponential */

/* The v0 scheme: a prefix grammar, printed while it is read. */
struct v0 {
	const char *start, *at, *end; /* after "_R" */
	struct wf_buf *out;
	unsigned depth, steps;
	unsigned quiet; /* > 0: read, print nothing */
	bool failed;
};

static void print_path(struct v0 *v0, bool in_value);
static void print_type(struct v0 *v0);
static void print_const(struct v0 *v0);

static void put(struct v0 *v0, const char *text, size_t len)
{
	if (!v0->quiet && wf_buf_append(v0->out, text, len) < 0)
		v0->failed = true;
}

static void puts_v0(struct v0 *v0, const char *text)
{
	put(v0, text, strlen(text));
}

static bool eat(struct v0 *v0, char c)
{
	if (v0->failed || v0->at >= v0->end || *v0->at != c)
		return false;
	v0->at++;
	return true;
}

static char next(struct v0 *v0)
{
	if (v0->failed || v0->at >= v0->end) {
		v0->failed = true;
		return '\0';
	}
	return *v0->at++;
}

static int digit_62(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	if (islower((unsigned char)c))
		return c - 'a' + 10;
	return isupper((unsigned char)c) ? c - 'A' + 36 : -1;
}

/* "_" is 0, "0_" is 1, and so on. */
static uint64_t base_62(struct v0 *v0)
{
	uint64_t value = 0;

	if (eat(v0, '_'))
		return 0;
	while (!eat(v0, '_')) {
		int digit = digit_62(next(v0));

		if (digit < 0 || __builtin_mul_overflow(value, 62, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit, &value))
			v0->failed = true;
		if (v0->failed)
			return 0;
	}
	return value + 1;
}

static uint64_t disambiguator(struct v0 *v0)
{
	return eat(v0, 's') ? base_62(v0) + 1 : 0;
}

/* Text without its disambiguator; names that are not ASCII stay in their encoded form. */
static const char *identifier(struct v0 *v0, size_t *ret_len, bool *ret_encoded)
{
	const char *text;
	size_t len = 0;

	*ret_encoded = eat(v0, 'u');
	if (v0->at >= v0->end || !isdigit((unsigned char)*v0->at))
		v0->failed = true;
	/* Zero is one digit: what follows it belongs to something else. */
	if (!eat(v0, '0'))
		while (!v0->failed && v0->at < v0->end && isdigit((unsigned char)*v0->at) &&
		       len < 100000)
			len = len * 10 + (size_t)(*v0->at++ - '0');
	eat(v0, '_');
	text = v0->at;
	if (v0->failed || len > (size_t)(v0->end - v0->at)) {
		v0->failed = true;
		len = 0;
	}
	v0->at += len;
	*ret_len = len;
	return text;
}

static void print_identifier(struct v0 *v0)
{
	bool encoded;
	size_t len;
	const char *text = identifier(v0, &len, &encoded);

	puts_v0(v0, encoded ? "punycode{" : "");
	put(v0, text, len);
	puts_v0(v0, encoded ? "}" : "");
}

static bool enter(struct v0 *v0)
{
	if (v0->failed || ++v0->depth > DEPTH_MAX || ++v0->steps > STEPS_MAX)
		v0->failed = true;
	return !v0->failed;
}

/* Run `print` at an earlier position. Positions only go back, so it ends. */
static void back_reference(struct v0 *v0, void (*print)(struct v0 *v0))
{
	const char *here = v0->at - 1, *resume;
	uint64_t position = base_62(v0);

	if (v0->failed || position >= (uint64_t)(here - v0->start)) {
		v0->failed = true;
		return;
	}
	resume = v0->at;
	v0->at = v0->start + position;
	if (!v0->quiet)
		print(v0);
	v0->at = resume;
}

static void print_path_value(struct v0 *v0)
{
	print_path(v0, true);
}

static void print_path_type(struct v0 *v0)
{
	print_path(v0, false);
}

static void print_generic(struct v0 *v0)
{
	if (eat(v0, 'L')) {
		base_62(v0);
		puts_v0(v0, "'_");
	} else if (eat(v0, 'K')) {
		print_const(v0);
	} else {
		print_type(v0);
	}
}

static void print_list(struct v0 *v0, void (*print)(struct v0 *v0), const char *separator)
{
	bool first = true;

	while (!v0->failed && !eat(v0, 'E')) {
		if (!first)
			puts_v0(v0, separator);
		print(v0);
		first = false;
	}
}

static void print_nested(struct v0 *v0, bool in_value)
{
	char space = next(v0), number[32];
	const char *text;
	uint64_t index;
	bool encoded;
	size_t len;

	print_path(v0, in_value);
	index = disambiguator(v0);
	text = identifier(v0, &len, &encoded);
	if (isupper((unsigned char)space)) {
		puts_v0(v0, space == 'C' ? "::{closure" : space == 'S' ? "::{shim" : "::{");
		if (space != 'C' && space != 'S')
			put(v0, &space, 1);
		if (len) {
			puts_v0(v0, ":");
			put(v0, text, len);
		}
		snprintf(number, sizeof(number), "#%llu}", (unsigned long long)index);
		puts_v0(v0, number);
	} else if (len) {
		puts_v0(v0, encoded ? "::punycode{" : "::");
		put(v0, text, len);
		puts_v0(v0, encoded ? "}" : "");
	}
}

/* The path of an impl block only says where it stands. */
static void skip_impl(struct v0 *v0)
{
	v0->quiet++;
	disambiguator(v0);
	print_path(v0, false);
	v0->quiet--;
}

static void print_qualified(struct v0 *v0, bool with_trait)
{
	puts_v0(v0, "<");
	print_type(v0);
	if (with_trait) {
		puts_v0(v0, " as ");
		print_path(v0, false);
	}
	puts_v0(v0, ">");
}

static void print_path(struct v0 *v0, bool in_value)
{
	char tag;

	if (!enter(v0))
		return;
	tag = next(v0);
	switch (tag) {
	case 'C':
		disambiguator(v0);
		print_identifier(v0);
		break;
	case 'N':
		print_nested(v0, in_value);
		break;
	case 'M':
	case 'X':
		skip_impl(v0);
		print_qualified(v0, tag == 'X');
		break;
	case 'Y':
		print_qualified(v0, true);
		break;
	case 'I':
		print_path(v0, in_value);
		puts_v0(v0, in_value ? "::<" : "<");
		print_list(v0, print_generic, ", ");
		puts_v0(v0, ">");
		break;
	case 'B':
		back_reference(v0, in_value ? print_path_value : print_path_type);
		break;
	default:
		v0->failed = true;
	}
	v0->depth--;
}

static const char *basic_type(char tag)
{
	static const char *const names[] = {
		['a'] = "i8",  ['b'] = "bool", ['c'] = "char",  ['d'] = "f64",   ['e'] = "str",
		['f'] = "f32", ['h'] = "u8",   ['i'] = "isize", ['j'] = "usize", ['l'] = "i32",
		['m'] = "u32", ['n'] = "i128", ['o'] = "u128",  ['p'] = "_",     ['s'] = "i16",
		['t'] = "u16", ['u'] = "()",   ['v'] = "...",   ['x'] = "i64",   ['y'] = "u64",
		['z'] = "!",
	};

	return tag >= 'a' && tag <= 'z' ? names[(unsigned char)tag] : NULL;
}

static void skip_binder(struct v0 *v0)
{
	if (eat(v0, 'G'))
		base_62(v0);
}

static void print_function_type(struct v0 *v0)
{
	skip_binder(v0);
	if (eat(v0, 'U'))
		puts_v0(v0, "unsafe ");
	if (eat(v0, 'K')) {
		puts_v0(v0, "extern \"");
		if (eat(v0, 'C'))
			puts_v0(v0, "C");
		else
			print_identifier(v0);
		puts_v0(v0, "\" ");
	}
	puts_v0(v0, "fn(");
	print_list(v0, print_type, ", ");
	puts_v0(v0, ")");
	if (!eat(v0, 'u')) {
		puts_v0(v0, " -> ");
		print_type(v0);
	}
}

/* "Fn<(u8), Output = u8>": associated types stand with the arguments of the trait. */
static void print_bound(struct v0 *v0)
{
	bool open = eat(v0, 'I');

	print_path(v0, false);
	if (open) {
		puts_v0(v0, "<");
		print_list(v0, print_generic, ", ");
	}
	while (eat(v0, 'p')) {
		puts_v0(v0, open ? ", " : "<");
		print_identifier(v0);
		puts_v0(v0, " = ");
		print_type(v0);
		open = true;
	}
	puts_v0(v0, open ? ">" : "");
}

static void print_reference(struct v0 *v0, const char *text)
{
	if (eat(v0, 'L'))
		base_62(v0);
	puts_v0(v0, text);
	print_type(v0);
}

static void print_array(struct v0 *v0)
{
	puts_v0(v0, "[");
	print_type(v0);
	puts_v0(v0, "; ");
	print_const(v0);
	puts_v0(v0, "]");
}

static void print_compound(struct v0 *v0, char tag)
{
	switch (tag) {
	case 'A':
		print_array(v0);
		break;
	case 'S':
		puts_v0(v0, "[");
		print_type(v0);
		puts_v0(v0, "]");
		break;
	case 'T':
		puts_v0(v0, "(");
		print_list(v0, print_type, ", ");
		puts_v0(v0, ")");
		break;
	case 'R':
		print_reference(v0, "&");
		break;
	case 'Q':
		print_reference(v0, "&mut ");
		break;
	case 'P':
		print_reference(v0, "*const ");
		break;
	case 'O':
		print_reference(v0, "*mut ");
		break;
	case 'F':
		print_function_type(v0);
		break;
	default:
		puts_v0(v0, "dyn ");
		skip_binder(v0);
		print_list(v0, print_bound, " + ");
		if (eat(v0, 'L'))
			base_62(v0);
	}
}

static void print_type(struct v0 *v0)
{
	const char *name;
	char tag;

	if (!enter(v0))
		return;
	tag = next(v0);
	name = basic_type(tag);
	if (name) {
		puts_v0(v0, name);
	} else if (tag == 'B') {
		back_reference(v0, print_type);
	} else if (tag && strchr("ASTRQPOFD", tag)) {
		print_compound(v0, tag);
	} else {
		v0->at -= !v0->failed;
		print_path(v0, false);
	}
	v0->depth--;
}

/* Hexadecimal up to '_'; shown as a number where it fits. */
static void print_number(struct v0 *v0, bool is_bool)
{
	const char *digits = v0->at;
	size_t len = strspn(digits, "0123456789abcdef");
	uint64_t value = 0;
	char text[32];

	v0->at += len;
	if (!eat(v0, '_')) {
		v0->failed = true;
		return;
	}
	if (len > 16) {
		puts_v0(v0, "0x");
		put(v0, digits, len);
		return;
	}
	for (size_t i = 0; i < len; i++)
		value = value * 16 + (uint64_t)digit_62(digits[i]);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	puts_v0(v0, is_bool ? (value ? "true" : "false") : text);
}

static void print_const(struct v0 *v0)
{
	char tag;

	if (!enter(v0))
		return;
	tag = next(v0);
	if (tag == 'B') {
		back_reference(v0, print_const);
	} else if (tag == 'p') {
		puts_v0(v0, "_");
	} else if (basic_type(tag)) {
		puts_v0(v0, eat(v0, 'n') ? "-" : "");
		print_number(v0, tag == 'b');
	} else {
		v0->failed = true;
	}
	v0->depth--;
}

bool wf_rust_is_v0(const char *raw)
{
	return raw[0] == '_' && raw[1] == 'R' && isupper((unsigned char)raw[2]);
}

int wf_rust_demangle_v0(const char *raw, struct wf_buf *out)
{
	struct v0 v0 = {.out = out, .start = raw + 2, .at = raw + 2};

	if (!wf_rust_is_v0(raw))
		return -EINVAL;
	v0.end = v0.at + strcspn(v0.at, ".$"); /* what follows was added after mangling */
	print_path(&v0, true);
	return v0.failed ? -EINVAL : 0;
}
