/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

void wf_json_text(struct wf_buf *buf, const char *text)
{
	wf_buf_json_string(buf, text, strlen(text));
}

void wf_json_hex(struct wf_buf *buf, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * 16 + 2];
	size_t i, n = 0;

	text[n++] = '"';
	for (i = 0; i < len && i < 16; i++) {
		text[n++] = digits[bytes[i] >> 4];
		text[n++] = digits[bytes[i] & 15];
	}
	text[n++] = '"';
	wf_buf_append(buf, text, n);
}

void wf_json_double(struct wf_buf *buf, double value)
{
	char text[32];

	if (isnan(value)) {
		wf_buf_puts(buf, "\"NaN\"");
		return;
	}
	if (isinf(value)) {
		wf_buf_puts(buf, value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
		return;
	}
	/* 15 digits read well and are mostly exact; 17 always are. */
	snprintf(text, sizeof(text), "%.15g", value);
	if (strtod(text, NULL) != value)
		snprintf(text, sizeof(text), "%.17g", value);
	wf_buf_puts(buf, text);
}

void wf_json_time(struct wf_buf *buf, uint64_t realtime_ns)
{
	time_t seconds = (time_t)(realtime_ns / 1000000000u);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm)) {
		wf_buf_puts(buf, "null");
		return;
	}
	wf_buf_printf(buf, "\"%04d-%02d-%02dT%02d:%02d:%02d.%09uZ\"", tm.tm_year + 1900,
		      tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		      (unsigned)(realtime_ns % 1000000000u));
}

static void array(struct wf_buf *buf, const struct wf_value *value)
{
	uint32_t i;

	wf_buf_putc(buf, '[');
	for (i = 0; i < value->count; i++) {
		if (i)
			wf_buf_putc(buf, ',');
		/* Arrays hold scalars only; a nested one would not be a value. */
		if (value->items[i].kind == WF_VALUE_ARRAY)
			wf_buf_puts(buf, "null");
		else
			wf_json_value(buf, &value->items[i]);
	}
	wf_buf_putc(buf, ']');
}

void wf_json_value(struct wf_buf *buf, const struct wf_value *value)
{
	switch (value->kind) {
	case WF_VALUE_STRING:
		wf_buf_json_string(buf, value->string, value->count);
		break;
	case WF_VALUE_BOOL:
		wf_buf_puts(buf, value->boolean ? "true" : "false");
		break;
	case WF_VALUE_INT:
		wf_buf_printf(buf, "%" PRId64, value->integer);
		break;
	case WF_VALUE_DOUBLE:
		wf_json_double(buf, value->real);
		break;
	case WF_VALUE_ARRAY:
		array(buf, value);
		break;
	default:
		wf_buf_puts(buf, "null");
	}
}

void wf_json_attributes(struct wf_buf *buf, const struct wf_attributes *attributes)
{
	bool first = true;
	uint32_t i;

	wf_buf_putc(buf, '{');
	for (i = 0; i < attributes->count; i++) {
		if (attributes->items[i].value.kind == WF_VALUE_NONE)
			continue;
		if (!first)
			wf_buf_putc(buf, ',');
		first = false;
		wf_json_text(buf, attributes->items[i].key);
		wf_buf_putc(buf, ':');
		wf_json_value(buf, &attributes->items[i].value);
	}
	wf_buf_putc(buf, '}');
}
