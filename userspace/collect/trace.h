/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace.h - which trace a task's tree belongs to, and under which parent.
 *
 * The kernel gives each tree (all calls below one outermost call of a task) a provisional trace
 * id. The first record of a tree decides once: child of the span that started the task while that
 * span runs (afterwards a link to it), else below the TRACEPARENT of the process, else a trace of
 * its own. The tree keeps one pair of clocks, the newest at its first record. Data thread only.
 *
 * Trees of Python spans have the root that their agent gave them, on whatever tasks they run.
 */
#ifndef WF_TRACE_H
#define WF_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/record.h"
#include "catalog.h"
#include "userspace/base/cleanup.h"
#include "userspace/base/err.h"

/* What all spans of one tree share. */
struct wf_trace_context {
	uint64_t trace_hi, trace_lo;
	uint64_t parent_id;                 /* of its outermost span, 0 = none */
	uint64_t link_hi, link_lo, link_id; /* of its outermost span, link_id 0 = none */
	uint64_t clock_offset_ns;           /* realtime - monotonic, modulo 2^64 */
	uint64_t parent_sure_ns; /* from here on the parent cannot turn out too short; 0 = sure */
	bool remote;             /* the parent came from outside */
	bool random;             /* the trace id is a random one */
};

struct wf_trace_limits {
	size_t trees_max;             /* 100000; the one used longest ago is forgotten */
	size_t spawns_max;            /* 100000 */
	uint64_t link_ns;             /* 60 s: tasks link to an ended span this long */
	uint64_t fork_child_ns;       /* 10 s: forked inside an older span = a server: link */
	uint64_t min_duration_max_ns; /* the largest of the rules, 0 = none has one */
};

struct wf_traces;

/* The catalog is borrowed. limits NULL = the defaults above. */
int wf_traces_new(const struct wf_trace_limits *limits, const struct wf_catalog *catalog,
		  struct wf_traces **ret, struct wf_err *err);
void wf_traces_free(struct wf_traces *traces);

void wf_traces_clock(struct wf_traces *traces, const struct wf_rec_clock *record);
/* FORK and THREAD: note who started the child. EXIT: forget the task. */
void wf_traces_process(struct wf_traces *traces, const struct wf_rec_process *record);
/* The newest pair of clocks: realtime - monotonic, modulo 2^64. */
uint64_t wf_traces_clock_offset(const struct wf_traces *traces);
/* The context of a record's tree; any record with the layout of a span. */
void wf_traces_resolve(struct wf_traces *traces, const struct wf_rec_span *record,
		       struct wf_trace_context *ret);
/* After a SPAN or UNFINISHED (survived) or a TOMBSTONE, whose place parent_id takes. */
void wf_traces_ended(struct wf_traces *traces, const struct wf_rec_span *record,
		     uint64_t parent_id);
void wf_traces_tick(struct wf_traces *traces, uint64_t now_ns);

WF_DEFINE_FREEP(wf_traces_freep, struct wf_traces, wf_traces_free)

#endif
