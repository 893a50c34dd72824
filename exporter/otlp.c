/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protobuf-c packs a tree of messages; the tree lies in an arena that is reset for each part, and
 * points into the batch. The size is bounded from above while the spans are chosen, which is
 * cheaper than protobuf-c's own size walk (it costs as much as packing).
 */
#include "otlp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "group.h"
#include "otlp.pb-c.h"

/* Upper bounds in bytes: tags, lengths (5 at most) and fixed-size fields. */
#define VALUE_BOUND     32
#define ATTRIBUTE_BOUND 20
#define SPAN_BOUND      160
#define EVENT_BOUND     48
#define LINK_BOUND      64
#define RESOURCE_BOUND  96

struct wf_otlp {
	struct wf_arena *scratch;
};

struct wf_otlp *wf_otlp_new(size_t scratch_max)
{
	wf_auto(wf_otlp_freep) struct wf_otlp *otlp = calloc(1, sizeof(*otlp));

	if (!otlp)
		return NULL;
	otlp->scratch = wf_arena_new(scratch_max);
	if (!otlp->scratch)
		return NULL;
	return wf_take(otlp);
}

void wf_otlp_free(struct wf_otlp *otlp)
{
	if (!otlp)
		return;
	wf_arena_free(otlp->scratch);
	free(otlp);
}

static size_t attributes_bound(const struct wf_attributes *attributes)
{
	size_t bytes = 8;
	uint32_t i, k;

	for (i = 0; i < attributes->count; i++) {
		const struct wf_value *value = &attributes->items[i].value;

		bytes += ATTRIBUTE_BOUND + VALUE_BOUND + strlen(attributes->items[i].key);
		if (value->kind == WF_VALUE_STRING)
			bytes += value->count;
		if (value->kind != WF_VALUE_ARRAY)
			continue;
		for (k = 0; k < value->count; k++)
			bytes += VALUE_BOUND + (value->items[k].kind == WF_VALUE_STRING
							? value->items[k].count
							: 0);
	}
	return bytes;
}

static size_t span_bound(const struct wf_span *span)
{
	size_t bytes = SPAN_BOUND + strlen(span->name) + attributes_bound(&span->attributes);
	uint32_t i;

	if (span->status_message)
		bytes += strlen(span->status_message);
	for (i = 0; i < span->event_count; i++)
		bytes += EVENT_BOUND + strlen(span->events[i].name) +
			 attributes_bound(&span->events[i].attributes);
	for (i = 0; i < span->link_count; i++)
		bytes += LINK_BOUND + attributes_bound(&span->links[i].attributes);
	return bytes;
}

/* What the span adds if it begins a group: its resource and scope may stand in the request again.
 */
static size_t group_bound(const struct wf_span *span, const struct wf_span *last)
{
	size_t bytes = RESOURCE_BOUND;

	if (last && last->resource == span->resource && last->scope == span->scope)
		return 0;
	if (span->scope)
		bytes += strlen(span->scope);
	if (span->resource)
		bytes += attributes_bound(&span->resource->attributes);
	return bytes;
}

/* Choose the spans of this part; returns the bound of their bytes. */
static size_t part_cut(const struct wf_batch *batch, uint32_t from, struct wf_otlp_limit limit,
		       bool whole, struct wf_otlp_part *ret)
{
	const struct wf_span *last = NULL;
	size_t bytes = 0, more;
	uint32_t i;

	for (i = from; i < batch->count && ret->spans < limit.spans; i++) {
		const struct wf_span *span = &batch->spans[i];

		if (span->state == WF_SPAN_OPEN)
			continue;
		more = span_bound(span) + group_bound(span, last);
		if (bytes + more > limit.bytes) {
			if (whole && !ret->spans) {
				ret->too_large = 1;
				i++;
			}
			break;
		}
		bytes += more;
		ret->spans++;
		last = span;
	}
	ret->next = i;
	return bytes;
}

/* The tree's memory; a failed allocation is remembered, and the tree is not packed then. */
struct builder {
	struct wf_arena *arena;
	bool failed;
};

static void *take(struct builder *builder, size_t bytes)
{
	void *memory = wf_arena_alloc_raw(builder->arena, bytes);

	builder->failed |= !memory;
	return memory;
}

static void value_build(struct builder *builder, const struct wf_value *value, Wf__AnyValue *ret);

static Wf__ArrayValue *array_build(struct builder *builder, const struct wf_value *value)
{
	Wf__ArrayValue *array = take(builder, sizeof(*array));
	Wf__AnyValue *items = take(builder, value->count * sizeof(*items));
	Wf__AnyValue **list = take(builder, value->count * sizeof(*list));
	uint32_t i;

	if (!array || (value->count && (!items || !list)))
		return NULL;
	wf__array_value__init(array);
	for (i = 0; i < value->count; i++) {
		value_build(builder, &value->items[i], &items[i]);
		list[i] = &items[i];
	}
	array->values = list;
	array->n_values = value->count;
	return array;
}

static void value_build(struct builder *builder, const struct wf_value *value, Wf__AnyValue *ret)
{
	wf__any_value__init(ret);
	switch (value->kind) {
	case WF_VALUE_STRING:
		ret->value_case = WF__ANY_VALUE__VALUE_STRING_VALUE;
		/* Not NULL for "": protobuf-c copies from the pointer whatever the length. */
		ret->string_value.data = (uint8_t *)(value->string ? value->string : "");
		ret->string_value.len = value->string ? value->count : 0;
		break;
	case WF_VALUE_BOOL:
		ret->value_case = WF__ANY_VALUE__VALUE_BOOL_VALUE;
		ret->bool_value = value->boolean;
		break;
	case WF_VALUE_INT:
		ret->value_case = WF__ANY_VALUE__VALUE_INT_VALUE;
		ret->int_value = value->integer;
		break;
	case WF_VALUE_DOUBLE:
		ret->value_case = WF__ANY_VALUE__VALUE_DOUBLE_VALUE;
		ret->double_value = value->real;
		break;
	case WF_VALUE_ARRAY:
		ret->array_value = array_build(builder, value);
		if (ret->array_value)
			ret->value_case = WF__ANY_VALUE__VALUE_ARRAY_VALUE;
		break;
	}
}

static Wf__KeyValue **attributes_build(struct builder *builder, const struct wf_attributes *from,
				       size_t *ret_count)
{
	struct entry {
		Wf__KeyValue pair;
		Wf__AnyValue value;
	} *entries = take(builder, from->count * sizeof(*entries));
	Wf__KeyValue **list = take(builder, from->count * sizeof(*list));
	uint32_t i, n = 0;

	*ret_count = 0;
	if (!entries || !list)
		return NULL;
	for (i = 0; i < from->count; i++) {
		struct entry *entry = &entries[n];

		if (from->items[i].value.kind == WF_VALUE_NONE)
			continue;
		value_build(builder, &from->items[i].value, &entry->value);
		entry->pair = (Wf__KeyValue)WF__KEY_VALUE__INIT;
		entry->pair.key = (char *)from->items[i].key;
		entry->pair.value = &entry->value;
		list[n++] = &entry->pair;
	}
	*ret_count = n;
	return list;
}

static void events_build(struct builder *builder, const struct wf_span *span, Wf__Span *ret)
{
	Wf__Event *events = take(builder, span->event_count * sizeof(*events));
	uint32_t i;

	ret->events = take(builder, span->event_count * sizeof(*ret->events));
	if (!events || !ret->events)
		return;
	for (i = 0; i < span->event_count; i++) {
		const struct wf_event *event = &span->events[i];

		events[i] = (Wf__Event)WF__EVENT__INIT;
		events[i].time_unix_nano = event->time_ns;
		events[i].name = (char *)event->name;
		events[i].attributes =
			attributes_build(builder, &event->attributes, &events[i].n_attributes);
		events[i].dropped_attributes_count = event->attributes.dropped;
		ret->events[i] = &events[i];
	}
	ret->n_events = span->event_count;
}

static void links_build(struct builder *builder, const struct wf_span *span, Wf__Span *ret)
{
	Wf__Link *links = take(builder, span->link_count * sizeof(*links));
	uint32_t i;

	ret->links = take(builder, span->link_count * sizeof(*ret->links));
	if (!links || !ret->links)
		return;
	for (i = 0; i < span->link_count; i++) {
		const struct wf_link *link = &span->links[i];

		links[i] = (Wf__Link)WF__LINK__INIT;
		links[i].trace_id = (ProtobufCBinaryData){16, (uint8_t *)link->trace_id};
		links[i].span_id = (ProtobufCBinaryData){8, (uint8_t *)link->span_id};
		links[i].attributes =
			attributes_build(builder, &link->attributes, &links[i].n_attributes);
		links[i].dropped_attributes_count = link->attributes.dropped;
		ret->links[i] = &links[i];
	}
	ret->n_links = span->link_count;
}

static void status_build(struct builder *builder, const struct wf_span *span, Wf__Span *ret)
{
	ret->status = take(builder, sizeof(*ret->status));
	if (!ret->status)
		return;
	wf__span_status__init(ret->status);
	ret->status->code = span->status;
	if (span->status_message)
		ret->status->message = (char *)span->status_message;
}

static void span_build(struct builder *builder, const struct wf_span *span, Wf__Span *ret)
{
	static const uint8_t none[8];

	*ret = (Wf__Span)WF__SPAN__INIT;
	ret->trace_id = (ProtobufCBinaryData){16, (uint8_t *)span->trace_id};
	ret->span_id = (ProtobufCBinaryData){8, (uint8_t *)span->span_id};
	if (memcmp(span->parent_id, none, sizeof(none)))
		ret->parent_span_id = (ProtobufCBinaryData){8, (uint8_t *)span->parent_id};
	ret->name = (char *)span->name;
	ret->kind = span->kind;
	ret->start_time_unix_nano = span->start_ns;
	ret->end_time_unix_nano = span->end_ns;
	ret->flags = span->flags;
	ret->dropped_attributes_count = span->attributes.dropped;
	ret->dropped_events_count = span->dropped_events;
	if (span->attributes.count)
		ret->attributes = attributes_build(builder, &span->attributes, &ret->n_attributes);
	if (span->event_count)
		events_build(builder, span, ret);
	if (span->link_count)
		links_build(builder, span, ret);
	if (span->status != WF_STATUS_UNSET || span->status_message)
		status_build(builder, span, ret);
}

static Wf__ScopeSpans *scope_build(struct builder *builder, const struct wf_group *group)
{
	struct holder {
		Wf__ScopeSpans spans;
		Wf__Scope scope;
	} *holder = take(builder, sizeof(*holder));
	Wf__Span *spans = take(builder, group->count * sizeof(*spans));
	Wf__Span **list = take(builder, group->count * sizeof(*list));
	uint32_t i;

	if (!holder || !spans || !list)
		return NULL;
	wf__scope_spans__init(&holder->spans);
	wf__scope__init(&holder->scope);
	holder->scope.name = (char *)group->scope;
	holder->scope.version = (char *)WF_VERSION;
	holder->spans.scope = &holder->scope;
	for (i = 0; i < group->count; i++) {
		span_build(builder, group->spans[i], &spans[i]);
		list[i] = &spans[i];
	}
	holder->spans.spans = list;
	holder->spans.n_spans = group->count;
	return &holder->spans;
}

static Wf__ResourceSpans *resource_build(struct builder *builder, const struct wf_group *first)
{
	struct holder {
		Wf__ResourceSpans spans;
		Wf__Resource resource;
	} *holder = take(builder, sizeof(*holder));
	const struct wf_group *group;
	size_t scopes = 0, i = 0;

	if (!holder)
		return NULL;
	wf__resource_spans__init(&holder->spans);
	wf__resource__init(&holder->resource);
	holder->spans.resource = &holder->resource;
	if (first->resource) {
		holder->resource.attributes = attributes_build(
			builder, &first->resource->attributes, &holder->resource.n_attributes);
		holder->resource.dropped_attributes_count = first->resource->attributes.dropped;
	}
	for (group = first; group; group = group->next_scope)
		scopes++;
	holder->spans.scope_spans = take(builder, scopes * sizeof(*holder->spans.scope_spans));
	if (!holder->spans.scope_spans)
		return NULL;
	for (group = first; group; group = group->next_scope)
		holder->spans.scope_spans[i++] = scope_build(builder, group);
	holder->spans.n_scope_spans = scopes;
	return &holder->spans;
}

/* Pack into the scratch memory, within the bound, and append. */
static int request_pack(struct wf_otlp *otlp, const struct wf_groups *groups, size_t bound,
			struct wf_buf *out)
{
	struct builder builder = {.arena = otlp->scratch};
	Wf__TraceRequest request = WF__TRACE_REQUEST__INIT;
	uint8_t *packed = take(&builder, bound);
	uint32_t i;

	request.resource_spans = take(&builder, groups->resource_count * sizeof(void *));
	if (!packed || !request.resource_spans)
		return -ENOMEM;
	for (i = 0; i < groups->resource_count; i++)
		request.resource_spans[i] = resource_build(&builder, groups->resources[i]);
	if (builder.failed)
		return -ENOMEM;
	request.n_resource_spans = groups->resource_count;
	return wf_buf_append(out, packed, wf__trace_request__pack(&request, packed));
}

int wf_otlp_encode(struct wf_otlp *otlp, const struct wf_batch *batch, uint32_t from,
		   struct wf_otlp_limit limit, bool whole, struct wf_buf *out,
		   struct wf_otlp_part *ret)
{
	struct wf_groups groups;
	size_t bound;
	int rc;

	*ret = (struct wf_otlp_part){0};
	bound = part_cut(batch, from, limit, whole, ret);
	if (!ret->spans)
		return 0;
	wf_arena_reset(otlp->scratch);
	rc = wf_group_spans(otlp->scratch, batch, from, ret->next, &groups);
	if (rc < 0)
		return rc;
	return request_pack(otlp, &groups, bound, out);
}
