/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.h - calls, as records tell of them: one that ended or runs long becomes a span. Its trace
 * and its parent are decided; where the parent may yet turn out too short to be recorded, the
 * record waits for that. Records are checked before. Data thread only.
 */
#ifndef WF_CALL_H
#define WF_CALL_H

#include "hold.h"
#include "packer.h"

struct wf_calls {
	/* borrowed */
	const struct wf_ruleset *rules;
	struct wf_catalog *catalog;
	struct wf_traces *traces;
	struct wf_events *events;
	struct wf_exceptions *exceptions;
	struct wf_packer *packer;
	struct wf_assembler_counters *counters;
	uint64_t min_duration_max_ns; /* of all rules */
	/* own */
	struct wf_holds *holds;
};

/* The other members are set; it does not move afterwards. held_max: records that may wait. -ENOMEM.
 */
int wf_calls_init(struct wf_calls *calls, size_t held_max);
void wf_calls_done(struct wf_calls *calls);

/* It ended, or it was too short to be recorded: a SPAN, UNFINISHED or TOMBSTONE record. */
void wf_calls_ended(struct wf_calls *calls, const struct wf_rec_span *record);
/* It runs for long: an OPEN record. */
void wf_calls_running(struct wf_calls *calls, const struct wf_rec_span *record);
/* Nobody will end it any more. */
void wf_calls_given_up(struct wf_calls *calls, const struct wf_rec_span *record);
/* What ended up to this moment waits no longer. How many they are. */
size_t wf_calls_expire(struct wf_calls *calls, uint64_t until_ns);

#endif
