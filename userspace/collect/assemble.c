/* SPDX-License-Identifier: Apache-2.0 */
#include "assemble.h"

#include <errno.h>
#include <string.h>

#include "builder.h"
#include "catalog.h"
#include "event.h"
#include "exception.h"
#include "hold.h"
#include "logged.h"
#include "outbox.h"
#include "outcome.h"
#include "start.h"
#include "trace.h"
#include "userspace/span/wire.h"

#define EXCEPTIONS_MAX  1024
#define EVENTS_MAX      10000
#define EVENT_BYTES_MAX (16 * 1024 * 1024)
#define HELD_BYTES_MAX  (64 * 1024 * 1024)
#define DUE_MAX         4096
#define BATCH_BYTES_MIN 16384
#define STARTS_MAX      20000
#define START_BYTES_MAX (32 * 1024 * 1024)
#define OPEN_AGE_NS     1000000000ull /* a Python root that runs longer is announced */

struct wf_assembler {
	struct wf_assembler_config config;
	struct wf_assembler_counters counters;
	struct wf_catalog *catalog;
	struct wf_traces *traces;
	struct wf_holds *holds;
	struct wf_events *events;
	struct wf_exceptions *exceptions;
	struct wf_outbox *outbox;
	struct wf_starts *starts;
	struct wf_builder builder;
	uint64_t tick_ns;
	uint64_t min_duration_max_ns; /* of all rules */
};

/* A record and what was decided about it. */
struct verdict {
	const struct wf_rec_span *record;
	struct wf_trace_context context;
	uint64_t parent_id;
	struct wf_exception *exception;
};

static void release(void *ctx, struct wf_held *held);

static uint64_t min_duration_max(const struct wf_ruleset *rules)
{
	uint64_t max = 0;

	for (uint32_t i = 0; rules && i < rules->count; i++) {
		if (rules->rules[i].min_duration_ns > max)
			max = rules->rules[i].min_duration_ns;
	}
	return max;
}

static int make_parts(struct wf_assembler *assembler, struct wf_err *err)
{
	const struct wf_assembler_config *config = &assembler->config;
	struct wf_trace_limits limits = {
		.trees_max = 100000,
		.spawns_max = 100000,
		.link_ns = 60000000000ull,
		.fork_child_ns = 10000000000ull,
		.min_duration_max_ns = assembler->min_duration_max_ns,
	};
	int rc = wf_catalog_new(NULL, &assembler->catalog, err);

	if (!rc)
		rc = wf_traces_new(&limits, assembler->catalog, &assembler->traces, err);
	if (rc < 0)
		return rc;
	assembler->holds = wf_holds_new(config->held_spans_max, HELD_BYTES_MAX, release, assembler);
	assembler->events = wf_events_new(EVENTS_MAX, EVENT_BYTES_MAX);
	assembler->exceptions = wf_exceptions_new(EXCEPTIONS_MAX);
	assembler->outbox = wf_outbox_new(config->batch_spans, config->batch_bytes,
					  DUE_MAX + (size_t)config->held_spans_max);
	assembler->starts = wf_starts_new(STARTS_MAX, START_BYTES_MAX);
	if (!assembler->holds || !assembler->events || !assembler->exceptions ||
	    !assembler->outbox || !assembler->starts)
		return wf_err_set(err, ENOMEM, "out of memory");
	assembler->builder = (struct wf_builder){
		.rules = config->rules,
		.catalog = assembler->catalog,
		.exceptions = assembler->exceptions,
		.counters = &assembler->counters,
	};
	return 0;
}

void wf_assembler_free(struct wf_assembler *assembler)
{
	if (!assembler)
		return;
	wf_outbox_free(assembler->outbox);
	wf_starts_free(assembler->starts);
	wf_holds_free(assembler->holds);
	wf_exceptions_free(assembler->exceptions);
	wf_events_free(assembler->events);
	wf_traces_free(assembler->traces);
	wf_catalog_free(assembler->catalog);
	free(assembler);
}

WF_DEFINE_FREEP(assembler_freep, struct wf_assembler, wf_assembler_free)

int wf_assembler_new(const struct wf_assembler_config *config, struct wf_assembler **ret,
		     struct wf_err *err)
{
	wf_auto(assembler_freep) struct wf_assembler *assembler = calloc(1, sizeof(*assembler));
	int rc;

	if (!assembler)
		return wf_err_set(err, ENOMEM, "out of memory");
	assembler->config = *config;
	if (assembler->config.batch_bytes < BATCH_BYTES_MIN)
		assembler->config.batch_bytes = BATCH_BYTES_MIN;
	assembler->min_duration_max_ns = min_duration_max(config->rules);
	rc = make_parts(assembler, err);
	if (rc < 0)
		return rc;
	*ret = wf_take(assembler);
	return 0;
}

static struct wf_definition *find_definition(const struct wf_assembler *assembler,
					     const struct wf_rec_head *head)
{
	return wf_catalog_find_in(assembler->catalog, head->tgid, head->span);
}

static void count_lost(struct wf_assembler_counters *counters, struct wf_outbox_lost lost)
{
	counters->spans_out -= lost.spans;
	counters->batch_full += lost.spans;
	counters->logs_out -= lost.logs;
	counters->logs_lost += lost.logs;
}

static void close_batch(struct wf_assembler *assembler)
{
	count_lost(&assembler->counters, wf_outbox_close(assembler->outbox));
}

/* Into the batch being filled, or where it does not fit, into an empty one. */
static int add_span(struct wf_assembler *assembler, const struct wf_builder_input *input,
		    struct wf_batch **ret)
{
	for (;;) {
		bool fresh;
		struct wf_batch *batch = wf_outbox_open(assembler->outbox, &fresh);
		int rc;

		if (!batch)
			return -ENOMEM;
		if (fresh)
			wf_builder_begin(&assembler->builder);
		rc = wf_builder_add(&assembler->builder, batch, input);
		*ret = batch;
		if (rc != -ENOSPC)
			return rc;
		close_batch(assembler);
		if (fresh)
			return rc;
	}
}

static void count_events(struct wf_assembler *assembler, const struct wf_builder_input *input,
			 const struct wf_span *span)
{
	uint32_t attached;

	if (!input->events)
		return;
	attached = span->event_count - wf_outcome_raised(input);
	assembler->counters.events_attached += attached;
	assembler->counters.events_dropped += input->events->count - attached;
	wf_events_drop(assembler->events, input->record->id);
}

static void orphan_events(struct wf_assembler *assembler, uint64_t span_id)
{
	assembler->counters.events_orphaned += wf_events_drop(assembler->events, span_id);
}

/* A finished or unfinished span leaves. */
static void emit(struct wf_assembler *assembler, const struct verdict *verdict)
{
	struct wf_assembler_counters *counters = &assembler->counters;
	const struct wf_rec_span *record = verdict->record;
	struct wf_builder_input input = {
		.record = record,
		.context = &verdict->context,
		.parent_id = verdict->parent_id,
		.definition = find_definition(assembler, &record->head),
		.exception = verdict->exception,
		.events = wf_events_find(assembler->events, record->id),
	};
	struct wf_batch *batch = NULL;
	int rc;

	if (!input.definition) {
		counters->unknown_span_id++;
		orphan_events(assembler, record->id);
		return;
	}
	rc = add_span(assembler, &input, &batch);
	if (rc < 0) {
		if (rc == -EBADMSG)
			counters->malformed++;
		else
			counters->batch_full++;
		orphan_events(assembler, record->id);
		return;
	}
	counters->spans_out++;
	count_events(assembler, &input, &batch->spans[batch->count - 1]);
	if (batch->count == batch->capacity)
		close_batch(assembler);
}

static void release(void *ctx, struct wf_held *held)
{
	struct wf_assembler *assembler = ctx;
	struct verdict verdict = {&held->record, held->context, held->parent_id, held->exception};

	emit(assembler, &verdict);
	wf_exceptions_unref(assembler->exceptions, held->exception);
}

static bool is_sound(const struct wf_rec_span *record)
{
	return record->id && record->root_id && (record->trace_hi | record->trace_lo) &&
	       record->start_ns <= record->head.time_ns;
}

static void decide(struct wf_assembler *assembler, const struct wf_rec_span *record,
		   struct verdict *ret)
{
	ret->record = record;
	ret->exception = NULL;
	wf_traces_resolve(assembler->traces, record, &ret->context);
	ret->parent_id = record->parent_id ? record->parent_id : ret->context.parent_id;
}

/* Its parent may yet turn out too short to be recorded. */
static bool must_wait(const struct wf_assembler *assembler, const struct verdict *verdict)
{
	const struct wf_rec_span *record = verdict->record;
	bool open = record->flags & WF_SPAN_HELD;

	if (!record->parent_id)
		open = record->head.time_ns < verdict->context.parent_sure_ns;
	return open && verdict->parent_id &&
	       !wf_holds_is_settled(assembler->holds, verdict->parent_id);
}

static void hold(struct wf_assembler *assembler, const struct verdict *verdict)
{
	int rc = wf_holds_add(assembler->holds, verdict->record, &verdict->context,
			      verdict->parent_id, verdict->exception);

	if (rc >= 0) {
		assembler->counters.held_released_early += (unsigned)rc;
		return;
	}
	assembler->counters.held_released_early++;
	emit(assembler, verdict);
	wf_exceptions_unref(assembler->exceptions, verdict->exception);
}

static void on_tombstone(struct wf_assembler *assembler, const struct verdict *verdict)
{
	const struct wf_rec_span *record = verdict->record;

	assembler->counters.tombstones++;
	orphan_events(assembler, record->id);
	assembler->counters.reparented += wf_holds_move(
		assembler->holds, record->id, verdict->parent_id, must_wait(assembler, verdict));
	wf_holds_forget(assembler->holds, record->id);
	wf_traces_ended(assembler->traces, record, verdict->parent_id);
}

static void on_span(struct wf_assembler *assembler, const struct wf_rec_span *record)
{
	struct verdict verdict;

	assembler->counters.spans_in++;
	if (!wf_wire_check(&record->head, record->head.size) || !is_sound(record)) {
		assembler->counters.malformed++;
		return;
	}
	if (record->flags & WF_SPAN_AGENT)
		wf_starts_end(assembler->starts, record->id);
	decide(assembler, record, &verdict);
	if (record->head.kind == WF_REC_TOMBSTONE) {
		on_tombstone(assembler, &verdict);
		return;
	}
	/* Inner calls leave before the outer one. */
	wf_holds_settle(assembler->holds, record->id);
	wf_holds_forget(assembler->holds, record->id);
	wf_traces_ended(assembler->traces, record, 0);
	if (record->status == WF_END_THROW)
		verdict.exception = wf_exceptions_find(assembler->exceptions, record->head.tgid,
						       record->exception);
	if (must_wait(assembler, &verdict)) {
		hold(assembler, &verdict);
		return;
	}
	emit(assembler, &verdict);
	wf_exceptions_unref(assembler->exceptions, verdict.exception);
}

/* A running call that is older than its rule's min_duration is sure to be recorded. */
static void settle_running(struct wf_assembler *assembler, const struct wf_rec_span *record,
			   const struct wf_definition *definition)
{
	const struct wf_ruleset *rules = assembler->config.rules;

	if (!assembler->min_duration_max_ns || definition->rule >= rules->count)
		return;
	if (record->head.time_ns - record->start_ns >=
	    rules->rules[definition->rule].min_duration_ns)
		wf_holds_settle_open(assembler->holds, record->id);
}

static void on_open(struct wf_assembler *assembler, const struct wf_rec_span *record)
{
	struct wf_definition *definition;
	struct wf_builder_input input = {.record = record};
	struct wf_batch *batch;
	struct verdict verdict;

	definition = find_definition(assembler, &record->head);
	if (!is_sound(record) || !definition) {
		assembler->counters.malformed_other++;
		return;
	}
	decide(assembler, record, &verdict);
	settle_running(assembler, record, definition);
	input.context = &verdict.context;
	input.parent_id = verdict.parent_id;
	input.definition = definition;
	if (add_span(assembler, &input, &batch) < 0)
		return;
	assembler->counters.open_notices++;
	if (batch->count == batch->capacity)
		close_batch(assembler);
}

static void announce(void *context, const struct wf_rec_span *record)
{
	on_open(context, record);
}

/*
 * The kernel announces what runs long; an agent every root that begins, whose trace is decided
 * with that, and which is known should it never end.
 */
static void on_begun(struct wf_assembler *assembler, const struct wf_rec_span *record)
{
	struct wf_trace_context context;

	if (!(record->flags & WF_SPAN_AGENT)) {
		on_open(assembler, record);
		return;
	}
	if (!is_sound(record)) {
		assembler->counters.malformed_other++;
		return;
	}
	wf_traces_resolve(assembler->traces, record, &context);
	wf_starts_add(assembler->starts, record);
}

/* What nobody will end any more. */
static void give_up(void *context, const struct wf_rec_span *record)
{
	struct wf_assembler *assembler = context;
	struct verdict verdict;

	assembler->counters.spans_in++;
	assembler->counters.given_up++;
	decide(assembler, record, &verdict);
	wf_traces_ended(assembler->traces, record, 0);
	emit(assembler, &verdict);
}

static void on_note(struct wf_assembler *assembler, const struct wf_rec_span *record)
{
	struct wf_assembler_counters *counters = &assembler->counters;
	const struct wf_agent_record *agent = wf_wire_agent(record);
	struct wf_wire_attr attr;
	size_t cursor = 0;

	if (!agent)
		return;
	counters->late_armed += agent->kind == WF_AGENT_ARMED;
	counters->late_refused += agent->kind == WF_AGENT_REFUSED;
	counters->restored += agent->kind == WF_AGENT_RESTORED;
	if (agent->kind != WF_AGENT_ARMED)
		return;
	while (wf_wire_next(record, &cursor, &attr) > 0)
		if (attr.slot == WF_AGENT_SLOT_TEXT && attr.type == WF_VAL_STRING &&
		    wf_catalog_note(assembler->catalog, record->head.tgid, agent->function,
				    attr.payload, attr.len) < 0)
			assembler->counters.malformed_other++;
}

static void on_event(struct wf_assembler *assembler, const struct wf_rec_span *record)
{
	struct wf_assembler_counters *counters = &assembler->counters;
	struct wf_trace_context context;
	int rc;

	counters->events_in++;
	if (!record->id || !record->root_id || !find_definition(assembler, &record->head)) {
		counters->events_orphaned++;
		return;
	}
	/* It may be the first of its tree, which decides the clock. */
	wf_traces_resolve(assembler->traces, record, &context);
	rc = wf_events_add(assembler->events, record);
	if (rc == -E2BIG)
		counters->events_dropped++;
	else
		counters->events_orphaned += rc < 0 ? 1 : (unsigned)rc;
}

/* It leaves at once, before its span: whoever shows both puts them together. */
static void on_log(struct wf_assembler *assembler, const struct wf_rec_span *record)
{
	struct wf_trace_context context = {.clock_offset_ns =
						   wf_traces_clock_offset(assembler->traces)};
	struct wf_builder_input input = {
		.record = record,
		.context = &context,
		.parent_id = wf_logged_owner(record),
	};
	struct wf_batch *batch;

	assembler->counters.logs_in++;
	if (input.parent_id && record->root_id)
		wf_traces_resolve(assembler->traces, record, &context);
	else
		input.parent_id = 0;
	if (add_span(assembler, &input, &batch) < 0) {
		assembler->counters.logs_lost++;
		return;
	}
	assembler->counters.logs_out++;
	if (batch->count == batch->capacity)
		close_batch(assembler);
}

static void end_process(struct wf_assembler *assembler, const struct wf_rec_process *record)
{
	wf_starts_take(assembler->starts, record->head.tgid, record->head.time_ns, give_up,
		       assembler);
	wf_catalog_exit(assembler->catalog, record->head.tgid, record->head.time_ns);
}

static void on_process(struct wf_assembler *assembler, const struct wf_rec_process *record)
{
	if (record->event == WF_PROC_FORK)
		wf_catalog_fork(assembler->catalog, record->head.tgid, record->child_tgid,
				record->head.time_ns);
	else if (record->event == WF_PROC_EXIT && record->head.tid == record->head.tgid)
		end_process(assembler, record);
	wf_traces_process(assembler->traces, record);
}

static void on_tick(struct wf_assembler *assembler, uint64_t now_ns)
{
	struct wf_assembler_counters *counters = &assembler->counters;

	assembler->tick_ns = now_ns;
	if (now_ns > assembler->config.held_ns_max)
		counters->held_released_early +=
			wf_holds_expire(assembler->holds, now_ns - assembler->config.held_ns_max);
	if (now_ns > OPEN_AGE_NS)
		wf_starts_announce(assembler->starts, now_ns - OPEN_AGE_NS, announce, assembler);
	wf_traces_tick(assembler->traces, now_ns);
	wf_catalog_tick(assembler->catalog, now_ns);
	count_lost(counters, wf_outbox_tick(assembler->outbox));
}

/* Everything but spans; its size holds. */
static void on_other(struct wf_assembler *assembler, const struct wf_rec_head *record)
{
	switch (record->kind) {
	case WF_REC_OPEN:
		on_begun(assembler, (const struct wf_rec_span *)record);
		break;
	case WF_REC_NOTE:
		on_note(assembler, (const struct wf_rec_span *)record);
		break;
	case WF_REC_EVENT:
		on_event(assembler, (const struct wf_rec_span *)record);
		break;
	case WF_REC_LOG:
		on_log(assembler, (const struct wf_rec_span *)record);
		break;
	case WF_REC_EXCEPTION:
		assembler->counters.exceptions_in++;
		wf_exceptions_add(assembler->exceptions, (const struct wf_rec_exception *)record);
		break;
	case WF_REC_PROCESS:
		on_process(assembler, (const struct wf_rec_process *)record);
		break;
	case WF_REC_TICK:
		on_tick(assembler, record->time_ns);
		break;
	case WF_REC_CLOCK:
		wf_traces_clock(assembler->traces, (const struct wf_rec_clock *)record);
		break;
	case WF_REC_RESOURCE:
		if (wf_catalog_resource(assembler->catalog, (const struct wf_rec_text *)record) < 0)
			assembler->counters.malformed_other++;
		break;
	case WF_REC_DEFINE:
		if (wf_catalog_define(assembler->catalog, (const struct wf_rec_text *)record) < 0)
			assembler->counters.malformed_other++;
		break;
	default: /* LEDGER and kinds of later versions are not for the assembler */
		break;
	}
}

void wf_assembler_record(struct wf_assembler *assembler, const struct wf_rec_head *record)
{
	if (record->kind < WF_REC_TICK && record->time_ns < assembler->tick_ns)
		assembler->counters.late++;
	if (wf_wire_is_span(record))
		on_span(assembler, (const struct wf_rec_span *)record);
	else if (wf_wire_check(record, record->size))
		on_other(assembler, record);
	else
		assembler->counters.malformed_other++;
}

struct wf_batch *wf_assembler_take(struct wf_assembler *assembler)
{
	struct wf_batch *batch = wf_outbox_take(assembler->outbox);

	if (batch)
		wf_builder_end(&assembler->builder, batch);
	return batch;
}

void wf_assembler_finish(struct wf_assembler *assembler)
{
	wf_starts_take(assembler->starts, 0, assembler->tick_ns, give_up, assembler);
	wf_holds_expire(assembler->holds, UINT64_MAX);
	assembler->counters.events_orphaned += wf_events_clear(assembler->events);
	close_batch(assembler);
}

const struct wf_assembler_counters *wf_assembler_counters(const struct wf_assembler *assembler)
{
	return &assembler->counters;
}
