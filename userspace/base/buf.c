/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"

#define CAP_MIN 64

void wf_buf_init(struct wf_buf *buf, size_t max_bytes)
{
	*buf = (struct wf_buf){.max = max_bytes < SIZE_MAX / 4 ? max_bytes : SIZE_MAX / 4};
}

void wf_buf_done(struct wf_buf *buf)
{
	free(buf->data);
	*buf = (struct wf_buf){.max = buf->max};
}

void wf_buf_reset(struct wf_buf *buf)
{
	buf->len = 0;
	buf->failed = false;
	if (buf->data)
		buf->data[0] = '\0';
}

/* Room for len more bytes and the NUL. */
static int reserve(struct wf_buf *buf, size_t len)
{
	size_t cap = buf->cap ? buf->cap : CAP_MIN;
	char *data;

	if (buf->failed)
		return -E2BIG;
	if (len > buf->max - buf->len) {
		buf->failed = true;
		return -E2BIG;
	}
	if (buf->data && buf->len + len < buf->cap)
		return 0;
	while (cap <= buf->len + len)
		cap *= 2;
	if (cap > buf->max + 1)
		cap = buf->max + 1;
	data = realloc(buf->data, cap);
	if (!data) {
		buf->failed = true;
		return -ENOMEM;
	}
	buf->data = data;
	buf->cap = cap;
	return 0;
}

int wf_buf_append(struct wf_buf *buf, const void *bytes, size_t len)
{
	int rc = reserve(buf, len);

	if (rc < 0)
		return rc;
	if (len)
		memcpy(buf->data + buf->len, bytes, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
	return 0;
}

int wf_buf_puts(struct wf_buf *buf, const char *text)
{
	return wf_buf_append(buf, text, strlen(text));
}

int wf_buf_putc(struct wf_buf *buf, char c)
{
	return wf_buf_append(buf, &c, 1);
}

int wf_buf_printf(struct wf_buf *buf, const char *fmt, ...)
{
	size_t room = buf->data ? buf->cap - buf->len : 0;
	va_list args;
	int len, rc;

	if (buf->failed)
		return -E2BIG;
	va_start(args, fmt);
	len = vsnprintf(room ? buf->data + buf->len : NULL, room, fmt, args);
	va_end(args);
	rc = len < 0 ? -E2BIG : reserve(buf, len);
	if (rc < 0) {
		buf->failed = true;
		if (room)
			buf->data[buf->len] = '\0';
		return rc;
	}
	if ((size_t)len >= room) {
		va_start(args, fmt);
		vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, args);
		va_end(args);
	}
	buf->len += len;
	return 0;
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void json_control(struct wf_buf *buf, unsigned char c)
{
	static const char names[] = "btnvfr"; /* 8..13 */

	if (c == '"' || c == '\\') {
		wf_buf_append(buf, (char[]){'\\', (char)c}, 2);
	} else if (c >= '\b' && c <= '\r' && c != '\v') {
		wf_buf_append(buf, (char[]){'\\', names[c - '\b']}, 2);
	} else {
		wf_buf_printf(buf, "\\u%04x", c);
	}
}

int wf_buf_json_string(struct wf_buf *buf, const char *text, size_t len)
{
	size_t i = 0;

	wf_buf_putc(buf, '"');
	while (i < len && !buf->failed) {
		size_t plain = i;
		int n;

		while (plain < len && is_plain((unsigned char)text[plain]))
			plain++;
		if (plain > i) {
			wf_buf_append(buf, text + i, plain - i);
			i = plain;
			continue;
		}
		n = wf_utf8_next(text + i, len - i);
		if (n == 1)
			json_control(buf, (unsigned char)text[i]);
		else if (n > 1)
			wf_buf_append(buf, text + i, n);
		else
			wf_buf_puts(buf, "\xef\xbf\xbd");
		i += n > 0 ? n : 1;
	}
	return wf_buf_putc(buf, '"');
}
