/* SPDX-License-Identifier: Apache-2.0 */
#include "otlp_json.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "group.h"
#include "json.h"

static void value_put(struct wf_buf *out, const struct wf_value *value);

static void array_put(struct wf_buf *out, const struct wf_value *value)
{
	uint32_t i;

	wf_buf_puts(out, "{\"arrayValue\":{\"values\":[");
	for (i = 0; i < value->count; i++) {
		if (i)
			wf_buf_putc(out, ',');
		if (value->items[i].kind == WF_VALUE_ARRAY)
			wf_buf_puts(out, "{}");
		else
			value_put(out, &value->items[i]);
	}
	wf_buf_puts(out, "]}}");
}

static void value_put(struct wf_buf *out, const struct wf_value *value)
{
	switch (value->kind) {
	case WF_VALUE_STRING:
		wf_buf_puts(out, "{\"stringValue\":");
		wf_json_value(out, value);
		break;
	case WF_VALUE_BOOL:
		wf_buf_puts(out, "{\"boolValue\":");
		wf_json_value(out, value);
		break;
	case WF_VALUE_INT:
		wf_buf_printf(out, "{\"intValue\":\"%" PRId64 "\"", value->integer);
		break;
	case WF_VALUE_DOUBLE:
		wf_buf_puts(out, "{\"doubleValue\":");
		wf_json_value(out, value);
		break;
	case WF_VALUE_ARRAY:
		array_put(out, value);
		return;
	default:
		wf_buf_putc(out, '{');
	}
	wf_buf_putc(out, '}');
}

/* ,"attributes":[...],"droppedAttributesCount":n as far as there are any; lead is "," or "". */
static void attributes_put(struct wf_buf *out, const char *lead,
			   const struct wf_attributes *attributes)
{
	bool first = true;
	uint32_t i;

	if (attributes->count) {
		wf_buf_printf(out, "%s\"attributes\":[", lead);
		lead = ",";
		for (i = 0; i < attributes->count; i++) {
			if (attributes->items[i].value.kind == WF_VALUE_NONE)
				continue;
			wf_buf_puts(out, first ? "{\"key\":" : ",{\"key\":");
			first = false;
			wf_json_text(out, attributes->items[i].key);
			wf_buf_puts(out, ",\"value\":");
			value_put(out, &attributes->items[i].value);
			wf_buf_putc(out, '}');
		}
		wf_buf_putc(out, ']');
	}
	if (attributes->dropped)
		wf_buf_printf(out, "%s\"droppedAttributesCount\":%" PRIu32, lead,
			      attributes->dropped);
}

static void events_put(struct wf_buf *out, const struct wf_span *span)
{
	uint32_t i;

	wf_buf_puts(out, ",\"events\":[");
	for (i = 0; i < span->event_count; i++) {
		const struct wf_event *event = &span->events[i];

		wf_buf_printf(out, "%s{\"timeUnixNano\":\"%" PRIu64 "\",\"name\":", i ? "," : "",
			      event->time_ns);
		wf_json_text(out, event->name);
		attributes_put(out, ",", &event->attributes);
		wf_buf_putc(out, '}');
	}
	wf_buf_putc(out, ']');
}

static void links_put(struct wf_buf *out, const struct wf_span *span)
{
	uint32_t i;

	wf_buf_puts(out, ",\"links\":[");
	for (i = 0; i < span->link_count; i++) {
		wf_buf_puts(out, i ? ",{\"traceId\":" : "{\"traceId\":");
		wf_json_hex(out, span->links[i].trace_id, 16);
		wf_buf_puts(out, ",\"spanId\":");
		wf_json_hex(out, span->links[i].span_id, 8);
		attributes_put(out, ",", &span->links[i].attributes);
		wf_buf_putc(out, '}');
	}
	wf_buf_putc(out, ']');
}

static void status_put(struct wf_buf *out, const struct wf_span *span)
{
	wf_buf_puts(out, ",\"status\":{");
	if (span->status_message) {
		wf_buf_puts(out, "\"message\":");
		wf_json_text(out, span->status_message);
	}
	if (span->status)
		wf_buf_printf(out, "%s\"code\":%u", span->status_message ? "," : "", span->status);
	wf_buf_putc(out, '}');
}

static void ids_put(struct wf_buf *out, const struct wf_span *span)
{
	static const uint8_t none[8];

	wf_buf_puts(out, "{\"traceId\":");
	wf_json_hex(out, span->trace_id, 16);
	wf_buf_puts(out, ",\"spanId\":");
	wf_json_hex(out, span->span_id, 8);
	if (memcmp(span->parent_id, none, sizeof(none))) {
		wf_buf_puts(out, ",\"parentSpanId\":");
		wf_json_hex(out, span->parent_id, 8);
	}
}

static void span_put(struct wf_buf *out, const struct wf_span *span)
{
	ids_put(out, span);
	if (span->flags)
		wf_buf_printf(out, ",\"flags\":%" PRIu32, span->flags);
	wf_buf_puts(out, ",\"name\":");
	wf_json_text(out, span->name);
	wf_buf_printf(out,
		      ",\"kind\":%u,\"startTimeUnixNano\":\"%" PRIu64
		      "\",\"endTimeUnixNano\":\"%" PRIu64 "\"",
		      span->kind, span->start_ns, span->end_ns);
	attributes_put(out, ",", &span->attributes);
	if (span->event_count)
		events_put(out, span);
	if (span->dropped_events)
		wf_buf_printf(out, ",\"droppedEventsCount\":%" PRIu32, span->dropped_events);
	if (span->link_count)
		links_put(out, span);
	if (span->status || span->status_message)
		status_put(out, span);
	wf_buf_putc(out, '}');
}

static void log_put(struct wf_buf *out, const struct wf_span *log)
{
	static const uint8_t none[8];

	wf_buf_printf(out,
		      "{\"timeUnixNano\":\"%" PRIu64 "\",\"observedTimeUnixNano\":\"%" PRIu64
		      "\",\"severityNumber\":%u",
		      log->start_ns, log->start_ns, log->severity);
	if (log->severity_text) {
		wf_buf_puts(out, ",\"severityText\":");
		wf_json_text(out, log->severity_text);
	}
	wf_buf_puts(out, ",\"body\":{\"stringValue\":");
	wf_json_text(out, log->name);
	wf_buf_putc(out, '}');
	attributes_put(out, ",", &log->attributes);
	if (memcmp(log->parent_id, none, sizeof(none))) {
		wf_buf_printf(out, ",\"flags\":%" PRIu32 ",\"traceId\":", log->flags);
		wf_json_hex(out, log->trace_id, 16);
		wf_buf_puts(out, ",\"spanId\":");
		wf_json_hex(out, log->parent_id, 8);
	}
	wf_buf_putc(out, '}');
}

/* The scope of logs is a logger, which has no version. */
static void scope_put(struct wf_buf *out, const struct wf_group *group, enum wf_signal signal)
{
	bool logs = signal == WF_SIGNAL_LOGS;
	uint32_t i;

	wf_buf_puts(out, "{\"scope\":{\"name\":");
	wf_json_text(out, group->scope);
	wf_buf_puts(out,
		    logs ? "},\"logRecords\":[" : ",\"version\":\"" WF_VERSION "\"},\"spans\":[");
	for (i = 0; i < group->count; i++) {
		if (i)
			wf_buf_putc(out, ',');
		if (logs)
			log_put(out, group->spans[i]);
		else
			span_put(out, group->spans[i]);
	}
	wf_buf_puts(out, "]}");
}

int wf_otlp_json_encode(struct wf_arena *scratch, const struct wf_batch *batch, uint32_t from,
			uint32_t to, enum wf_signal signal, struct wf_buf *out)
{
	bool logs = signal == WF_SIGNAL_LOGS;
	const struct wf_group *group;
	struct wf_groups groups;
	uint32_t i;
	int rc = wf_group_spans(scratch, batch, from, to, signal, &groups);

	if (rc < 0 || !groups.spans)
		return rc;
	wf_buf_puts(out, logs ? "{\"resourceLogs\":[" : "{\"resourceSpans\":[");
	for (i = 0; i < groups.resource_count; i++) {
		wf_buf_puts(out, i ? ",{\"resource\":{" : "{\"resource\":{");
		if (groups.resources[i]->resource)
			attributes_put(out, "", &groups.resources[i]->resource->attributes);
		wf_buf_puts(out, logs ? "},\"scopeLogs\":[" : "},\"scopeSpans\":[");
		for (group = groups.resources[i]; group; group = group->next_scope) {
			scope_put(out, group, signal);
			if (group->next_scope)
				wf_buf_putc(out, ',');
		}
		wf_buf_puts(out, "]}");
	}
	wf_buf_puts(out, "]}");
	return out->failed ? -E2BIG : 0;
}
