/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <stdio.h>
#include <string.h>

#include "userspace/base/str.h"

#define PIECE_MAX 8

/* The next character as it is shown; returns the bytes of text used, and its columns. */
static size_t next_piece(const char *text, size_t len, char *piece, unsigned *ret_columns)
{
	unsigned char c = (unsigned char)*text;
	int n = wf_utf8_next(text, len);

	*ret_columns = 1;
	if (n > 1 && !(c == 0xc2 && (unsigned char)text[1] < 0xa0)) {
		memcpy(piece, text, (size_t)n);
		piece[n] = '\0';
		return (size_t)n;
	}
	if (n == 1 && c >= 0x20 && c != 0x7f) {
		piece[0] = (char)c;
		piece[1] = '\0';
		return 1;
	}
	/* Controls (C1: second byte), and bytes that are no UTF-8. */
	if (n > 1)
		c = (unsigned char)text[1];
	if (c == '\n' || c == '\t')
		snprintf(piece, PIECE_MAX, c == '\n' ? "\\n" : "\\t");
	else
		snprintf(piece, PIECE_MAX, "\\x%02x", c);
	*ret_columns = (unsigned)strlen(piece);
	return n > 0 ? (size_t)n : 1;
}

unsigned wf_text_columns(const char *text, size_t len, unsigned limit)
{
	unsigned used = 0, width;
	char piece[PIECE_MAX];
	size_t i = 0;

	while (i < len && used <= limit) {
		i += next_piece(text + i, len - i, piece, &width);
		used += width;
	}
	return used;
}

unsigned wf_text_put(struct wf_buf *out, const char *text, size_t len, unsigned columns, bool pad)
{
	bool cut = wf_text_columns(text, len, columns) > columns;
	unsigned room = cut ? (columns > 2 ? columns - 2 : 0) : columns;
	unsigned used = 0, width;
	char piece[PIECE_MAX];
	size_t i = 0;

	while (i < len) {
		i += next_piece(text + i, len - i, piece, &width);
		if (used + width > room)
			break;
		wf_buf_puts(out, piece);
		used += width;
	}
	for (room = used + 2; cut && used < room && used < columns; used++)
		wf_buf_putc(out, '.');
	for (; pad && used < columns; used++)
		wf_buf_putc(out, ' ');
	return used;
}
