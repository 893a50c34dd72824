/* SPDX-License-Identifier: Apache-2.0 */
#include "builder.h"

#include <errno.h>
#include <string.h>

#include "capture.h"
#include "logged.h"
#include "outcome.h"
#include "userspace/rule/expr.h"
#include "userspace/span/wire.h"

#define FLAG_SAMPLED   0x01
#define FLAG_RANDOM    0x02
#define FLAG_IS_KNOWN  0x100 /* whether the parent is remote */
#define FLAG_IS_REMOTE 0x200

/* What is needed while one span is built. */
struct work {
	struct wf_builder *builder;
	struct wf_arena *arena;
	const struct wf_builder_input *in;
	const struct wf_rule *rule; /* NULL: the rule is not known */
	struct wf_span *span;
	struct wf_eval eval;
	struct wf_slots slots;
	bool full; /* the arena is */
};

void wf_builder_begin(struct wf_builder *builder)
{
	builder->batch_serial++;
	builder->profile = NULL;
	builder->scope = NULL;
}

static void store_id(uint8_t *out, uint64_t id)
{
	for (unsigned i = 0; i < 8; i++)
		out[i] = (uint8_t)(id >> (56 - 8 * i));
}

static const struct wf_rule *find_rule(const struct wf_builder *builder, uint32_t index)
{
	return builder->rules && index < builder->rules->count ? &builder->rules->rules[index]
							       : NULL;
}

/* The last one serves again while spans of one profile follow each other. */
static const char *make_scope(struct wf_builder *builder, struct wf_arena *arena,
			      const struct wf_rule *rule)
{
	const char *profile = builder->rules ? builder->rules->profile : NULL;

	if (rule && rule->profile)
		profile = rule->profile;
	if (!profile)
		profile = "adhoc";
	if (!builder->scope || strcmp(builder->profile, profile) != 0) {
		builder->profile = profile;
		builder->scope = wf_arena_printf(arena, "wftrace/%s", profile);
	}
	return builder->scope;
}

/* The definition's texts, once per batch. */
static int copy_texts(struct wf_builder *builder, struct wf_arena *arena,
		      struct wf_definition *definition)
{
	if (definition->batch_serial == builder->batch_serial)
		return 0;
	definition->batch_scope = make_scope(builder, arena, find_rule(builder, definition->rule));
	definition->batch_name = wf_arena_strdup(arena, definition->name);
	definition->batch_source =
		definition->source ? wf_arena_strdup(arena, definition->source) : NULL;
	if (!definition->batch_scope || !definition->batch_name ||
	    (definition->source && !definition->batch_source))
		return -ENOSPC;
	definition->batch_serial = builder->batch_serial;
	return 0;
}

static struct wf_value text_value(const char *text)
{
	struct wf_value value = {.kind = WF_VALUE_STRING, .count = (uint32_t)strlen(text)};

	value.string = text;
	return value;
}

static struct wf_value integer_value(int64_t integer)
{
	struct wf_value value = {.kind = WF_VALUE_INT};

	value.integer = integer;
	return value;
}

/* A later one of the same key takes its place: rules may override what is built in. */
static void set_attribute(struct work *work, const char *key, struct wf_value value)
{
	struct wf_attributes *list = &work->span->attributes;

	if (value.kind == WF_VALUE_NONE)
		return;
	for (uint32_t i = 0; i < list->count; i++) {
		if (list->items[i].key[0] == key[0] && strcmp(list->items[i].key, key) == 0) {
			list->items[i].value = value;
			return;
		}
	}
	if (list->count == WF_ATTRIBUTES_MAX) {
		list->dropped++;
		work->builder->counters->attributes_dropped++;
		return;
	}
	list->items[list->count++] = (struct wf_attribute){key, value};
}

static void add_builtin(struct work *work)
{
	const struct wf_definition *definition = work->in->definition;
	const struct wf_rec_span *record = work->in->record;
	const struct wf_agent_record *agent = wf_wire_agent(record);
	const char *end = wf_outcome_end(record);
	bool told = agent && agent->kind == WF_AGENT_START && agent->flags & WF_AGENT_MOVED;

	set_attribute(work, "code.function.name", text_value(definition->batch_name));
	if (definition->batch_source) {
		set_attribute(work, "code.file.path", text_value(definition->batch_source));
		if (definition->line)
			set_attribute(work, "code.line.number", integer_value(definition->line));
	}
	if (!told)
		set_attribute(work, "thread.id", integer_value(record->head.tid));
	if (end)
		set_attribute(work, "wftrace.end", text_value(end));
	if (record->head.kind == WF_REC_UNFINISHED) {
		struct wf_value yes = {.kind = WF_VALUE_BOOL, .boolean = true};

		set_attribute(work, "wftrace.unfinished", yes);
	}
	if (definition->exit && strcmp(definition->exit, "tail_jump") == 0)
		set_attribute(work, "wftrace.exit", text_value("tail_jump"));
}

/* What an agent says of a call besides its values. */
static void add_agent(struct work *work)
{
	const struct wf_agent_record *agent = wf_wire_agent(work->in->record);
	struct wf_value active = {.kind = WF_VALUE_DOUBLE};

	if (agent && agent->flags & WF_AGENT_RUNNING)
		set_attribute(work, "wftrace.start", text_value("running"));
	if (!agent || !(agent->flags & WF_AGENT_ACTIVE) || !work->rule ||
	    !work->rule->agent.active_time)
		return;
	active.real = (double)agent->active_ns / 1e9;
	set_attribute(work, "wftrace.active_time", active);
	set_attribute(work, "wftrace.suspensions", integer_value(agent->suspensions));
}

static int add_attributes(struct work *work)
{
	const struct wf_rule *rule = work->rule;
	struct wf_attributes *list = &work->span->attributes;
	size_t room = WF_OUTCOME_ATTRIBUTES + (rule ? rule->attribute_count : 0);

	if (room > WF_ATTRIBUTES_MAX)
		room = WF_ATTRIBUTES_MAX;
	list->items = wf_arena_alloc_raw(work->arena, room * sizeof(*list->items));
	if (!list->items)
		return -ENOSPC;
	add_builtin(work);
	add_agent(work);
	if (work->span->status == WF_STATUS_ERROR)
		set_attribute(work, "error.type",
			      text_value(wf_outcome_error_type(work->in, work->span)));
	for (uint32_t i = 0; rule && i < rule->attribute_count; i++)
		set_attribute(work, rule->attributes[i].key,
			      wf_expr_eval(rule->attributes[i].value, &work->eval));
	/* Values that the kernel had to leave out. */
	if (work->in->record->flags & WF_SPAN_ATTR_LOST)
		list->dropped += work->slots.count > work->slots.seen
					 ? work->slots.count - work->slots.seen
					 : 1;
	return 0;
}

static int set_times(struct work *work)
{
	const struct wf_rec_span *record = work->in->record;
	struct wf_span *span = work->span;

	span->start_ns = record->start_ns + work->in->context->clock_offset_ns;
	span->end_ns = span->start_ns + (record->head.time_ns - record->start_ns);
	return span->end_ns < span->start_ns ? -EBADMSG : 0;
}

static void set_identity(struct work *work)
{
	const struct wf_rec_span *record = work->in->record;
	const struct wf_trace_context *context = work->in->context;
	struct wf_span *span = work->span;
	bool outermost = work->in->parent_id == context->parent_id;

	store_id(span->trace_id, context->trace_hi);
	store_id(span->trace_id + 8, context->trace_lo);
	store_id(span->span_id, record->id);
	store_id(span->parent_id, work->in->parent_id);
	span->flags = FLAG_SAMPLED | FLAG_IS_KNOWN;
	if (context->random)
		span->flags |= FLAG_RANDOM;
	if (outermost && context->remote)
		span->flags |= FLAG_IS_REMOTE;
	span->local_root = record->flags & WF_SPAN_ROOT;
	span->tgid = record->head.tgid;
	span->tid = record->head.tid;
	span->depth = record->depth;
	span->scope = work->in->definition->batch_scope;
	if (record->head.kind == WF_REC_UNFINISHED)
		span->state = WF_SPAN_UNFINISHED;
	else if (record->head.kind == WF_REC_OPEN)
		span->state = WF_SPAN_OPEN;
	else
		span->state = WF_SPAN_FINISHED;
}

static int add_link(struct work *work)
{
	const struct wf_trace_context *context = work->in->context;
	struct wf_span *span = work->span;

	if (!context->link_id || work->in->parent_id != context->parent_id)
		return 0;
	span->links = wf_arena_alloc(work->arena, sizeof(*span->links));
	if (!span->links)
		return -ENOSPC;
	store_id(span->links->trace_id, context->link_hi);
	store_id(span->links->trace_id + 8, context->link_lo);
	store_id(span->links->span_id, context->link_id);
	span->link_count = 1;
	return 0;
}

static void set_rule_outcome(struct work *work)
{
	const struct wf_rule *rule = work->rule;
	struct wf_span *span = work->span;

	span->kind = rule && rule->span_kind ? rule->span_kind : WF_KIND_INTERNAL;
	span->name = rule && rule->name ? wf_template_eval(rule->name, &work->eval)
					: work->in->definition->batch_name;
	if (rule && rule->error && span->state != WF_SPAN_OPEN &&
	    wf_expr_true(rule->error, &work->eval))
		span->status = WF_STATUS_ERROR;
}

static int build(struct work *work)
{
	const struct wf_rec_span *record = work->in->record;
	struct wf_builder *builder = work->builder;
	const struct wf_rule *rule = work->rule;
	int rc = copy_texts(builder, work->arena, work->in->definition);

	if (!rc)
		rc = wf_capture_slots(record, rule ? rule->operands : NULL,
				      rule ? rule->operand_count : 0, work->arena, &work->slots);
	if (!rc)
		rc = set_times(work);
	if (rc)
		return rc;
	work->eval = (struct wf_eval){
		.slots = work->slots.values,
		.slot_count = work->slots.count,
		.duration_ns = record->head.time_ns - record->start_ns,
		.function = work->in->definition->batch_name,
		.unwound = record->head.kind == WF_REC_SPAN &&
			   (record->status == WF_END_THROW || record->status == WF_END_JUMP),
		.arena = work->arena,
	};
	set_identity(work);
	set_rule_outcome(work);
	rc = wf_outcome_set(builder, work->arena, work->in, work->rule, work->span);
	if (!rc)
		rc = add_attributes(work);
	if (!rc)
		rc = add_link(work);
	if (!rc)
		builder->counters->utf8_repaired += work->slots.repaired;
	return rc;
}

static int build_log(struct work *work)
{
	const struct wf_trace_context *context = work->in->context;
	struct wf_span *log = work->span;
	uint32_t repaired = 0;
	int rc = wf_logged_fill(work->in->record, context->clock_offset_ns, work->arena, log,
				&repaired);

	work->builder->counters->utf8_repaired += repaired;
	if (rc < 0 || !work->in->parent_id)
		return rc;
	store_id(log->trace_id, context->trace_hi);
	store_id(log->trace_id + 8, context->trace_lo);
	store_id(log->parent_id, work->in->parent_id);
	log->flags = FLAG_SAMPLED;
	return 0;
}

int wf_builder_add(struct wf_builder *builder, struct wf_batch *batch,
		   const struct wf_builder_input *input)
{
	bool log = input->record->head.kind == WF_REC_LOG;
	struct work work;
	int rc;

	work.builder = builder;
	work.arena = batch->arena;
	work.in = input;
	work.rule = log ? NULL : find_rule(builder, input->definition->rule);
	work.span = wf_batch_add(batch);
	if (!work.span)
		return -ENOSPC;
	rc = log ? build_log(&work) : build(&work);
	if (rc < 0) {
		batch->count--;
		return rc;
	}
	work.span->resource = wf_catalog_resource_of(builder->catalog, input->record->head.tgid);
	return 0;
}

void wf_builder_end(struct wf_builder *builder, struct wf_batch *batch)
{
	for (uint32_t i = 0; i < batch->count; i++) {
		struct wf_span *span = &batch->spans[i];

		if (!span->resource)
			span->resource = wf_catalog_resource_of(builder->catalog, span->tgid);
	}
}
