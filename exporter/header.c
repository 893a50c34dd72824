/* SPDX-License-Identifier: Apache-2.0 */
#include "header.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/str.h"

#define FILE_MAX (64u << 10)

void wf_headers_done(struct wf_headers *headers)
{
	while (headers->count)
		free(headers->items[--headers->count]);
}

/* The "token" of HTTP. */
static bool is_name(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("!#$%&'*+-.^_`|~", text[i]))
			return false;
	return len > 0;
}

/* Without line breaks and other controls: they would make a second header. */
static bool is_value(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return true;
}

static void trim(const char **text, size_t *len)
{
	while (*len && (**text == ' ' || **text == '\t')) {
		(*text)++;
		(*len)--;
	}
	while (*len && strchr(" \t\r", (*text)[*len - 1]))
		(*len)--;
}

static int add(struct wf_headers *headers, const char *name, size_t name_len, const char *value,
	       size_t value_len, struct wf_err *err)
{
	char *item;

	trim(&name, &name_len);
	trim(&value, &value_len);
	if (!is_name(name, name_len))
		return wf_err_set(err, EINVAL, "'%.*s' is no header name; write NAME=VALUE",
				  (int)(name_len < 40 ? name_len : 40), name);
	if (!is_value(value, value_len))
		return wf_err_set(err, EINVAL,
				  "the value of header '%.*s' holds control characters",
				  (int)name_len, name);
	if (headers->count == WF_HEADERS_MAX)
		return wf_err_set(err, E2BIG, "more than %d headers", WF_HEADERS_MAX);
	if (asprintf(&item, "%.*s: %.*s", (int)name_len, name, (int)value_len, value) < 0)
		return wf_err_set(err, ENOMEM, "out of memory");
	headers->items[headers->count++] = item;
	return 0;
}

int wf_headers_add(struct wf_headers *headers, const char *text, struct wf_err *err)
{
	size_t name_len = strcspn(text, "=:");

	if (!text[name_len])
		return wf_err_set(err, EINVAL, "a header is written NAME=VALUE");
	return add(headers, text, name_len, text + name_len + 1, strlen(text + name_len + 1), err);
}

int wf_headers_read(struct wf_headers *headers, const char *path, struct wf_err *err)
{
	wf_auto(wf_freep) char *text = NULL;
	unsigned number = 0;
	char *line, *end;
	size_t len;
	int rc = wf_read_file(path, FILE_MAX, &text, &len, err);

	if (rc < 0)
		return wf_err_wrap(err, rc, "header file");
	for (line = text; line && !rc; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		number++;
		if (line[strspn(line, " \t\r")] && *line != '#')
			rc = wf_headers_add(headers, line, err);
	}
	return rc < 0 ? wf_err_wrap(err, rc, "%s, line %u", path, number) : 0;
}

/* Decode in place; returns the length, or -1. */
static int percent_decode(char *text, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		int high, low;

		if (text[i] != '%') {
			text[n++] = text[i];
			continue;
		}
		if (i + 2 >= len)
			return -1;
		high = wf_hex_digit(text[i + 1]);
		low = wf_hex_digit(text[i + 2]);
		if (high < 0 || low < 0)
			return -1;
		text[n++] = (char)(high << 4 | low);
		i += 2;
	}
	return (int)n;
}

int wf_headers_parse_list(struct wf_headers *headers, const char *text, struct wf_err *err)
{
	wf_auto(wf_freep) char *copy = strdup(text);
	char *item, *next, *equals;
	int rc = 0, len;

	if (!copy)
		return wf_err_set(err, ENOMEM, "out of memory");
	for (item = copy; item && !rc; item = next) {
		next = strchr(item, ',');
		if (next)
			*next++ = '\0';
		if (!item[strspn(item, " \t")])
			continue;
		equals = strchr(item, '=');
		len = equals ? percent_decode(equals + 1, strlen(equals + 1)) : -1;
		if (len < 0)
			return wf_err_set(err, EINVAL,
					  "a header list is written NAME=VALUE,NAME=VALUE with "
					  "percent-encoded values");
		rc = add(headers, item, (size_t)(equals - item), equals + 1, (size_t)len, err);
	}
	return rc;
}
