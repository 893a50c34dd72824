/* SPDX-License-Identifier: Apache-2.0 */
#include "outcome.h"

#include <errno.h>
#include <string.h>

#include "capture.h"
#include "raised.h"
#include "userspace/base/str.h"
#include "userspace/rule/expr.h"

#define OTHER_ERROR "_OTHER" /* semantic conventions: no type is known */

const char *wf_outcome_end(const struct wf_rec_span *record)
{
	if (record->head.kind != WF_REC_SPAN)
		return NULL;
	switch (record->status) {
	case WF_END_DEAD:
		return "abandoned";
	case WF_END_JUMP:
		return "longjmp";
	case WF_END_THREAD_EXIT:
		return "thread_exit";
	case WF_END_EXEC:
		return "exec";
	case WF_END_CANCELLED:
		return "cancelled";
	default:
		return NULL;
	}
}

const char *wf_outcome_error_type(const struct wf_builder_input *in, const struct wf_span *span)
{
	/* The exception event comes last, with its type first. */
	if (wf_outcome_raised(in) && span->event_count)
		return span->events[span->event_count - 1].attributes.items[0].value.string;
	return OTHER_ERROR;
}

bool wf_outcome_raised(const struct wf_builder_input *in)
{
	return in->exception ||
	       (in->record->head.kind == WF_REC_SPAN && in->record->status == WF_END_RAISED);
}

/* What a Python agent told. */
static int add_raised(struct wf_builder *builder, struct wf_arena *arena,
		      const struct wf_rec_span *record, struct wf_span *span)
{
	struct wf_event *event = &span->events[span->event_count];
	const struct wf_attribute *items;
	uint32_t repaired = 0;
	int rc;

	*event = (struct wf_event){.time_ns = span->end_ns};
	rc = wf_raised_event(record, arena, event, &repaired);
	if (rc < 0)
		return rc;
	builder->counters->utf8_repaired += repaired;
	items = event->attributes.items;
	span->status_message = items[0].value.string;
	if (event->attributes.count > 1 && strcmp(items[1].key, "exception.message") == 0)
		span->status_message = wf_arena_printf(arena, "%s: %s", items[0].value.string,
						       items[1].value.string);
	span->event_count++;
	return span->status_message ? 0 : -ENOSPC;
}

/* exception.type first: error.type reads it there. */
static int add_exception(struct wf_builder *builder, struct wf_arena *arena,
			 const struct wf_exception *exception, struct wf_span *span)
{
	const char *type = wf_exceptions_type(builder->exceptions, exception), *raw;
	struct wf_event *event = &span->events[span->event_count];
	struct wf_attribute *items = wf_arena_alloc(arena, 2 * sizeof(*items));
	uint32_t repaired = 0;
	size_t len = 0;

	if (!items || wf_capture_string(arena, type, strlen(type), &items[0].value, &repaired) < 0)
		return -ENOSPC;
	items[0].key = "exception.type";
	*event = (struct wf_event){.time_ns = span->end_ns, .name = "exception"};
	event->attributes = (struct wf_attributes){.items = items, .count = 1};
	span->status_message = items[0].value.string;
	raw = wf_exception_message(exception, &len);
	if (raw) {
		if (wf_capture_string(arena, raw, len, &items[1].value, &repaired) < 0)
			return -ENOSPC;
		items[1].key = "exception.message";
		event->attributes.count = 2;
		span->status_message = wf_arena_printf(arena, "%s: %s", items[0].value.string,
						       items[1].value.string);
		if (!span->status_message)
			return -ENOSPC;
	}
	builder->counters->utf8_repaired += repaired;
	span->event_count++;
	return 0;
}

/* The rule's attributes that have a value. */
static int fill_attributes(struct wf_builder *builder, const struct wf_rule *rule,
			   const struct wf_eval *eval, struct wf_attributes *list)
{
	list->items = wf_arena_alloc_raw(eval->arena, rule->attribute_count * sizeof(*list->items));
	if (!list->items)
		return -ENOSPC;
	for (uint32_t i = 0; i < rule->attribute_count; i++) {
		struct wf_value value = wf_expr_eval(rule->attributes[i].value, eval);

		if (value.kind == WF_VALUE_NONE)
			continue;
		if (list->count == WF_ATTRIBUTES_MAX) {
			list->dropped++;
			builder->counters->attributes_dropped++;
			continue;
		}
		list->items[list->count++] = (struct wf_attribute){rule->attributes[i].key, value};
	}
	return 0;
}

/* Name and attributes by the rule of the event's own definition. */
static int fill_event(struct wf_builder *builder, struct wf_arena *arena,
		      const struct wf_rec_span *record, const struct wf_definition *definition,
		      struct wf_event *event)
{
	const struct wf_rule *rule = NULL;
	struct wf_slots slots;
	struct wf_eval eval = {.slots = slots.values, .arena = arena};
	int rc;

	if (builder->rules && definition->rule < builder->rules->count)
		rule = &builder->rules->rules[definition->rule];
	rc = wf_capture_slots(record, rule ? rule->operands : NULL, rule ? rule->operand_count : 0,
			      arena, &slots);
	if (rc < 0)
		return rc;
	eval.slot_count = slots.count;
	eval.function = wf_arena_strdup(arena, definition->name);
	if (!eval.function)
		return -ENOSPC;
	event->name = rule && rule->name ? wf_template_eval(rule->name, &eval) : eval.function;
	builder->counters->utf8_repaired += slots.repaired;
	return rule ? fill_attributes(builder, rule, &eval, &event->attributes) : 0;
}

/* An event that does not hold together is left out, and does not take its span along. */
static int add_event(struct wf_builder *builder, struct wf_arena *arena,
		     const struct wf_builder_input *in, const struct wf_waiting_event *waiting,
		     struct wf_span *span)
{
	const struct wf_definition *definition = wf_catalog_find_in(
		builder->catalog, waiting->record.head.tgid, waiting->record.head.span);
	struct wf_event *event = &span->events[span->event_count];
	int rc = -EBADMSG;

	memset(event, 0, sizeof(*event));
	event->time_ns = waiting->record.head.time_ns + in->context->clock_offset_ns;
	if (definition)
		rc = fill_event(builder, arena, &waiting->record, definition, event);
	if (rc == -EBADMSG)
		span->dropped_events++;
	else if (!rc)
		span->event_count++;
	return rc == -ENOSPC ? rc : 0;
}

static int add_events(struct wf_builder *builder, struct wf_arena *arena,
		      const struct wf_builder_input *in, struct wf_span *span)
{
	bool raised = wf_outcome_raised(in);
	uint32_t waiting = in->events ? in->events->count : 0, room = waiting + raised;
	const struct wf_waiting_event *at = in->events;
	int rc;

	if (!room)
		return 0;
	if (room > WF_EVENTS_PER_SPAN)
		room = WF_EVENTS_PER_SPAN;
	span->events = wf_arena_alloc_raw(arena, room * sizeof(*span->events));
	if (!span->events)
		return -ENOSPC;
	for (uint32_t left = room - raised; at && left; at = at->next, left--) {
		rc = add_event(builder, arena, in, at, span);
		if (rc < 0)
			return rc;
	}
	span->dropped_events += in->events ? in->events->dropped : 0;
	span->dropped_events += waiting + raised - room;
	if (!in->exception)
		return raised ? add_raised(builder, arena, in->record, span) : 0;
	return add_exception(builder, arena, in->exception, span);
}

/* An exception that left the call, but is none of its errors: by the last event, which tells it. */
static bool is_forgiven(const struct wf_rule *rule, const struct wf_builder_input *in,
			const struct wf_span *span)
{
	const char *type, *name;

	if (!rule || !rule->not_error_count || !wf_outcome_raised(in) || !span->event_count)
		return false;
	type = span->events[span->event_count - 1].attributes.items[0].value.string;
	name = strrchr(type, '.');
	for (uint32_t i = 0; i < rule->not_error_count; i++)
		if (wf_glob_match(rule->not_errors[i], type) ||
		    (name && wf_glob_match(rule->not_errors[i], name + 1)))
			return true;
	return false;
}

int wf_outcome_set(struct wf_builder *builder, struct wf_arena *arena,
		   const struct wf_builder_input *in, const struct wf_rule *rule,
		   struct wf_span *span)
{
	bool failed = span->status == WF_STATUS_ERROR; /* by its rule */
	int rc;

	if (in->record->head.kind == WF_REC_SPAN && in->record->status == WF_END_RAISED)
		span->status = WF_STATUS_ERROR;
	if (in->record->head.kind == WF_REC_SPAN && in->record->status == WF_END_THROW) {
		span->status = WF_STATUS_ERROR;
		/* Another language's unwinding, or a type that came too late. */
		if (!in->exception)
			span->status_message = "unwound by an exception or panic of unknown type";
	}
	if (span->state == WF_SPAN_OPEN)
		return 0;
	rc = add_events(builder, arena, in, span);
	if (rc < 0 || failed || !is_forgiven(rule, in, span))
		return rc;
	span->status = WF_STATUS_UNSET;
	span->status_message = NULL;
	return 0;
}
