/* SPDX-License-Identifier: Apache-2.0 */
/* sample.h - made-up spans for the tests and benches of the exporter. Same numbers every time. */
#ifndef WF_TEST_SAMPLE_H
#define WF_TEST_SAMPLE_H

#include <string.h>

#include "userspace/base/str.h"
#include "userspace/span/span.h"

#define SAMPLE_START 1700000000123456789ull

static inline struct wf_value sample_text(const char *text)
{
	return (struct wf_value){
		.kind = WF_VALUE_STRING, .count = (uint32_t)strlen(text), .string = text};
}

static inline struct wf_value sample_int(int64_t value)
{
	return (struct wf_value){.kind = WF_VALUE_INT, .integer = value};
}

static inline void sample_attribute(struct wf_arena *arena, struct wf_attributes *attributes,
				    const char *key, struct wf_value value)
{
	if (!attributes->items)
		attributes->items = wf_arena_alloc(arena, 16 * sizeof(*attributes->items));
	attributes->items[attributes->count++] = (struct wf_attribute){key, value};
}

static inline void sample_id(uint8_t *id, size_t bytes, uint64_t seed)
{
	for (size_t i = 0; i < bytes; i++)
		id[bytes - 1 - i] = (uint8_t)(seed >> (8 * (i % 8)));
	id[0] |= 0x80;
}

static inline struct wf_resource *sample_resource(const char *service)
{
	struct wf_resource *resource = wf_resource_new(4096);

	sample_attribute(resource->arena, &resource->attributes, "process.pid", sample_int(1234));
	sample_attribute(resource->arena, &resource->attributes, "service.name",
			 sample_text(wf_arena_strdup(resource->arena, service)));
	resource->tgid = 1234;
	return resource;
}

/* A finished span of 1 ms with the given id and parent, both of trace `trace`. */
static inline struct wf_span *sample_span(struct wf_batch *batch, const char *name, uint64_t trace,
					  uint64_t id, uint64_t parent)
{
	struct wf_span *span = wf_batch_add(batch);

	sample_id(span->trace_id, 16, trace);
	sample_id(span->span_id, 8, id);
	if (parent)
		sample_id(span->parent_id, 8, parent);
	span->name = wf_arena_strdup(batch->arena, name);
	span->kind = WF_KIND_INTERNAL;
	span->state = WF_SPAN_FINISHED;
	span->flags = 0x103;
	span->start_ns = SAMPLE_START + id * 1000;
	span->end_ns = span->start_ns + 1000000;
	span->scope = "wftrace/test";
	span->local_root = !parent;
	span->tgid = 1234;
	span->tid = 1235;
	return span;
}

/* A batch as the bars want it: count spans, two string attributes each, one resource. */
static inline struct wf_batch *sample_batch(uint32_t count, uint64_t first_id)
{
	struct wf_batch *batch = wf_batch_new(count, 64 << 20);
	struct wf_resource *resource = sample_resource("bench");

	for (uint32_t i = 0; i < count; i++) {
		uint64_t id = first_id + i;
		struct wf_span *span = sample_span(batch, "process_order_line", id, id, 0);

		sample_attribute(batch->arena, &span->attributes, "order.customer.name",
				 sample_text("a twenty byte string"));
		sample_attribute(batch->arena, &span->attributes, "code.function.name",
				 sample_text("shop::orders::process_order_line"));
		span->resource = resource;
		wf_resource_ref(resource);
	}
	wf_resource_unref(resource);
	return batch;
}

#endif
