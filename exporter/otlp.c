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

#include "otlp_build.h"

/* Upper bounds in bytes: tags, lengths (5 at most) and fixed-size fields. */
#define SPAN_BOUND     160
#define EVENT_BOUND    48
#define LINK_BOUND     64
#define RESOURCE_BOUND 96

struct wf_otlp {
	struct wf_arena *scratch;
	enum wf_signal signal;
};

struct wf_otlp *wf_otlp_new(size_t scratch_max, enum wf_signal signal)
{
	wf_auto(wf_otlp_freep) struct wf_otlp *otlp = calloc(1, sizeof(*otlp));

	if (!otlp)
		return NULL;
	otlp->signal = signal;
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

static size_t span_bound(const struct wf_span *span)
{
	size_t bytes =
		SPAN_BOUND + strlen(span->name) + wf_otlp_attributes_bound(&span->attributes);
	uint32_t i;

	if (span->status_message)
		bytes += strlen(span->status_message);
	if (span->severity_text)
		bytes += strlen(span->severity_text);
	for (i = 0; i < span->event_count; i++)
		bytes += EVENT_BOUND + strlen(span->events[i].name) +
			 wf_otlp_attributes_bound(&span->events[i].attributes);
	for (i = 0; i < span->link_count; i++)
		bytes += LINK_BOUND + wf_otlp_attributes_bound(&span->links[i].attributes);
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
		bytes += wf_otlp_attributes_bound(&span->resource->attributes);
	return bytes;
}

/* Choose the spans of this part; returns the bound of their bytes. */
static size_t part_cut(const struct wf_batch *batch, enum wf_signal signal, uint32_t from,
		       struct wf_otlp_limit limit, bool whole, struct wf_otlp_part *ret)
{
	const struct wf_span *last = NULL;
	size_t bytes = 0, more;
	uint32_t i;

	for (i = from; i < batch->count && ret->spans < limit.spans; i++) {
		const struct wf_span *span = &batch->spans[i];

		if (!wf_span_is(span, signal))
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

static void events_build(struct wf_otlp_builder *builder, const struct wf_span *span, Wf__Span *ret)
{
	Wf__Event *events = wf_otlp_take(builder, span->event_count * sizeof(*events));
	uint32_t i;

	ret->events = wf_otlp_take(builder, span->event_count * sizeof(*ret->events));
	if (!events || !ret->events)
		return;
	for (i = 0; i < span->event_count; i++) {
		const struct wf_event *event = &span->events[i];

		events[i] = (Wf__Event)WF__EVENT__INIT;
		events[i].time_unix_nano = event->time_ns;
		events[i].name = (char *)event->name;
		events[i].attributes =
			wf_otlp_attributes(builder, &event->attributes, &events[i].n_attributes);
		events[i].dropped_attributes_count = event->attributes.dropped;
		ret->events[i] = &events[i];
	}
	ret->n_events = span->event_count;
}

static void links_build(struct wf_otlp_builder *builder, const struct wf_span *span, Wf__Span *ret)
{
	Wf__Link *links = wf_otlp_take(builder, span->link_count * sizeof(*links));
	uint32_t i;

	ret->links = wf_otlp_take(builder, span->link_count * sizeof(*ret->links));
	if (!links || !ret->links)
		return;
	for (i = 0; i < span->link_count; i++) {
		const struct wf_link *link = &span->links[i];

		links[i] = (Wf__Link)WF__LINK__INIT;
		links[i].trace_id = (ProtobufCBinaryData){16, (uint8_t *)link->trace_id};
		links[i].span_id = (ProtobufCBinaryData){8, (uint8_t *)link->span_id};
		links[i].attributes =
			wf_otlp_attributes(builder, &link->attributes, &links[i].n_attributes);
		links[i].dropped_attributes_count = link->attributes.dropped;
		ret->links[i] = &links[i];
	}
	ret->n_links = span->link_count;
}

static void status_build(struct wf_otlp_builder *builder, const struct wf_span *span, Wf__Span *ret)
{
	ret->status = wf_otlp_take(builder, sizeof(*ret->status));
	if (!ret->status)
		return;
	wf__span_status__init(ret->status);
	ret->status->code = span->status;
	if (span->status_message)
		ret->status->message = (char *)span->status_message;
}

static void span_build(struct wf_otlp_builder *builder, const struct wf_span *span, Wf__Span *ret)
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
		ret->attributes =
			wf_otlp_attributes(builder, &span->attributes, &ret->n_attributes);
	if (span->event_count)
		events_build(builder, span, ret);
	if (span->link_count)
		links_build(builder, span, ret);
	if (span->status != WF_STATUS_UNSET || span->status_message)
		status_build(builder, span, ret);
}

static Wf__ScopeSpans *scope_build(struct wf_otlp_builder *builder, const struct wf_group *group)
{
	struct holder {
		Wf__ScopeSpans spans;
		Wf__Scope scope;
	} *holder = wf_otlp_take(builder, sizeof(*holder));
	Wf__Span *spans = wf_otlp_take(builder, group->count * sizeof(*spans));
	Wf__Span **list = wf_otlp_take(builder, group->count * sizeof(*list));
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

static Wf__ResourceSpans *spans_build(struct wf_otlp_builder *builder, const struct wf_group *first)
{
	struct holder {
		Wf__ResourceSpans spans;
		Wf__Resource resource;
	} *holder = wf_otlp_take(builder, sizeof(*holder));
	const struct wf_group *group;
	size_t scopes = 0, i = 0;

	if (!holder)
		return NULL;
	wf__resource_spans__init(&holder->spans);
	holder->spans.resource = &holder->resource;
	wf_otlp_resource(builder, first->resource, &holder->resource);
	for (group = first; group; group = group->next_scope)
		scopes++;
	holder->spans.scope_spans =
		wf_otlp_take(builder, scopes * sizeof(*holder->spans.scope_spans));
	if (!holder->spans.scope_spans)
		return NULL;
	for (group = first; group; group = group->next_scope)
		holder->spans.scope_spans[i++] = scope_build(builder, group);
	holder->spans.n_scope_spans = scopes;
	return &holder->spans;
}

/* Pack into the scratch memory, within the bound, and append. */
static int spans_pack(struct wf_otlp *otlp, const struct wf_groups *groups, size_t bound,
		      struct wf_buf *out)
{
	struct wf_otlp_builder builder = {.arena = otlp->scratch};
	Wf__TraceRequest request = WF__TRACE_REQUEST__INIT;
	uint8_t *packed = wf_otlp_take(&builder, bound);
	uint32_t i;

	request.resource_spans = wf_otlp_take(&builder, groups->resource_count * sizeof(void *));
	if (!packed || !request.resource_spans)
		return -ENOMEM;
	for (i = 0; i < groups->resource_count; i++)
		request.resource_spans[i] = spans_build(&builder, groups->resources[i]);
	if (builder.failed)
		return -ENOMEM;
	request.n_resource_spans = groups->resource_count;
	return wf_buf_append(out, packed, wf__trace_request__pack(&request, packed));
}

static int logs_pack(struct wf_otlp *otlp, const struct wf_groups *groups, size_t bound,
		     struct wf_buf *out)
{
	struct wf_otlp_builder builder = {.arena = otlp->scratch};
	Wf__LogsRequest request = WF__LOGS_REQUEST__INIT;
	uint8_t *packed = wf_otlp_take(&builder, bound);

	request.resource_logs = wf_otlp_take(&builder, groups->resource_count * sizeof(void *));
	if (!packed || !request.resource_logs)
		return -ENOMEM;
	for (uint32_t i = 0; i < groups->resource_count; i++)
		request.resource_logs[i] = wf_otlp_logs(&builder, groups->resources[i]);
	if (builder.failed)
		return -ENOMEM;
	request.n_resource_logs = groups->resource_count;
	return wf_buf_append(out, packed, wf__logs_request__pack(&request, packed));
}

int wf_otlp_encode(struct wf_otlp *otlp, const struct wf_batch *batch, uint32_t from,
		   struct wf_otlp_limit limit, bool whole, struct wf_buf *out,
		   struct wf_otlp_part *ret)
{
	struct wf_groups groups;
	size_t bound;
	int rc;

	*ret = (struct wf_otlp_part){0};
	bound = part_cut(batch, otlp->signal, from, limit, whole, ret);
	if (!ret->spans)
		return 0;
	wf_arena_reset(otlp->scratch);
	rc = wf_group_spans(otlp->scratch, batch, from, ret->next, otlp->signal, &groups);
	if (rc < 0)
		return rc;
	return otlp->signal == WF_SIGNAL_LOGS ? logs_pack(otlp, &groups, bound, out)
					      : spans_pack(otlp, &groups, bound, out);
}
