/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "bpf/agent.h"

void wf_ledger_from_record(struct wf_ledger *ledger, const struct wf_rec_ledger *record)
{
	memcpy(ledger->kernel, record->counters, sizeof(ledger->kernel));
	memcpy(ledger->agent, record->agent, sizeof(ledger->agent));
	ledger->open_now = record->open_now;
}

static uint64_t sink_lost(const struct wf_sink_counters *c)
{
	return c->lost_queue_full + c->lost_rejected + c->lost_retries + c->lost_too_large +
	       c->lost_write + c->lost_encode;
}

/* The sums may wrap on corrupt counters; differences are then wrong but never undefined. */
static int64_t off_entries(const struct wf_ledger *ledger)
{
	const uint64_t *k = ledger->kernel;

	return (int64_t)(k[WF_CNT_ENTRIES] - k[WF_CNT_COMPLETED] - k[WF_CNT_ABANDONED] -
			 k[WF_CNT_UNFINISHED] - k[WF_CNT_GUARDED] - k[WF_CNT_SHORT] -
			 k[WF_CNT_SAMPLED_OUT] - k[WF_CNT_STATE_FULL] - k[WF_CNT_RING_FULL] -
			 k[WF_CNT_AGENT_BAD] - ledger->open_now);
}

static int64_t off_records(const struct wf_ledger *ledger)
{
	const uint64_t *k = ledger->kernel;

	return (int64_t)(k[WF_CNT_COMPLETED] + k[WF_CNT_ABANDONED] + k[WF_CNT_UNFINISHED] +
			 k[WF_CNT_TOMBSTONES] + ledger->assembler.given_up -
			 ledger->assembler.spans_in - ledger->lost_before);
}

static int64_t off_spans(const struct wf_ledger *ledger)
{
	const struct wf_assembler_counters *a = &ledger->assembler;
	int64_t off =
		(int64_t)(a->spans_in - a->spans_out - a->tombstones - ledger->dropped_by_rule -
			  a->unknown_span_id - a->malformed - a->batch_full);

	for (uint32_t i = 0; !off && i < ledger->sink_count; i++) {
		const struct wf_sink_counters *c = &ledger->sinks[i].counters;

		off = (int64_t)(a->spans_out - c->spans_in - ledger->lost_handover);
		if (!off)
			off = (int64_t)(c->spans_in - c->exported - sink_lost(c));
	}
	return off;
}

static int64_t off_exits(const struct wf_ledger *ledger)
{
	const uint64_t *k = ledger->kernel;

	return (int64_t)(k[WF_CNT_EXITS] - k[WF_CNT_EXIT_MATCHED] - k[WF_CNT_EXIT_STATE_FULL] -
			 k[WF_CNT_EXIT_IN_FLIGHT] - k[WF_CNT_EXIT_DISARMED] -
			 k[WF_CNT_EXIT_UNMATCHED]);
}

static int64_t off_python(const struct wf_ledger *ledger)
{
	return (int64_t)(ledger->agent[WF_AGENT_CNT_COMPLETED] +
			 ledger->agent[WF_AGENT_CNT_ABANDONED] -
			 ledger->kernel[WF_CNT_AGENT_SPANS] + ledger->kernel[WF_CNT_AGENT_UNREAD]);
}

static int64_t off_logs(const struct wf_ledger *ledger)
{
	const struct wf_assembler_counters *a = &ledger->assembler;
	int64_t off = (int64_t)(ledger->kernel[WF_CNT_LOGS] - a->logs_in);

	if (!off)
		off = (int64_t)(a->logs_in - a->logs_out - a->logs_lost);
	for (uint32_t i = 0; !off && i < ledger->sink_count; i++) {
		const struct wf_sink_counters *c = &ledger->sinks[i].counters;

		if (ledger->sinks[i].no_logs)
			continue;
		off = (int64_t)(a->logs_out - c->logs_in - ledger->logs_handover);
		if (!off)
			off = (int64_t)(c->logs_in - c->logs_exported - c->logs_lost);
	}
	return off;
}

bool wf_ledger_balanced(const struct wf_ledger *ledger, struct wf_ledger_balance *ret)
{
	struct wf_ledger_balance balance = {
		.entries = off_entries(ledger),
		.records = off_records(ledger),
		.spans = off_spans(ledger),
		.exits = off_exits(ledger),
		.python = off_python(ledger),
		.logs = off_logs(ledger),
	};

	if (ret)
		*ret = balance;
	return !balance.entries && !balance.records && !balance.spans && !balance.exits &&
	       !balance.python && !balance.logs;
}

struct term {
	const char *key;
	uint64_t value;
};

/* "key":value,"key":value; no braces. */
static void put_terms(struct wf_buf *out, const struct term *terms, size_t count)
{
	for (size_t i = 0; i < count; i++)
		wf_buf_printf(out, "%s\"%s\":%" PRIu64, i ? "," : "", terms[i].key, terms[i].value);
}

static void put_object(struct wf_buf *out, const char *key, const struct term *terms, size_t count)
{
	wf_buf_printf(out, ",\"%s\":{", key);
	put_terms(out, terms, count);
	wf_buf_putc(out, '}');
}

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void put_kernel(const struct wf_ledger *ledger, struct wf_buf *out)
{
	const uint64_t *k = ledger->kernel;
	const struct term entries[] = {
		{"entries", k[WF_CNT_ENTRIES]},         {"completed", k[WF_CNT_COMPLETED]},
		{"abandoned", k[WF_CNT_ABANDONED]},     {"unfinished", k[WF_CNT_UNFINISHED]},
		{"guarded", k[WF_CNT_GUARDED]},         {"short", k[WF_CNT_SHORT]},
		{"sampled_out", k[WF_CNT_SAMPLED_OUT]}, {"state_full", k[WF_CNT_STATE_FULL]},
		{"ring_full", k[WF_CNT_RING_FULL]},     {"open_now", ledger->open_now},
	};
	const struct term exits[] = {
		{"exits", k[WF_CNT_EXITS]},
		{"matched", k[WF_CNT_EXIT_MATCHED]},
		{"state_full", k[WF_CNT_EXIT_STATE_FULL]},
		{"in_flight", k[WF_CNT_EXIT_IN_FLIGHT]},
		{"disarmed", k[WF_CNT_EXIT_DISARMED]},
		{"unmatched", k[WF_CNT_EXIT_UNMATCHED]},
	};
	const struct term kernel[] = {
		{"tombstones", k[WF_CNT_TOMBSTONES]},
		{"tombstones_lost", k[WF_CNT_TOMBSTONES_LOST]},
		{"events", k[WF_CNT_EVENTS]},
		{"events_lost", k[WF_CNT_EVENTS_LOST]},
		{"open_announced", k[WF_CNT_OPEN_ANNOUNCED]},
		{"other_lost", k[WF_CNT_OTHER_LOST]},
		{"stale", k[WF_CNT_STALE]},
		{"not_in_set", k[WF_CNT_NOT_IN_SET]},
		{"switch_lost", k[WF_CNT_SWITCH_LOST]},
	};

	put_terms(out, entries, COUNT(entries));
	put_object(out, "exits", exits, COUNT(exits));
	put_object(out, "kernel", kernel, COUNT(kernel));
}

static void put_python(const struct wf_ledger *ledger, struct wf_buf *out)
{
	const uint64_t *a = ledger->agent, *k = ledger->kernel;
	const struct term terms[] = {
		{"entries", a[WF_AGENT_CNT_ENTRIES]},
		{"completed", a[WF_AGENT_CNT_COMPLETED]},
		{"abandoned", a[WF_AGENT_CNT_ABANDONED]},
		{"guarded", a[WF_AGENT_CNT_GUARDED]},
		{"silenced", a[WF_AGENT_CNT_SILENCED]},
		{"unseen", a[WF_AGENT_CNT_UNSEEN]},
		{"failed", a[WF_AGENT_CNT_FAILED]},
		{"inherited", a[WF_AGENT_CNT_INHERITED]},
		{"running_before", a[WF_AGENT_CNT_RUNNING]},
		{"attributes_lost", a[WF_AGENT_CNT_ATTR_LOST]},
		{"no_thread_slot", a[WF_AGENT_CNT_THREADS]},
		{"keys_forgotten", a[WF_AGENT_CNT_FORGOTTEN]},
		{"hits", k[WF_CNT_AGENT_SPANS]},
		{"starts", k[WF_CNT_AGENT_STARTS]},
		{"notes", k[WF_CNT_AGENT_NOTES]},
		{"bad_records", k[WF_CNT_AGENT_BAD]},
		{"unread", k[WF_CNT_AGENT_UNREAD]},
		{"given_up", ledger->assembler.given_up},
		{"late_armed", ledger->assembler.late_armed},
		{"late_refused", ledger->assembler.late_refused},
		{"restored", ledger->assembler.restored},
	};

	put_object(out, "python", terms, COUNT(terms));
}

static void put_assembler(const struct wf_ledger *ledger, struct wf_buf *out)
{
	const struct wf_assembler_counters *a = &ledger->assembler;
	const struct term records[] = {
		{"spans_in", a->spans_in},
		{"spans_out", a->spans_out},
		{"tombstones", a->tombstones},
		{"dropped_by_rule", ledger->dropped_by_rule},
		{"unknown_span_id", a->unknown_span_id},
		{"malformed", a->malformed},
		{"batch_full", a->batch_full},
		{"lost_before", ledger->lost_before},
		{"lost_handover", ledger->lost_handover},
		{"malformed_other", a->malformed_other},
		{"open_notices", a->open_notices},
		{"events_in", a->events_in},
		{"events_attached", a->events_attached},
		{"events_orphaned", a->events_orphaned},
		{"events_dropped", a->events_dropped},
		{"events_dropped_by_rule", ledger->events_dropped_by_rule},
		{"exceptions_in", a->exceptions_in},
		{"held_released_early", a->held_released_early},
		{"reparented", a->reparented},
		{"late", a->late},
	};
	const struct term attributes[] = {
		{"arena_full", ledger->kernel[WF_CNT_ARENA_FULL]},
		{"read_fault", ledger->kernel[WF_CNT_READ_FAULT]},
		{"limits", a->attributes_dropped},
		{"utf8_repaired", a->utf8_repaired},
	};

	put_object(out, "records", records, COUNT(records));
	put_object(out, "attributes_lost", attributes, COUNT(attributes));
}

static void put_logs(const struct wf_ledger *ledger, struct wf_buf *out)
{
	const struct wf_assembler_counters *a = &ledger->assembler;
	const struct term logs[] = {
		{"written", ledger->kernel[WF_CNT_LOGS]},
		{"in", a->logs_in},
		{"out", a->logs_out},
		{"lost", a->logs_lost},
		{"lost_handover", ledger->logs_handover},
	};

	put_object(out, "logs", logs, COUNT(logs));
}

static void put_sink(const struct wf_ledger_sink *sink, struct wf_buf *out)
{
	const struct wf_sink_counters *c = &sink->counters;
	const struct term terms[] = {
		{"spans_in", c->spans_in},
		{"exported", c->exported},
		{"lost_queue_full", c->lost_queue_full},
		{"lost_rejected", c->lost_rejected},
		{"lost_retries", c->lost_retries},
		{"lost_too_large", c->lost_too_large},
		{"lost_write", c->lost_write},
		{"lost_encode", c->lost_encode},
		{"logs_in", c->logs_in},
		{"logs_exported", c->logs_exported},
		{"logs_lost", c->logs_lost},
		{"logs_rejected", c->logs_rejected},
		{"retries", c->retries},
		{"requests", c->requests},
		{"bytes_sent", c->bytes_sent},
	};

	wf_buf_puts(out, "{\"name\":");
	wf_buf_json_string(out, sink->name, strlen(sink->name));
	wf_buf_putc(out, ',');
	put_terms(out, terms, COUNT(terms));
	wf_buf_putc(out, '}');
}

int wf_ledger_to_json(const struct wf_ledger *ledger, struct wf_buf *out)
{
	struct wf_ledger_balance off;
	bool balanced = wf_ledger_balanced(ledger, &off);

	wf_buf_printf(out, "{\"balanced\":%s,", balanced ? "true" : "false");
	put_kernel(ledger, out);
	put_python(ledger, out);
	put_assembler(ledger, out);
	put_logs(ledger, out);
	wf_buf_printf(out,
		      ",\"off\":{\"entries\":%" PRId64 ",\"records\":%" PRId64 ",\"spans\":%" PRId64
		      ",\"exits\":%" PRId64 ",\"python\":%" PRId64 ",\"logs\":%" PRId64
		      "},\"sinks\":[",
		      off.entries, off.records, off.spans, off.exits, off.python, off.logs);
	for (uint32_t i = 0; i < ledger->sink_count; i++) {
		if (i)
			wf_buf_putc(out, ',');
		put_sink(&ledger->sinks[i], out);
	}
	wf_buf_puts(out, "]}");
	return out->failed ? -ENOMEM : 0;
}

/* ", 12 text" for each that is not zero. */
static void say_terms(struct wf_buf *out, const struct term *terms, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (terms[i].value)
			wf_buf_printf(out, ", %" PRIu64 " %s", terms[i].value, terms[i].key);
	}
}

static void say_calls(const struct wf_ledger *ledger, struct wf_buf *out)
{
	const uint64_t *k = ledger->kernel;
	const struct term rest[] = {
		{"abandoned", k[WF_CNT_ABANDONED]},       {"unfinished", k[WF_CNT_UNFINISHED]},
		{"guarded", k[WF_CNT_GUARDED]},           {"too short", k[WF_CNT_SHORT]},
		{"sampled out", k[WF_CNT_SAMPLED_OUT]},   {"lost: too deep", k[WF_CNT_STATE_FULL]},
		{"lost: ring full", k[WF_CNT_RING_FULL]}, {"still open", ledger->open_now},
	};

	wf_buf_printf(out, "calls: %" PRIu64 " entered, %" PRIu64 " completed", k[WF_CNT_ENTRIES],
		      k[WF_CNT_COMPLETED]);
	say_terms(out, rest, COUNT(rest));
	wf_buf_putc(out, '\n');
}

static void say_spans(const struct wf_ledger *ledger, struct wf_buf *out)
{
	const struct wf_assembler_counters *a = &ledger->assembler;
	const struct term lost[] = {
		{"dropped by rule", ledger->dropped_by_rule},
		{"lost: unknown function", a->unknown_span_id},
		{"lost: damaged record", a->malformed},
		{"lost: too large", a->batch_full},
		{"lost: no memory", ledger->lost_before},
		{"lost: export too slow", ledger->lost_handover},
		{"events without a span", a->events_orphaned},
		{"events lost: ring full", ledger->kernel[WF_CNT_EVENTS_LOST]},
		{"values lost: no room", ledger->kernel[WF_CNT_ARENA_FULL]},
		{"values lost: not in memory", ledger->kernel[WF_CNT_READ_FAULT]},
		{"attributes over the limit", a->attributes_dropped},
		{"unmatched exits", ledger->kernel[WF_CNT_EXIT_UNMATCHED]},
		{"late", a->late},
		{"Python agents took all back by themselves", a->restored},
	};

	wf_buf_printf(out, "spans: %" PRIu64, a->spans_out);
	say_terms(out, lost, COUNT(lost));
	wf_buf_putc(out, '\n');
	if (!a->logs_in)
		return;
	wf_buf_printf(out, "logs: %" PRIu64, a->logs_out);
	if (a->logs_lost + ledger->logs_handover)
		wf_buf_printf(out, ", %" PRIu64 " lost", a->logs_lost + ledger->logs_handover);
	wf_buf_putc(out, '\n');
}

static void say_sink(const struct wf_ledger_sink *sink, struct wf_buf *out)
{
	const struct wf_sink_counters *c = &sink->counters;
	const struct term lost[] = {
		{"lost: queue full", c->lost_queue_full},
		{"lost: refused", c->lost_rejected},
		{"lost: gave up", c->lost_retries},
		{"lost: too large", c->lost_too_large},
		{"lost: write failed", c->lost_write},
		{"lost: not encodable", c->lost_encode},
		{"logs lost", c->logs_lost},
		{"of these refused", c->logs_rejected},
	};

	if (!sink_lost(c) && !c->logs_lost)
		return;
	wf_buf_printf(out, "%s: %" PRIu64 " exported", sink->name, c->exported);
	say_terms(out, lost, COUNT(lost));
	wf_buf_putc(out, '\n');
}

int wf_ledger_to_text(const struct wf_ledger *ledger, struct wf_buf *out)
{
	struct wf_ledger_balance off;

	say_calls(ledger, out);
	say_spans(ledger, out);
	for (uint32_t i = 0; i < ledger->sink_count; i++)
		say_sink(&ledger->sinks[i], out);
	if (wf_ledger_balanced(ledger, &off))
		wf_buf_puts(out, "ledger: balanced\n");
	else
		wf_buf_printf(out,
			      "ledger: NOT balanced: entries off by %" PRId64
			      ", records by %" PRId64 ", spans by %" PRId64 ", exits by %" PRId64
			      ", python by %" PRId64 ", logs by %" PRId64 "\n",
			      off.entries, off.records, off.spans, off.exits, off.python, off.logs);
	return out->failed ? -ENOMEM : 0;
}
