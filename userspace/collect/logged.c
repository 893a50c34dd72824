/* SPDX-License-Identifier: Apache-2.0 */
#include "logged.h"

#include <errno.h>
#include <string.h>

#include "bpf/agent.h"
#include "capture.h"
#include "userspace/span/wire.h"

static const struct {
	uint8_t slot;
	const char *key;
} parts[] = {
	{WF_AGENT_SLOT_FILE, "code.file.path"},
	{WF_AGENT_SLOT_LINE, "code.line.number"},
	{WF_AGENT_SLOT_FUNCTION, "code.function.name"},
	{WF_AGENT_SLOT_TYPE, "exception.type"},
	{WF_AGENT_SLOT_MESSAGE, "exception.message"},
	{WF_AGENT_SLOT_TRACEBACK, "exception.stacktrace"},
	{WF_AGENT_SLOT_TEMPLATE, "wftrace.log.template"},
};

#define PARTS (sizeof(parts) / sizeof(parts[0]))

uint64_t wf_logged_owner(const struct wf_rec_span *record)
{
	return record->id ? record->id : record->parent_id;
}

/* Levels count in tens from 10 (debug) to 50 (critical), OTLP in fours from 5 (DEBUG) to 21. */
static uint8_t severity(int64_t level)
{
	int64_t ten = level / 10, one = level % 10;

	if (level < 1)
		return 0;
	if (ten == 0)
		return 1;
	if (ten > 5)
		return 24;
	return (uint8_t)(1 + 4 * ten + (one < 3 ? one : 3));
}

static void put(struct wf_span *span, const char *key, struct wf_value value)
{
	span->attributes.items[span->attributes.count++] = (struct wf_attribute){key, value};
}

static void put_part(struct wf_span *span, uint8_t slot, struct wf_value value)
{
	for (size_t i = 0; i < PARTS; i++) {
		if (parts[i].slot != slot || span->attributes.count > PARTS)
			continue;
		if (slot == WF_AGENT_SLOT_TYPE && value.kind == WF_VALUE_STRING)
			value.string = wf_capture_type_name((char *)value.string, &value.count);
		/* a text that took no arguments is its own template */
		if (slot != WF_AGENT_SLOT_TEMPLATE || value.kind != WF_VALUE_STRING ||
		    strcmp(value.string, span->name) != 0)
			put(span, parts[i].key, value);
	}
}

static void set_part(struct wf_span *span, uint8_t slot, struct wf_value value)
{
	if (slot == WF_AGENT_SLOT_LEVEL && value.kind == WF_VALUE_INT)
		span->severity = severity(value.integer);
	else if (slot == WF_AGENT_SLOT_NAME && value.kind == WF_VALUE_STRING)
		span->severity_text = value.string;
	else if (slot == WF_AGENT_SLOT_LOGGER && value.kind == WF_VALUE_STRING)
		span->scope = value.string;
	else if (value.kind == WF_VALUE_INT || value.kind == WF_VALUE_STRING)
		put_part(span, slot, value);
}

/* The message first: the template is told only where it differs. */
static int read_parts(const struct wf_rec_span *record, struct wf_arena *arena, bool message,
		      struct wf_span *span, uint32_t *repaired)
{
	struct wf_wire_attr attr;
	size_t cursor = 0;
	int rc;

	while ((rc = wf_wire_next(record, &cursor, &attr)) > 0) {
		struct wf_value value = {0};

		if (attr.type == WF_VAL_AGENT || attr.slot < WF_AGENT_SLOT_TEXT ||
		    (attr.slot == WF_AGENT_SLOT_TEXT) != message)
			continue;
		rc = wf_capture_value(arena, &attr, &value, repaired);
		if (rc < 0)
			return rc;
		if (!message)
			set_part(span, attr.slot, value);
		else if (value.kind == WF_VALUE_STRING)
			span->name = value.string;
	}
	return rc;
}

int wf_logged_fill(const struct wf_rec_span *record, uint64_t clock_offset_ns,
		   struct wf_arena *arena, struct wf_span *ret, uint32_t *repaired)
{
	struct wf_value thread = {.kind = WF_VALUE_INT, .integer = record->head.tid};
	int rc;

	ret->state = WF_SPAN_LOG;
	ret->name = "";
	ret->tgid = record->head.tgid;
	ret->tid = record->head.tid;
	ret->start_ns = ret->end_ns = record->start_ns + clock_offset_ns;
	ret->attributes.items = wf_arena_alloc(arena, (PARTS + 2) * sizeof(*ret->attributes.items));
	if (!ret->attributes.items)
		return -ENOSPC;
	put(ret, "thread.id", thread);
	rc = read_parts(record, arena, true, ret, repaired);
	if (rc == 0)
		rc = read_parts(record, arena, false, ret, repaired);
	if (record->flags & WF_SPAN_ATTR_LOST)
		ret->attributes.dropped++;
	return rc;
}
