/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exporter.h - the export thread: takes finished batches from the data thread and drives the sinks.
 *
 * new, add, start, stop and free belong to one control thread; push to the data thread; the
 * counters may be read from any. A full inbox drops the batch and counts its spans; a slow or dead
 * destination never blocks push, nor another destination. The process must ignore SIGPIPE.
 */
#ifndef WF_EXPORTER_H
#define WF_EXPORTER_H

#include "console.h"
#include "destination.h"
#include "otlp_sink.h"

struct wf_exporter;

struct wf_exporter_config {
	struct wf_console_options console; /* as wf_console_detect() gives it, or as asked for */
	struct wf_otlp_options otlp;       /* headers: for every OTLP destination */
	uint32_t inbox_batches;            /* 0 = 256 */
	size_t inbox_bytes;                /* 0 = 64 MiB */
	/* Called once, on the export thread, when a sink cannot go on; may be NULL. */
	void (*on_failed)(void *context, const struct wf_sink *sink);
	void *context;
};

/* The config is copied; what it points to outlives the exporter. */
int wf_exporter_new(const struct wf_exporter_config *config, struct wf_exporter **ret,
		    struct wf_err *err);
/* Stops with a deadline of now, where that was not done. */
void wf_exporter_free(struct wf_exporter *exporter);

/* Before start. The destination stays the caller's. */
int wf_exporter_add(struct wf_exporter *exporter, const struct wf_destination *destination,
		    struct wf_err *err);
int wf_exporter_start(struct wf_exporter *exporter, struct wf_err *err);

/* Never blocks; takes a reference of its own. False when the inbox is full (counted). */
bool wf_exporter_push(struct wf_exporter *exporter, struct wf_batch *batch);

/* Export what is queued until the deadline (monotonic), count the rest as lost, end the thread. */
void wf_exporter_stop(struct wf_exporter *exporter, uint64_t deadline_ns);

struct wf_exporter_sink {
	const char *kind, *name; /* live as long as the exporter */
	struct wf_sink_counters counters;
	bool no_logs; /* it has no place for logs, and counts none */
	int failed;   /* errno of a sink that cannot go on */
};

unsigned wf_exporter_sink_count(const struct wf_exporter *exporter);
/* A moment's state; exact after stop. */
void wf_exporter_sink_read(struct wf_exporter *exporter, unsigned index,
			   struct wf_exporter_sink *ret);
/* Spans, or logs, that never reached a sink because the inbox was full. */
uint64_t wf_exporter_inbox_lost(struct wf_exporter *exporter, enum wf_signal signal);

/* After stop: the closing table of a console. */
void wf_exporter_summary(const struct wf_exporter *exporter, FILE *file);

WF_DEFINE_FREEP(wf_exporter_freep, struct wf_exporter, wf_exporter_free)

#endif
