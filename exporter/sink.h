/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink.h - the one interface of a destination, and the export thread's view of it.
 *
 * A sink is driven by the export thread only: push() takes a reference to a batch if it keeps it,
 * work() does what is due without blocking, drain() is asked to finish by a deadline. Counters
 * say what became of every span: exported + each named loss = spans pushed. Notices of open calls
 * (WF_SPAN_OPEN) are no spans here: only the console shows them.
 */
#ifndef WF_SINK_H
#define WF_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "userspace/base/err.h"
#include "userspace/span/span.h"

struct wf_sink;

struct wf_sink_counters {
	uint64_t spans_in;
	uint64_t exported;
	uint64_t lost_queue_full;
	uint64_t lost_rejected; /* the receiver refused them (4xx, partial success) */
	uint64_t lost_retries;  /* gave up after retries, or at shutdown */
	uint64_t lost_too_large, lost_write, lost_encode;
	uint64_t logs_in, logs_exported, logs_lost; /* log records: in = exported + lost */
	uint64_t logs_rejected;                     /* of logs_lost, by the receiver */
	uint64_t retries, requests, bytes_sent;
};

struct wf_sink_ops {
	const char *kind; /* "console", "file", "otlp" ... */
	/* Borrow the batch; keep a reference where it is needed longer. Never blocks. */
	void (*push)(struct wf_sink *sink, struct wf_batch *batch);
	/*
	 * Do what is due at now_ns (monotonic); returns when to be called again, UINT64_MAX = on
	 * push. Called once before the first push.
	 */
	uint64_t (*work)(struct wf_sink *sink, uint64_t now_ns);
	/*
	 * Nothing more will be pushed; true when all is done. Called, between calls of work(),
	 * until true; from the deadline on it gives up, counts the rest as lost and returns true.
	 */
	bool (*drain)(struct wf_sink *sink, uint64_t now_ns, uint64_t deadline_ns);
	void (*free)(struct wf_sink *sink);
};

struct wf_sink {
	const struct wf_sink_ops *ops;
	const char *name; /* as the user wrote it, without secrets */
	struct wf_sink_counters counters;
	int failed; /* errno of a sink that cannot go on (EPIPE: its reader left); 0 = it works */
};

#endif
