/* SPDX-License-Identifier: Apache-2.0 */
#include "line.h"

#include <inttypes.h>
#include <string.h>

#include "json.h"

const char *wf_span_kind_name(uint8_t kind)
{
	static const char *const names[] = {"unspecified", "internal", "server",
					    "client",      "producer", "consumer"};

	return kind < sizeof(names) / sizeof(*names) ? names[kind] : names[0];
}

const char *wf_span_status_name(uint8_t status)
{
	static const char *const names[] = {"unset", "ok", "error"};

	return status < sizeof(names) / sizeof(*names) ? names[status] : names[0];
}

const char *wf_span_service(const struct wf_span *span)
{
	const struct wf_attributes *attributes;
	uint32_t i;

	if (!span->resource)
		return NULL;
	attributes = &span->resource->attributes;
	for (i = 0; i < attributes->count; i++)
		if (attributes->items[i].value.kind == WF_VALUE_STRING &&
		    strcmp(attributes->items[i].key, "service.name") == 0)
			return attributes->items[i].value.string;
	return NULL;
}

static void key_text(struct wf_buf *out, const char *key, const char *text)
{
	if (!text)
		return;
	wf_buf_printf(out, ",\"%s\":", key);
	wf_json_text(out, text);
}

static void ids(struct wf_buf *out, const struct wf_span *span)
{
	static const uint8_t none[8];

	wf_buf_puts(out, ",\"trace_id\":");
	wf_json_hex(out, span->trace_id, 16);
	wf_buf_puts(out, ",\"span_id\":");
	wf_json_hex(out, span->span_id, 8);
	wf_buf_puts(out, ",\"parent_id\":");
	if (memcmp(span->parent_id, none, sizeof(none)))
		wf_json_hex(out, span->parent_id, 8);
	else
		wf_buf_puts(out, "null");
}

static void events(struct wf_buf *out, const struct wf_span *span)
{
	uint32_t i;

	wf_buf_puts(out, ",\"events\":[");
	for (i = 0; i < span->event_count; i++) {
		wf_buf_puts(out, i ? ",{\"time\":" : "{\"time\":");
		wf_json_time(out, span->events[i].time_ns);
		key_text(out, "name", span->events[i].name);
		wf_buf_puts(out, ",\"attributes\":");
		wf_json_attributes(out, &span->events[i].attributes);
		wf_buf_putc(out, '}');
	}
	wf_buf_putc(out, ']');
}

static void links(struct wf_buf *out, const struct wf_span *span)
{
	uint32_t i;

	wf_buf_puts(out, ",\"links\":[");
	for (i = 0; i < span->link_count; i++) {
		wf_buf_puts(out, i ? ",{\"trace_id\":" : "{\"trace_id\":");
		wf_json_hex(out, span->links[i].trace_id, 16);
		wf_buf_puts(out, ",\"span_id\":");
		wf_json_hex(out, span->links[i].span_id, 8);
		wf_buf_puts(out, ",\"attributes\":");
		wf_json_attributes(out, &span->links[i].attributes);
		wf_buf_putc(out, '}');
	}
	wf_buf_putc(out, ']');
}

static void log_put(struct wf_buf *out, const struct wf_span *log)
{
	static const uint8_t none[8];
	bool inside = memcmp(log->parent_id, none, sizeof(none)) != 0;

	wf_buf_puts(out, "{\"type\":\"log\",\"time\":");
	wf_json_time(out, log->start_ns);
	wf_buf_puts(out, ",\"trace_id\":");
	if (inside)
		wf_json_hex(out, log->trace_id, 16);
	else
		wf_buf_puts(out, "null");
	wf_buf_puts(out, ",\"span_id\":");
	if (inside)
		wf_json_hex(out, log->parent_id, 8);
	else
		wf_buf_puts(out, "null");
	key_text(out, "severity", log->severity_text);
	wf_buf_printf(out, ",\"severity_number\":%u", log->severity);
	key_text(out, "logger", log->scope);
	key_text(out, "body", log->name);
	key_text(out, "service", wf_span_service(log));
	wf_buf_printf(out, ",\"pid\":%" PRIu32 ",\"tid\":%" PRIu32 ",\"attributes\":", log->tgid,
		      log->tid);
	wf_json_attributes(out, &log->attributes);
	wf_buf_puts(out, "}\n");
}

void wf_line_put(struct wf_buf *out, const struct wf_span *span)
{
	if (wf_span_is(span, WF_SIGNAL_LOGS)) {
		log_put(out, span);
		return;
	}
	wf_buf_puts(out, "{\"time\":");
	wf_json_time(out, span->start_ns);
	ids(out, span);
	key_text(out, "name", span->name);
	key_text(out, "kind", wf_span_kind_name(span->kind));
	wf_buf_printf(out, ",\"duration_ns\":%" PRIu64, span->end_ns - span->start_ns);
	if (span->state == WF_SPAN_UNFINISHED)
		key_text(out, "state", "unfinished");
	key_text(out, "status", wf_span_status_name(span->status));
	key_text(out, "status_message", span->status_message);
	key_text(out, "service", wf_span_service(span));
	wf_buf_printf(out, ",\"pid\":%" PRIu32 ",\"tid\":%" PRIu32 ",\"attributes\":", span->tgid,
		      span->tid);
	wf_json_attributes(out, &span->attributes);
	events(out, span);
	if (span->link_count)
		links(out, span);
	wf_buf_puts(out, "}\n");
}
