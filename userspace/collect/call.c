/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include <errno.h>

#include "outcome.h"

#define HELD_BYTES_MAX (64 * 1024 * 1024)

/* A record and what was decided about it. */
struct verdict {
	const struct wf_rec_span *record;
	struct wf_trace_context context;
	uint64_t parent_id;
	struct wf_exception *exception;
};

static void release(void *ctx, struct wf_held *held);

int wf_calls_init(struct wf_calls *calls, size_t held_max)
{
	calls->holds = wf_holds_new(held_max, HELD_BYTES_MAX, release, calls);
	return calls->holds ? 0 : -ENOMEM;
}

void wf_calls_done(struct wf_calls *calls)
{
	wf_holds_free(calls->holds);
}

static struct wf_definition *find_definition(const struct wf_calls *calls,
					     const struct wf_rec_span *record)
{
	return wf_catalog_find_in(calls->catalog, record->head.tgid, record->head.span);
}

static void count_events(struct wf_calls *calls, const struct wf_builder_input *input,
			 uint32_t attached)
{
	if (!input->events)
		return;
	attached -= wf_outcome_raised(input);
	calls->counters->events_attached += attached;
	calls->counters->events_dropped += input->events->count - attached;
	wf_events_drop(calls->events, input->record->id);
}

static void orphan_events(struct wf_calls *calls, uint64_t span_id)
{
	calls->counters->events_orphaned += wf_events_drop(calls->events, span_id);
}

/* A finished or unfinished span leaves. */
static void emit(struct wf_calls *calls, const struct verdict *verdict)
{
	struct wf_assembler_counters *counters = calls->counters;
	const struct wf_rec_span *record = verdict->record;
	struct wf_builder_input input = {
		.record = record,
		.context = &verdict->context,
		.parent_id = verdict->parent_id,
		.definition = find_definition(calls, record),
		.exception = verdict->exception,
		.events = wf_events_find(calls->events, record->id),
	};
	uint32_t events;
	int rc;

	if (!input.definition) {
		counters->unknown_span_id++;
		orphan_events(calls, record->id);
		return;
	}
	rc = wf_packer_add(calls->packer, &input, &events);
	if (rc < 0) {
		if (rc == -EBADMSG)
			counters->malformed++;
		else
			counters->batch_full++;
		orphan_events(calls, record->id);
		return;
	}
	counters->spans_out++;
	count_events(calls, &input, events);
}

static void release(void *ctx, struct wf_held *held)
{
	struct wf_calls *calls = ctx;
	struct verdict verdict = {&held->record, held->context, held->parent_id, held->exception};

	emit(calls, &verdict);
	wf_exceptions_unref(calls->exceptions, held->exception);
}

static void decide(struct wf_calls *calls, const struct wf_rec_span *record, struct verdict *ret)
{
	ret->record = record;
	ret->exception = NULL;
	wf_traces_resolve(calls->traces, record, &ret->context);
	ret->parent_id = record->parent_id ? record->parent_id : ret->context.parent_id;
}

/* Its parent may yet turn out too short to be recorded. */
static bool must_wait(const struct wf_calls *calls, const struct verdict *verdict)
{
	const struct wf_rec_span *record = verdict->record;
	bool open = record->flags & WF_SPAN_HELD;

	if (!record->parent_id)
		open = record->head.time_ns < verdict->context.parent_sure_ns;
	return open && verdict->parent_id && !wf_holds_is_settled(calls->holds, verdict->parent_id);
}

static void hold(struct wf_calls *calls, const struct verdict *verdict)
{
	int rc = wf_holds_add(calls->holds, verdict->record, &verdict->context, verdict->parent_id,
			      verdict->exception);

	if (rc >= 0) {
		calls->counters->held_released_early += (unsigned)rc;
		return;
	}
	calls->counters->held_released_early++;
	emit(calls, verdict);
	wf_exceptions_unref(calls->exceptions, verdict->exception);
}

static void on_tombstone(struct wf_calls *calls, const struct verdict *verdict)
{
	const struct wf_rec_span *record = verdict->record;

	calls->counters->tombstones++;
	orphan_events(calls, record->id);
	calls->counters->reparented += wf_holds_move(calls->holds, record->id, verdict->parent_id,
						     must_wait(calls, verdict));
	wf_holds_forget(calls->holds, record->id);
	wf_traces_ended(calls->traces, record, verdict->parent_id);
}

void wf_calls_ended(struct wf_calls *calls, const struct wf_rec_span *record)
{
	struct verdict verdict;

	decide(calls, record, &verdict);
	if (record->head.kind == WF_REC_TOMBSTONE) {
		on_tombstone(calls, &verdict);
		return;
	}
	/* Inner calls leave before the outer one. */
	wf_holds_settle(calls->holds, record->id);
	wf_holds_forget(calls->holds, record->id);
	wf_traces_ended(calls->traces, record, 0);
	if (record->status == WF_END_THROW)
		verdict.exception =
			wf_exceptions_find(calls->exceptions, record->head.tgid, record->exception);
	if (must_wait(calls, &verdict)) {
		hold(calls, &verdict);
		return;
	}
	emit(calls, &verdict);
	wf_exceptions_unref(calls->exceptions, verdict.exception);
}

/* A running call that is older than its rule's min_duration is sure to be recorded. */
static void settle_running(struct wf_calls *calls, const struct wf_rec_span *record,
			   const struct wf_definition *definition)
{
	const struct wf_ruleset *rules = calls->rules;

	if (!calls->min_duration_max_ns || definition->rule >= rules->count)
		return;
	if (record->head.time_ns - record->start_ns >=
	    rules->rules[definition->rule].min_duration_ns)
		wf_holds_settle_open(calls->holds, record->id);
}

void wf_calls_running(struct wf_calls *calls, const struct wf_rec_span *record)
{
	struct wf_definition *definition = find_definition(calls, record);
	struct verdict verdict;
	struct wf_builder_input input = {
		.record = record,
		.context = &verdict.context,
		.definition = definition,
	};
	uint32_t events;

	if (!definition) {
		calls->counters->malformed_other++;
		return;
	}
	decide(calls, record, &verdict);
	settle_running(calls, record, definition);
	input.parent_id = verdict.parent_id;
	if (wf_packer_add(calls->packer, &input, &events) == 0)
		calls->counters->open_notices++;
}

void wf_calls_given_up(struct wf_calls *calls, const struct wf_rec_span *record)
{
	struct verdict verdict;

	calls->counters->given_up++;
	decide(calls, record, &verdict);
	wf_traces_ended(calls->traces, record, 0);
	emit(calls, &verdict);
}

size_t wf_calls_expire(struct wf_calls *calls, uint64_t until_ns)
{
	return wf_holds_expire(calls->holds, until_ns);
}
