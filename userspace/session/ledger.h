/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger.h - what became of every call. Pure; filled by run once the stream has ended (before
 * that, open_now and records in flight make the lines move).
 *
 * The lines, each a sum that must come out exactly:
 *  entries  entries = completed + abandoned + unfinished + guarded + short + sampled_out
 *                     + state_full + ring_full + open_now
 *  records  completed + abandoned + unfinished + tombstones = span and tombstone records read
 *                     (assembler.spans_in) + lost_before (reorder buffer without memory)
 *  spans    spans_in = spans_out + tombstones + dropped_by_rule (replay under other rules)
 *                     + unknown_span_id + malformed + batch_full, and for each sink spans_out =
 *                     sink.spans_in + lost_handover, and sink.spans_in = exported + each of its
 *                     named losses (notices of running calls not counted)
 *  python   what the agents showed to wf_site_span = hits of it - those of processes that ended
 *                     before their agent's counts were read
 *  logs     LOG records of the kernel = logs_in = logs_out + logs_lost, and for each sink that has
 * a place for them logs_out = sink.logs_in + logs_handover, and sink.logs_in = logs_exported +
 * logs_lost exits    exits = matched + state_full + in_flight + disarmed + unmatched
 */
#ifndef WF_LEDGER_H
#define WF_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "exporter/sink.h"
#include "userspace/base/buf.h"
#include "userspace/collect/assemble.h"

#define WF_LEDGER_SINKS_MAX 16

struct wf_ledger_sink {
	const char *name; /* borrowed */
	struct wf_sink_counters counters;
	bool no_logs; /* it has no place for them */
};

struct wf_ledger {
	uint64_t kernel[WF_COUNTERS]; /* enum wf_counter */
	uint64_t open_now;
	uint64_t agent[WF_REC_AGENT_COUNTERS]; /* enum wf_agent_counter */
	uint64_t lost_before;
	uint64_t dropped_by_rule, events_dropped_by_rule;
	struct wf_assembler_counters assembler;
	uint64_t lost_handover; /* finished spans of batches that the export queue refused */
	uint64_t logs_handover; /* the same for logs */
	struct wf_ledger_sink sinks[WF_LEDGER_SINKS_MAX];
	uint32_t sink_count;
};

/* By how much each line is off: left side minus right side. */
struct wf_ledger_balance {
	int64_t entries, records, spans, exits, python, logs;
};

/* Kernel counters and open_now from the record that ends a stream. */
void wf_ledger_from_record(struct wf_ledger *ledger, const struct wf_rec_ledger *record);
/* True where all lines come out. ret may be NULL. `spans` adds up the first sink that is off. */
bool wf_ledger_balanced(const struct wf_ledger *ledger, struct wf_ledger_balance *ret);
/* One JSON object, no newline. Fails as wf_buf does. */
int wf_ledger_to_json(const struct wf_ledger *ledger, struct wf_buf *out);
/* A few lines for people; only what was lost. */
int wf_ledger_to_text(const struct wf_ledger *ledger, struct wf_buf *out);

#endif
