/* SPDX-License-Identifier: Apache-2.0 */
/* Log records in OTLP. Their scope is the logger, which has no version. */
#include <string.h>

#include "otlp_build.h"

static void log_build(struct wf_otlp_builder *builder, const struct wf_span *from,
		      Wf__LogRecord *ret)
{
	struct wf_value body = {.kind = WF_VALUE_STRING, .count = (uint32_t)strlen(from->name)};
	static const uint8_t none[8];

	body.string = from->name;
	*ret = (Wf__LogRecord)WF__LOG_RECORD__INIT;
	ret->time_unix_nano = ret->observed_time_unix_nano = from->start_ns;
	ret->severity_number = from->severity;
	if (from->severity_text)
		ret->severity_text = (char *)from->severity_text;
	ret->body = wf_otlp_take(builder, sizeof(*ret->body));
	if (ret->body)
		wf_otlp_value(builder, &body, ret->body);
	if (from->attributes.count)
		ret->attributes =
			wf_otlp_attributes(builder, &from->attributes, &ret->n_attributes);
	ret->dropped_attributes_count = from->attributes.dropped;
	if (memcmp(from->parent_id, none, sizeof(none)) == 0)
		return;
	ret->flags = from->flags;
	ret->trace_id = (ProtobufCBinaryData){16, (uint8_t *)from->trace_id};
	ret->span_id = (ProtobufCBinaryData){8, (uint8_t *)from->parent_id};
}

static Wf__ScopeLogs *scope_build(struct wf_otlp_builder *builder, const struct wf_group *group)
{
	struct holder {
		Wf__ScopeLogs logs;
		Wf__Scope scope;
	} *holder = wf_otlp_take(builder, sizeof(*holder));
	Wf__LogRecord *logs = wf_otlp_take(builder, group->count * sizeof(*logs));
	Wf__LogRecord **list = wf_otlp_take(builder, group->count * sizeof(*list));

	if (!holder || !logs || !list)
		return NULL;
	wf__scope_logs__init(&holder->logs);
	wf__scope__init(&holder->scope);
	holder->scope.name = (char *)group->scope;
	holder->logs.scope = &holder->scope;
	for (uint32_t i = 0; i < group->count; i++) {
		log_build(builder, group->spans[i], &logs[i]);
		list[i] = &logs[i];
	}
	holder->logs.log_records = list;
	holder->logs.n_log_records = group->count;
	return &holder->logs;
}

Wf__ResourceLogs *wf_otlp_logs(struct wf_otlp_builder *builder, const struct wf_group *first)
{
	struct holder {
		Wf__ResourceLogs logs;
		Wf__Resource resource;
	} *holder = wf_otlp_take(builder, sizeof(*holder));
	size_t scopes = 0, i = 0;

	if (!holder)
		return NULL;
	wf__resource_logs__init(&holder->logs);
	wf_otlp_resource(builder, first->resource, &holder->resource);
	holder->logs.resource = &holder->resource;
	for (const struct wf_group *group = first; group; group = group->next_scope)
		scopes++;
	holder->logs.scope_logs = wf_otlp_take(builder, scopes * sizeof(*holder->logs.scope_logs));
	if (!holder->logs.scope_logs)
		return NULL;
	for (const struct wf_group *group = first; group; group = group->next_scope)
		holder->logs.scope_logs[i++] = scope_build(builder, group);
	holder->logs.n_scope_logs = scopes;
	return &holder->logs;
}
