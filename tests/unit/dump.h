/* SPDX-License-Identifier: Apache-2.0 */
/* dump.h - spans as JSON lines, every field in a fixed order, for golden files. */
#ifndef WF_TEST_DUMP_H
#define WF_TEST_DUMP_H

#include <inttypes.h>
#include <string.h>

#include "userspace/base/buf.h"
#include "userspace/span/span.h"

static inline void dump_text(struct wf_buf *out, const char *text)
{
	if (text)
		wf_buf_json_string(out, text, strlen(text));
	else
		wf_buf_puts(out, "null");
}

static inline void dump_hex(struct wf_buf *out, const uint8_t *bytes, unsigned count)
{
	wf_buf_putc(out, '"');
	for (unsigned i = 0; i < count; i++)
		wf_buf_printf(out, "%02x", bytes[i]);
	wf_buf_putc(out, '"');
}

static inline void dump_value(struct wf_buf *out, const struct wf_value *value)
{
	switch (value->kind) {
	case WF_VALUE_STRING:
		wf_buf_json_string(out, value->string, value->count);
		break;
	case WF_VALUE_BOOL:
		wf_buf_puts(out, value->boolean ? "true" : "false");
		break;
	case WF_VALUE_INT:
		wf_buf_printf(out, "%" PRId64, value->integer);
		break;
	case WF_VALUE_DOUBLE:
		wf_buf_printf(out, "%.17g", value->real);
		break;
	case WF_VALUE_ARRAY:
		wf_buf_putc(out, '[');
		for (uint32_t i = 0; i < value->count; i++) {
			wf_buf_puts(out, i ? "," : "");
			dump_value(out, &value->items[i]);
		}
		wf_buf_putc(out, ']');
		break;
	default:
		wf_buf_puts(out, "null");
	}
}

static inline void dump_attributes(struct wf_buf *out, const struct wf_attributes *list)
{
	wf_buf_puts(out, ",\"attributes\":{");
	for (uint32_t i = 0; i < list->count; i++) {
		wf_buf_puts(out, i ? "," : "");
		dump_text(out, list->items[i].key);
		wf_buf_putc(out, ':');
		dump_value(out, &list->items[i].value);
	}
	wf_buf_printf(out, "},\"dropped\":%u", list->dropped);
}

static inline void dump_events(struct wf_buf *out, const struct wf_span *span)
{
	wf_buf_puts(out, ",\"events\":[");
	for (uint32_t i = 0; i < span->event_count; i++) {
		wf_buf_puts(out, i ? ",{\"name\":" : "{\"name\":");
		dump_text(out, span->events[i].name);
		wf_buf_printf(out, ",\"time\":%" PRIu64, span->events[i].time_ns);
		dump_attributes(out, &span->events[i].attributes);
		wf_buf_putc(out, '}');
	}
	wf_buf_printf(out, "],\"dropped_events\":%u,\"links\":[", span->dropped_events);
	for (uint32_t i = 0; i < span->link_count; i++) {
		wf_buf_puts(out, i ? ",[" : "[");
		dump_hex(out, span->links[i].trace_id, 16);
		wf_buf_putc(out, ',');
		dump_hex(out, span->links[i].span_id, 8);
		wf_buf_putc(out, ']');
	}
	wf_buf_putc(out, ']');
}

static inline void dump_span(struct wf_buf *out, const struct wf_span *span)
{
	wf_buf_puts(out, "{\"name\":");
	dump_text(out, span->name);
	wf_buf_puts(out, ",\"trace\":");
	dump_hex(out, span->trace_id, 16);
	wf_buf_puts(out, ",\"span\":");
	dump_hex(out, span->span_id, 8);
	wf_buf_puts(out, ",\"parent\":");
	dump_hex(out, span->parent_id, 8);
	wf_buf_printf(out,
		      ",\"kind\":%u,\"state\":%u,\"status\":%u,\"local_root\":%u,\"flags\":%u,"
		      "\"start\":%" PRIu64 ",\"end\":%" PRIu64
		      ",\"tgid\":%u,\"tid\":%u,\"depth\":%u,\"message\":",
		      span->kind, span->state, span->status, span->local_root, span->flags,
		      span->start_ns, span->end_ns, span->tgid, span->tid, span->depth);
	dump_text(out, span->status_message);
	wf_buf_puts(out, ",\"scope\":");
	dump_text(out, span->scope);
	dump_attributes(out, &span->attributes);
	dump_events(out, span);
	if (span->resource) {
		wf_buf_printf(out, ",\"resource\":{\"tgid\":%u", span->resource->tgid);
		dump_attributes(out, &span->resource->attributes);
		wf_buf_putc(out, '}');
	}
	wf_buf_puts(out, "}\n");
}

#endif
