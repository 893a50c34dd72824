/* SPDX-License-Identifier: Apache-2.0 */
/*
 * span.h - plain data: what a finished span is, and the batch it travels in.
 *
 * The assembler fills a batch; sinks read it. A batch owns its arena, and every string, attribute
 * and event of its spans lies in that arena (keys and rule names may be static or live as long as
 * the rule set). Resources are shared and counted. A batch is immutable once it left the
 * assembler; wf_batch_ref/unref are safe from any thread.
 */
#ifndef WF_SPAN_H
#define WF_SPAN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "userspace/base/arena.h"
#include "value.h"

struct wf_event {
	uint64_t time_ns; /* realtime */
	const char *name;
	struct wf_attributes attributes;
};

struct wf_link {
	uint8_t trace_id[16];
	uint8_t span_id[8];
	struct wf_attributes attributes;
};

/* Facts of one process, made from a RESOURCE record. Shared by reference; lies in its own arena. */
struct wf_resource {
	atomic_uint refs;
	uint32_t tgid;
	struct wf_arena *arena;
	struct wf_attributes attributes; /* sorted by key */
};

/* Empty, with one reference; NULL when memory is out. */
struct wf_resource *wf_resource_new(size_t max_bytes);
void wf_resource_ref(struct wf_resource *resource);
void wf_resource_unref(struct wf_resource *resource);

/* Numbers of the OTLP Span.SpanKind and Status.StatusCode enums. */
enum wf_span_kind {
	WF_KIND_INTERNAL = 1,
	WF_KIND_SERVER,
	WF_KIND_CLIENT,
	WF_KIND_PRODUCER,
	WF_KIND_CONSUMER
};
enum wf_status_code { WF_STATUS_UNSET = 0, WF_STATUS_OK = 1, WF_STATUS_ERROR = 2 };

enum wf_span_state {
	WF_SPAN_FINISHED,
	WF_SPAN_UNFINISHED, /* still running when wftrace left; end = that moment */
	WF_SPAN_OPEN,       /* a notice: it runs now; not exported by OTLP sinks */
	WF_SPAN_LOG,        /* no span, but a log record: see wf_span_is() */
};

/* What a batch carries, in the order in which it happened. */
enum wf_signal { WF_SIGNAL_SPANS, WF_SIGNAL_LOGS };

struct wf_span {
	uint8_t trace_id[16];
	uint8_t span_id[8];
	uint8_t parent_id[8]; /* zeros = root of the trace */
	const char *name;
	uint8_t kind;               /* enum wf_span_kind */
	uint8_t state;              /* enum wf_span_state */
	uint8_t status;             /* enum wf_status_code */
	bool local_root;            /* outermost traced call of its task */
	uint32_t flags;             /* OTLP Span.flags */
	uint64_t start_ns, end_ns;  /* realtime; end >= start */
	const char *status_message; /* NULL = none */
	const char *scope;          /* instrumentation scope name, "wftrace/<profile>" */
	struct wf_attributes attributes;
	struct wf_event *events;
	struct wf_link *links;
	uint32_t event_count, link_count;
	uint32_t dropped_events;
	struct wf_resource *resource; /* held by the batch; may be NULL (unknown process) */
	uint32_t tgid, tid;
	uint16_t depth;
	uint8_t severity;          /* LOG: OTLP SeverityNumber */
	const char *severity_text; /* LOG: as the program calls it; NULL = none */
};

/*
 * Does it belong to that signal? A log is a span without a duration: parent_id is the span that it
 * was written in, span_id is zeros, name is the message and scope the logger.
 */
static inline bool wf_span_is(const struct wf_span *span, enum wf_signal signal)
{
	return signal == WF_SIGNAL_LOGS ? span->state == WF_SPAN_LOG : span->state < WF_SPAN_OPEN;
}

struct wf_batch {
	atomic_uint refs;
	struct wf_arena *arena;
	struct wf_span *spans;
	uint32_t count, capacity;
};

/* capacity spans, arena of at most max_bytes; NULL when memory is out. */
struct wf_batch *wf_batch_new(uint32_t capacity, size_t max_bytes);
void wf_batch_ref(struct wf_batch *batch);
/* The last unref releases one resource reference per span, and the arena. NULL is fine. */
void wf_batch_unref(struct wf_batch *batch);
/* The next empty span, zeroed; NULL when full. */
struct wf_span *wf_batch_add(struct wf_batch *batch);

#endif
