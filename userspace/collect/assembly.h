/* SPDX-License-Identifier: Apache-2.0 */
/* assembly.h - what the parts of the assembler share: its limits, and what it counts. */
#ifndef WF_ASSEMBLY_H
#define WF_ASSEMBLY_H

#include <stddef.h>
#include <stdint.h>

#include "userspace/rule/ruleset.h"

struct wf_assembler_config {
	const struct wf_ruleset *rules;
	uint32_t batch_spans;    /* 512 */
	size_t batch_bytes;      /* arena cap of one batch */
	uint32_t held_spans_max; /* 10000 */
	uint64_t held_ns_max;    /* 30 s */
};

/* Terms of the ledger's third line and what is counted beside it. */
struct wf_assembler_counters {
	uint64_t spans_in; /* span and tombstone records read */
	uint64_t given_up; /* of spans_in, Python spans that began and that nobody has ended */
	uint64_t tombstones;
	uint64_t spans_out;       /* put into batches, finished and unfinished */
	uint64_t unknown_span_id; /* no DEFINE: lost */
	uint64_t malformed;       /* of spans_in, records that do not hold together: lost */
	uint64_t malformed_other; /* the same among all other records */
	uint64_t batch_full;      /* lost because a span did not fit an empty batch */
	uint64_t open_notices;
	/* what Python agents noted: functions that came late or were refused then; agents that took
	 * all back by themselves */
	uint64_t late_armed, late_refused, restored;
	/* logs_in = out + lost, of which few do not hold together */
	uint64_t logs_in, logs_out, logs_lost;
	/* events_in = attached + orphaned + dropped, once finished */
	uint64_t events_in, events_attached, events_orphaned, events_dropped;
	uint64_t exceptions_in, held_released_early, reparented;
	uint64_t attributes_dropped, utf8_repaired, late;
};

#endif
