/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn.h - which span started which task: threads and processes that begin inside a span.
 *
 * The span is followed until its own record comes (then its end is known) or its tombstone (then
 * its parent takes its place). Data thread only. At the maximum the oldest is forgotten.
 */
#ifndef WF_SPAWN_H
#define WF_SPAWN_H

#include <stdbool.h>
#include <stdint.h>

#include "userspace/base/cleanup.h"

struct wf_spawn {
	uint64_t trace_hi, trace_lo; /* final trace of the span */
	uint64_t span_id;
	uint64_t start_ns; /* monotonic */
	uint64_t end_ns;   /* 0 = it still runs */
	uint64_t serial;   /* names this relation; set by add */
	bool link_only;
	bool random; /* the trace id is a random one */
};

struct wf_spawns;

/* keep_ns: how long after the span's end its tasks still link to it. NULL without memory. */
struct wf_spawns *wf_spawns_new(size_t max, uint64_t keep_ns);
void wf_spawns_free(struct wf_spawns *spawns);

/* Replaces what was known of this task. */
void wf_spawns_add(struct wf_spawns *spawns, uint32_t child_tid, const struct wf_spawn *spawn);
void wf_spawns_forget(struct wf_spawns *spawns, uint32_t tid);
/* NULL where unknown; valid until the next call that changes something. */
const struct wf_spawn *wf_spawns_find(const struct wf_spawns *spawns, uint32_t tid);
/* The span ended. */
void wf_spawns_ended(struct wf_spawns *spawns, uint64_t span_id, uint64_t end_ns);
/* The span turned out too short to be recorded. parent_id 0: nobody takes its place, its tasks are
 * known with span_id 0 from then on. */
void wf_spawns_moved(struct wf_spawns *spawns, uint64_t span_id, uint64_t parent_id,
		     uint64_t now_ns);
void wf_spawns_tick(struct wf_spawns *spawns, uint64_t now_ns);

WF_DEFINE_FREEP(wf_spawns_freep, struct wf_spawns, wf_spawns_free)

#endif
