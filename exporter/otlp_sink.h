/* SPDX-License-Identifier: Apache-2.0 */
/*
 * otlp_sink.h - spans to one OTLP/HTTP receiver: queue, merge, compress, send, retry. Export
 * thread.
 *
 * The queue is bounded by bytes; when it is full the oldest spans are dropped (lost_queue_full).
 * Up to four requests are under way, and one more after each answer, up to 16: a small receiver
 * is not overrun by new connections. A receiver that asks for patience, or is not there, is left
 * alone for the back-off, by all requests.
 */
#ifndef WF_OTLP_SINK_H
#define WF_OTLP_SINK_H

#include "compression.h"
#include "http.h"
#include "sink.h"

struct wf_otlp_options {
	const char *const *headers; /* "Name: value" */
	unsigned header_count;
	enum wf_compression compression;
	/* Zero means the default of each. */
	size_t queue_bytes;   /* 64 MiB */
	size_t request_bytes; /* 4 MiB, before compression */
	uint32_t batch_spans; /* 512 in a request */
	uint64_t delay_ns;    /* 1 s: the longest a span waits for company */
	uint64_t timeout_ns;  /* 10 s for one attempt */
	uint64_t seed;        /* of the jitter */
};

/*
 * For one signal, whose items its counters call spans. name and http are borrowed and outlive the
 * sink; url is used as it stands.
 */
int wf_otlp_sink_new(struct wf_http *http, const char *name, const char *url, enum wf_signal signal,
		     const struct wf_otlp_options *options, struct wf_sink **ret,
		     struct wf_err *err);

#endif
