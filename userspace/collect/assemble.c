/* SPDX-License-Identifier: Apache-2.0 */
#include "assemble.h"

#include <errno.h>

#include "call.h"
#include "logged.h"
#include "start.h"
#include "userspace/span/wire.h"

#define EXCEPTIONS_MAX  1024
#define EVENTS_MAX      10000
#define EVENT_BYTES_MAX (16 * 1024 * 1024)
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
	struct wf_events *events;
	struct wf_exceptions *exceptions;
	struct wf_starts *starts;
	struct wf_packer packer;
	struct wf_calls calls;
	uint64_t tick_ns;
};

static uint64_t min_duration_max(const struct wf_ruleset *rules)
{
	uint64_t max = 0;

	for (uint32_t i = 0; rules && i < rules->count; i++) {
		if (rules->rules[i].min_duration_ns > max)
			max = rules->rules[i].min_duration_ns;
	}
	return max;
}

static int make_tables(struct wf_assembler *assembler, struct wf_err *err)
{
	struct wf_trace_limits limits = {
		.trees_max = 100000,
		.spawns_max = 100000,
		.link_ns = 60000000000ull,
		.fork_child_ns = 10000000000ull,
		.min_duration_max_ns = min_duration_max(assembler->config.rules),
	};
	int rc = wf_catalog_new(NULL, &assembler->catalog, err);

	if (!rc)
		rc = wf_traces_new(&limits, assembler->catalog, &assembler->traces, err);
	if (rc < 0)
		return rc;
	assembler->events = wf_events_new(EVENTS_MAX, EVENT_BYTES_MAX);
	assembler->exceptions = wf_exceptions_new(EXCEPTIONS_MAX);
	assembler->starts = wf_starts_new(STARTS_MAX, START_BYTES_MAX);
	if (!assembler->events || !assembler->exceptions || !assembler->starts)
		return wf_err_set(err, ENOMEM, "out of memory");
	return 0;
}

/* Those that work on the tables. */
static int make_parts(struct wf_assembler *assembler, struct wf_err *err)
{
	const struct wf_assembler_config *config = &assembler->config;
	struct wf_builder builder = {
		.rules = config->rules,
		.catalog = assembler->catalog,
		.exceptions = assembler->exceptions,
		.counters = &assembler->counters,
	};

	assembler->calls = (struct wf_calls){
		.rules = config->rules,
		.catalog = assembler->catalog,
		.traces = assembler->traces,
		.events = assembler->events,
		.exceptions = assembler->exceptions,
		.packer = &assembler->packer,
		.counters = &assembler->counters,
		.min_duration_max_ns = min_duration_max(config->rules),
	};
	if (wf_packer_init(&assembler->packer, config, &builder,
			   DUE_MAX + (size_t)config->held_spans_max) < 0 ||
	    wf_calls_init(&assembler->calls, config->held_spans_max) < 0)
		return wf_err_set(err, ENOMEM, "out of memory");
	return 0;
}

void wf_assembler_free(struct wf_assembler *assembler)
{
	if (!assembler)
		return;
	wf_packer_done(&assembler->packer);
	wf_calls_done(&assembler->calls);
	wf_starts_free(assembler->starts);
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
	rc = make_tables(assembler, err);
	if (rc == 0)
		rc = make_parts(assembler, err);
	if (rc < 0)
		return rc;
	*ret = wf_take(assembler);
	return 0;
}

static bool is_sound(const struct wf_rec_span *record)
{
	return record->id && record->root_id && (record->trace_hi | record->trace_lo) &&
	       record->start_ns <= record->head.time_ns;
}

static void on_span(struct wf_assembler *assembler, const struct wf_rec_span *record)
{
	assembler->counters.spans_in++;
	if (!wf_wire_check(&record->head, record->head.size) || !is_sound(record)) {
		assembler->counters.malformed++;
		return;
	}
	if (record->flags & WF_SPAN_AGENT)
		wf_starts_end(assembler->starts, record->id);
	wf_calls_ended(&assembler->calls, record);
}

static void announce(void *context, const struct wf_rec_span *record)
{
	struct wf_assembler *assembler = context;

	wf_calls_running(&assembler->calls, record);
}

/*
 * The kernel announces what runs long; an agent every root that begins, whose trace is decided
 * with that, and which is known should it never end.
 */
static void on_begun(struct wf_assembler *assembler, const struct wf_rec_span *record)
{
	struct wf_trace_context context;

	if (!is_sound(record)) {
		assembler->counters.malformed_other++;
		return;
	}
	if (!(record->flags & WF_SPAN_AGENT)) {
		wf_calls_running(&assembler->calls, record);
		return;
	}
	wf_traces_resolve(assembler->traces, record, &context);
	wf_starts_add(assembler->starts, record);
}

/* What nobody will end any more. */
static void give_up(void *context, const struct wf_rec_span *record)
{
	struct wf_assembler *assembler = context;

	assembler->counters.spans_in++;
	wf_calls_given_up(&assembler->calls, record);
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
	if (!record->id || !record->root_id ||
	    !wf_catalog_find_in(assembler->catalog, record->head.tgid, record->head.span)) {
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
	uint32_t events;

	assembler->counters.logs_in++;
	if (input.parent_id && record->root_id)
		wf_traces_resolve(assembler->traces, record, &context);
	else
		input.parent_id = 0;
	if (wf_packer_add(&assembler->packer, &input, &events) < 0)
		assembler->counters.logs_lost++;
	else
		assembler->counters.logs_out++;
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
	assembler->tick_ns = now_ns;
	if (now_ns > assembler->config.held_ns_max)
		assembler->counters.held_released_early +=
			wf_calls_expire(&assembler->calls, now_ns - assembler->config.held_ns_max);
	if (now_ns > OPEN_AGE_NS)
		wf_starts_announce(assembler->starts, now_ns - OPEN_AGE_NS, announce, assembler);
	wf_traces_tick(assembler->traces, now_ns);
	wf_catalog_tick(assembler->catalog, now_ns);
	wf_packer_tick(&assembler->packer);
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
	return wf_packer_take(&assembler->packer);
}

void wf_assembler_finish(struct wf_assembler *assembler)
{
	wf_starts_take(assembler->starts, 0, assembler->tick_ns, give_up, assembler);
	(void)wf_calls_expire(&assembler->calls, UINT64_MAX);
	assembler->counters.events_orphaned += wf_events_clear(assembler->events);
	wf_packer_close(&assembler->packer);
}

const struct wf_assembler_counters *wf_assembler_counters(const struct wf_assembler *assembler)
{
	return &assembler->counters;
}
