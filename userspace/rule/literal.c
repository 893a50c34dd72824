/* SPDX-License-Identifier: Apache-2.0 */
#include "literal.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "userspace/base/str.h"

#define ESCAPE_MAX    10         /* \UXXXXXXXX, for at least one byte */
#define PUT_BYTES_MAX (4u << 20) /* of one text, with what it takes on the way */

/* The character at `at` of valid UTF-8; moves behind it. */
static uint32_t next_character(const char *text, size_t *at)
{
	unsigned char first = (unsigned char)text[(*at)++];
	unsigned more = first < 0xc0 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
	uint32_t character = more ? first & (0x3fu >> more) : first;

	while (more-- && text[*at])
		character = character << 6 | ((unsigned char)text[(*at)++] & 0x3f);
	return character;
}

static size_t put_character(char *out, uint32_t character)
{
	if (character == '\'' || character == '\\') {
		out[0] = '\\';
		out[1] = (char)character;
		return 2;
	}
	if (character >= ' ' && character < 0x7f) {
		out[0] = (char)character;
		return 1;
	}
	return (size_t)snprintf(out, ESCAPE_MAX + 1, "\\U%08" PRIx32, character);
}

const char *wf_literal_text(struct wf_arena *arena, const char *text, size_t len)
{
	char *clean = wf_arena_alloc_raw(arena, 3 * len + 1);
	char *out = wf_arena_alloc_raw(arena, 3 * len * ESCAPE_MAX + 3);
	size_t at = 0, used = 0;

	if (!clean || !out)
		return NULL;
	len = wf_utf8_clean(clean, text, len);
	clean[len] = '\0';
	out[used++] = '\'';
	while (at < len)
		used += put_character(out + used, next_character(clean, &at));
	out[used++] = '\'';
	out[used] = '\0';
	return out;
}

void wf_literal_put(struct wf_buf *out, const char *text)
{
	wf_auto(wf_arena_freep) struct wf_arena *arena = wf_arena_new(PUT_BYTES_MAX);
	const char *literal = arena ? wf_literal_text(arena, text, strlen(text)) : NULL;

	if (literal)
		wf_buf_puts(out, literal);
	else
		out->failed = true;
}

static const char *list(struct wf_arena *arena, const struct wf_value *value)
{
	const char *text = "";

	for (uint32_t i = 0; text && i < value->count; i++) {
		const char *item = wf_literal_value(arena, &value->items[i]);

		text = item ? wf_arena_printf(arena, "%s%s%s", text, i ? ", " : "", item) : NULL;
	}
	return text ? wf_arena_printf(arena, "[%s]", text) : NULL;
}

const char *wf_literal_value(struct wf_arena *arena, const struct wf_value *value)
{
	switch (value->kind) {
	case WF_VALUE_STRING:
		return wf_literal_text(arena, value->string, value->count);
	case WF_VALUE_BOOL:
		return value->boolean ? "True" : "False";
	case WF_VALUE_INT:
		return wf_arena_printf(arena, "%" PRId64, value->integer);
	case WF_VALUE_DOUBLE:
		return isfinite(value->real) ? wf_arena_printf(arena, "%.17g", value->real)
					     : "None";
	case WF_VALUE_ARRAY:
		return list(arena, value);
	default:
		return "None";
	}
}
