/* SPDX-License-Identifier: Apache-2.0 */
#include "rust.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#define HASH_LEN 17 /* h and 16 hex digits */

/* Length-prefixed part of a legacy name; NULL at its end or where it is broken. */
static const char *legacy_part(const char **at, size_t *ret_len)
{
	const char *text = *at;
	size_t len = 0;

	while (isdigit((unsigned char)*text) && len < 100000)
		len = len * 10 + (size_t)(*text++ - '0');
	if (text == *at || !len || strnlen(text, len) < len)
		return NULL;
	*at = text + len;
	*ret_len = len;
	return text;
}

static bool is_hash(const char *text, size_t len)
{
	if (len != HASH_LEN || *text != 'h')
		return false;
	for (size_t i = 1; i < len; i++) {
		if (!isdigit((unsigned char)text[i]) && (text[i] < 'a' || text[i] > 'f'))
			return false;
	}
	return true;
}

bool wf_rust_is_legacy(const char *raw)
{
	const char *at = raw + 3, *part, *last = NULL;
	size_t len = 0, last_len = 0;

	if (strncmp(raw, "_ZN", 3) != 0)
		return false;
	while ((part = legacy_part(&at, &len)) != NULL) {
		last = part;
		last_len = len;
	}
	return last && *at == 'E' && (at[1] == '\0' || at[1] == '.') && is_hash(last, last_len);
}

static void put_utf8(struct wf_buf *out, uint32_t c)
{
	if (c < 0x80) {
		wf_buf_putc(out, (char)c);
	} else if (c < 0x800) {
		wf_buf_putc(out, (char)(0xc0 | c >> 6));
		wf_buf_putc(out, (char)(0x80 | (c & 0x3f)));
	} else {
		wf_buf_putc(out, (char)(0xe0 | c >> 12));
		wf_buf_putc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		wf_buf_putc(out, (char)(0x80 | (c & 0x3f)));
	}
}

/* "u20": a character by its number. */
static bool put_number(struct wf_buf *out, const char *code, size_t len)
{
	uint32_t value = 0;

	if (len < 2 || len > 5 || *code != 'u')
		return false;
	for (size_t i = 1; i < len; i++) {
		if (!isxdigit((unsigned char)code[i]))
			return false;
		value = value * 16 + (uint32_t)(isdigit((unsigned char)code[i])
							? code[i] - '0'
							: tolower(code[i]) - 'a' + 10);
	}
	if (value < 0x20 || value == 0x7f || (value >= 0xd800 && value < 0xe000))
		return false;
	put_utf8(out, value);
	return true;
}

static bool put_escape(struct wf_buf *out, const char *code, size_t len)
{
	static const struct {
		const char *code, *text;
	} known[] = {{"LT", "<"}, {"GT", ">"}, {"LP", "("}, {"RP", ")"},
		     {"RF", "&"}, {"BP", "*"}, {"SP", "@"}, {"C", ","}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i].code) == len && memcmp(known[i].code, code, len) == 0) {
			wf_buf_puts(out, known[i].text);
			return true;
		}
	}
	return put_number(out, code, len);
}

static void put_legacy_part(struct wf_buf *out, const char *part, size_t len)
{
	size_t i = len > 1 && part[0] == '_' && part[1] == '$';

	while (i < len) {
		const char *end = NULL;

		if (part[i] == '$')
			end = memchr(part + i + 1, '$', len - i - 1);
		if (end && put_escape(out, part + i + 1, (size_t)(end - part) - i - 1)) {
			i = (size_t)(end - part) + 1;
		} else if (part[i] == '.' && i + 1 < len && part[i + 1] == '.') {
			wf_buf_puts(out, "::");
			i += 2;
		} else {
			wf_buf_putc(out, part[i++]);
		}
	}
}

int wf_rust_demangle_legacy(const char *raw, struct wf_buf *out)
{
	const char *at = raw + 3, *part;
	bool first = true;
	size_t len = 0;

	if (!wf_rust_is_legacy(raw))
		return -EINVAL;
	while ((part = legacy_part(&at, &len)) != NULL) {
		if (*at == 'E' && is_hash(part, len))
			break;
		if (!first)
			wf_buf_puts(out, "::");
		put_legacy_part(out, part, len);
		first = false;
	}
	return out->failed ? -E2BIG : 0;
}
