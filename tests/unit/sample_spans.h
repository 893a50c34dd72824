/* SPDX-License-Identifier: Apache-2.0 */
/* sample_spans.h - a batch with everything that a span can hold, for the golden files. */
#ifndef WF_TEST_SAMPLE_SPANS_H
#define WF_TEST_SAMPLE_SPANS_H

#include "sample.h"

static inline void sample_take_resource(struct wf_span *span, struct wf_resource *resource)
{
	span->resource = resource;
	wf_resource_ref(resource);
}

static inline void sample_values(struct wf_arena *arena, struct wf_attributes *attributes)
{
	static const struct wf_value items[] = {
		{.kind = WF_VALUE_STRING, .count = 3, .string = "one"},
		{.kind = WF_VALUE_STRING, .count = 0, .string = ""},
	};

	sample_attribute(arena, attributes, "text", sample_text("gr\xc3\xbc\xc3\x9f \"dich\"\n"));
	sample_attribute(arena, attributes, "text.empty", sample_text(""));
	sample_attribute(arena, attributes, "text.nul",
			 (struct wf_value){.kind = WF_VALUE_STRING, .count = 3, .string = "a\0b"});
	sample_attribute(arena, attributes, "int.zero", sample_int(0));
	sample_attribute(arena, attributes, "int.negative", sample_int(-7));
	sample_attribute(arena, attributes, "int.large", sample_int(INT64_MAX));
	sample_attribute(arena, attributes, "bool.false",
			 (struct wf_value){.kind = WF_VALUE_BOOL, .boolean = false});
	sample_attribute(arena, attributes, "bool.true",
			 (struct wf_value){.kind = WF_VALUE_BOOL, .boolean = true});
	sample_attribute(arena, attributes, "double.zero",
			 (struct wf_value){.kind = WF_VALUE_DOUBLE, .real = 0});
	sample_attribute(arena, attributes, "double",
			 (struct wf_value){.kind = WF_VALUE_DOUBLE, .real = -0.1});
	sample_attribute(arena, attributes, "array",
			 (struct wf_value){.kind = WF_VALUE_ARRAY, .count = 2, .items = items});
	sample_attribute(arena, attributes, "absent", (struct wf_value){.kind = WF_VALUE_NONE});
	attributes->dropped = 3;
}

static inline void sample_exception(struct wf_batch *batch, struct wf_span *span)
{
	span->events = wf_arena_alloc(batch->arena, sizeof(*span->events));
	span->event_count = 1;
	span->events[0].time_ns = span->end_ns;
	span->events[0].name = "exception";
	sample_attribute(batch->arena, &span->events[0].attributes, "exception.type",
			 sample_text("shop::declined"));
	sample_attribute(batch->arena, &span->events[0].attributes, "exception.message",
			 sample_text("card refused"));
	span->status = WF_STATUS_ERROR;
	span->status_message = "shop::declined: card refused";
}

static inline void sample_link(struct wf_batch *batch, struct wf_span *span)
{
	span->links = wf_arena_alloc(batch->arena, sizeof(*span->links));
	span->link_count = 1;
	sample_id(span->links[0].trace_id, 16, 77);
	sample_id(span->links[0].span_id, 8, 78);
	sample_attribute(batch->arena, &span->links[0].attributes, "wait_ms", sample_int(0));
}

/* Six spans and one notice, of two processes and two scopes, mixed. */
static inline struct wf_batch *sample_everything(void)
{
	struct wf_resource *shop = sample_resource("shop"), *bank = sample_resource("bank");
	struct wf_batch *batch = wf_batch_new(16, 1 << 20);
	struct wf_span *span;

	span = sample_span(batch, "charge", 1, 3, 2);
	sample_take_resource(span, shop);
	sample_exception(batch, span);
	span = sample_span(batch, "transfer", 2, 4, 0);
	sample_take_resource(span, bank);
	span->kind = WF_KIND_SERVER;
	span->scope = "wftrace/bank";
	sample_values(batch->arena, &span->attributes);
	span = sample_span(batch, "never sent", 1, 5, 2);
	sample_take_resource(span, shop);
	span->state = WF_SPAN_OPEN;
	span = sample_span(batch, "order", 1, 2, 0);
	sample_take_resource(span, shop);
	sample_link(batch, span);
	span->dropped_events = 2;
	span = sample_span(batch, "other profile", 1, 6, 0);
	sample_take_resource(span, shop);
	span->scope = "wftrace/bank";
	span->status = WF_STATUS_OK;
	span = sample_span(batch, "of nobody", 3, 7, 0);
	span->scope = NULL;
	span->flags = 0;
	span = sample_span(batch, "ends with wftrace", 3, 8, 0);
	sample_take_resource(span, bank);
	span->state = WF_SPAN_UNFINISHED;
	wf_resource_unref(shop);
	wf_resource_unref(bank);
	return batch;
}

#endif
