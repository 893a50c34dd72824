/* SPDX-License-Identifier: Apache-2.0 */
#include "otlp_sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "group.h"
#include "gzip.h"
#include "otlp.h"
#include "queue.h"
#include "response.h"
#include "retry.h"
#include "userspace/base/clock.h"
#include "userspace/base/log.h"
#include "userspace/base/str.h"

#define REQUESTS_FIRST    4
#define REQUESTS_MAX      16
#define QUEUE_BATCHES_MAX 65536
#define QUEUE_BYTES       (64u << 20)
#define REQUEST_BYTES     (4u << 20)
#define SCRATCH_BYTES     (64u << 20)
#define BATCH_SPANS       512
#define DELAY_NS          1000000000ull
#define TIMEOUT_NS        10000000000ull
#define SAY_EVERY_NS      30000000000ull

enum request_state { REQUEST_IDLE, REQUEST_SENT, REQUEST_WAITING };

struct request {
	struct otlp_sink *sink;
	enum request_state state;
	struct wf_buf raw, packed;
	uint32_t spans;
	unsigned attempts;
	uint64_t first_ns; /* of the first attempt */
	uint64_t due_ns;   /* of the next, while waiting */
	bool asked;        /* to wait that long, by the receiver */
};

struct otlp_sink {
	struct wf_sink base;
	struct wf_http *http;
	struct wf_http_endpoint *endpoint;
	struct wf_otlp *encoder;
	struct wf_gzip *gzip; /* NULL = plain */
	struct wf_queue *queue;
	struct wf_otlp_options options;
	enum wf_signal signal;
	struct request requests[REQUESTS_MAX];
	unsigned window;      /* how many may be under way: one more after each answer */
	uint64_t now_ns;      /* of the last call of work() */
	uint64_t oldest_ns;   /* when the oldest queued span came; 0 = not yet seen by work() */
	uint64_t hold_ns;     /* nothing new is sent before */
	bool hold_asked;      /* the receiver asked for it */
	uint64_t deadline_ns; /* of the drain; UINT64_MAX before */
	uint64_t said_ns;     /* of the last message; 0 = none */
	uint64_t random;
	bool trouble; /* said, and not yet over */
};

static void sink_free(struct wf_sink *base);

static void sink_freep(struct otlp_sink **sink)
{
	if (*sink)
		sink_free(&(*sink)->base);
}

static uint32_t random_next(struct otlp_sink *sink)
{
	sink->random = wf_mix64(sink->random + 1);
	return (uint32_t)(sink->random >> 32);
}

static const char *items(const struct otlp_sink *sink)
{
	return sink->signal == WF_SIGNAL_LOGS ? "log records" : "spans";
}

/* Tell the user, at most once in 30 s. */
static void trouble_say(struct otlp_sink *sink, const char *what, const char *detail)
{
	uint64_t now_ns = sink->now_ns;

	if (sink->said_ns && now_ns - sink->said_ns < SAY_EVERY_NS) {
		wf_log(WF_LOG_DEBUG, "otlp", "%s: %s: %s", sink->base.name, what, detail);
		return;
	}
	sink->said_ns = now_ns;
	sink->trouble = true;
	wf_log(WF_LOG_WARN, "otlp", "%s: %s%s%s", sink->base.name, what, *detail ? ": " : "",
	       detail);
}

static void trouble_over(struct otlp_sink *sink)
{
	if (sink->trouble)
		wf_log(WF_LOG_INFO, "otlp", "%s: takes %s again", sink->base.name, items(sink));
	sink->trouble = false;
	sink->hold_ns = 0;
}

static void push(struct wf_sink *base, struct wf_batch *batch)
{
	struct otlp_sink *sink = (struct otlp_sink *)base;
	uint64_t before = wf_queue_spans(sink->queue);

	if (!wf_group_count(batch, 0, batch->count, sink->signal))
		return;
	/* The newest are worth more: the oldest make room. An empty queue takes any batch. */
	while (!wf_queue_push(sink->queue, batch)) {
		uint32_t lost = wf_queue_drop(sink->queue);

		before -= lost;
		base->counters.lost_queue_full += lost;
	}
	base->counters.spans_in += wf_queue_spans(sink->queue) - before;
}

/* Spans of the oldest batch that fit; false when the request is full. */
static bool request_add(struct otlp_sink *sink, struct request *request)
{
	struct wf_queue_item *item = wf_queue_peek(sink->queue);
	struct wf_otlp_limit limit = {
		.spans = sink->options.batch_spans - request->spans,
		.bytes = sink->options.request_bytes - request->raw.len,
	};
	struct wf_otlp_part part;

	if (!item || !limit.spans)
		return false;
	if (wf_otlp_encode(sink->encoder, item->batch, item->from, limit, !request->raw.len,
			   &request->raw, &part) < 0) {
		sink->base.counters.lost_encode += part.spans;
		request->raw.failed = false; /* nothing was appended */
	} else {
		request->spans += part.spans;
	}
	sink->base.counters.lost_too_large += part.too_large;
	/* Only the notices at the end of a batch end it without a span. */
	if (part.next == item->from)
		return false;
	wf_queue_advance(sink->queue, part.next, part.spans + part.too_large);
	return true;
}

static void request_done(void *owner, const struct wf_http_result *result);

static void request_send(struct request *request)
{
	struct otlp_sink *sink = request->sink;
	const struct wf_buf *body = sink->gzip ? &request->packed : &request->raw;
	struct wf_http_post post = {
		.endpoint = sink->endpoint,
		.body = body->data,
		.len = body->len,
		.gzip = sink->gzip,
		.timeout_ns = sink->options.timeout_ns,
		.done = request_done,
		.owner = request,
	};

	request->attempts++;
	sink->base.counters.requests++;
	sink->base.counters.retries += request->attempts > 1;
	sink->base.counters.bytes_sent += body->len;
	if (wf_http_start(sink->http, &post) == 0) {
		request->state = REQUEST_SENT;
		return;
	}
	request->state = REQUEST_WAITING;
	request->due_ns = sink->now_ns + WF_RETRY_FIRST_NS;
}

/* Fill an idle request from the queue and send it. */
static void request_start(struct otlp_sink *sink, struct request *request)
{
	wf_buf_reset(&request->raw);
	wf_buf_reset(&request->packed);
	request->spans = 0;
	request->attempts = 0;
	request->first_ns = sink->now_ns;
	while (request_add(sink, request))
		;
	sink->oldest_ns = wf_queue_spans(sink->queue) ? sink->now_ns : 0;
	if (!request->spans)
		return;
	if (sink->gzip &&
	    wf_gzip_append(sink->gzip, request->raw.data, request->raw.len, &request->packed) < 0) {
		sink->base.counters.lost_encode += request->spans;
		return;
	}
	request_send(request);
}

static void request_retry(struct request *request, uint64_t retry_after_ns, const char *what,
			  const char *detail)
{
	struct otlp_sink *sink = request->sink;
	uint64_t delay = wf_retry_delay(request->attempts, retry_after_ns, random_next(sink));

	trouble_say(sink, what, detail);
	sink->window = REQUESTS_FIRST;
	if (sink->hold_ns < sink->now_ns + delay) {
		sink->hold_ns = sink->now_ns + delay;
		sink->hold_asked = retry_after_ns;
	}
	request->due_ns = sink->now_ns + delay;
	request->asked = retry_after_ns;
	request->state = REQUEST_WAITING;
	if (!wf_retry_give_up(request->first_ns, sink->now_ns, delay, sink->deadline_ns))
		return;
	request->state = REQUEST_IDLE;
	sink->base.counters.lost_retries += request->spans;
}

static void request_unanswered(struct request *request, const struct wf_http_result *result)
{
	char what[64];

	if (result->failure == WF_HTTP_UNREACHED) {
		request_retry(request, 0, "cannot deliver, will try again", result->reason);
		return;
	}
	request->state = REQUEST_IDLE;
	request->sink->base.counters.lost_rejected += request->spans;
	snprintf(what, sizeof(what), "cannot deliver, %s are lost", items(request->sink));
	trouble_say(request->sink, what, result->reason);
}

static const char *status_hint(long status, enum wf_signal signal)
{
	if (status == 404 || status == 405)
		return signal == WF_SIGNAL_LOGS
			       ? " (OTLP/HTTP takes POST of logs at /v1/logs)"
			       : " (is the path right? OTLP/HTTP takes POST at /v1/traces)";
	if (status == 401 || status == 403)
		return " (give the receiver's key with --header)";
	if (status == 413)
		return " (the receiver's limit is below ours)";
	return status >= 300 && status < 400 ? " (redirects are not followed)" : "";
}

static void request_answered(struct request *request, const struct wf_http_result *result)
{
	struct otlp_sink *sink = request->sink;
	struct wf_response response;
	char what[128];

	wf_response_read(result->status, result->body, result->body_len, request->spans, &response);
	snprintf(what, sizeof(what), "answered %ld%s", result->status,
		 status_hint(result->status, sink->signal));
	if (response.outcome == WF_OUTCOME_RETRY) {
		request_retry(request, result->retry_after_ns, what, response.message);
		return;
	}
	request->state = REQUEST_IDLE;
	sink->base.counters.lost_rejected += response.rejected;
	sink->base.counters.exported += request->spans - response.rejected;
	if (sink->window < REQUESTS_MAX)
		sink->window++;
	if (response.outcome == WF_OUTCOME_REJECTED) {
		trouble_say(sink, what, response.message);
		return;
	}
	trouble_over(sink);
	if (response.rejected)
		snprintf(what, sizeof(what), "refused some %s", items(sink));
	if (response.rejected || *response.message)
		trouble_say(sink, response.rejected ? what : "warns", response.message);
	sink->trouble = false;
}

static void request_done(void *owner, const struct wf_http_result *result)
{
	struct request *request = owner;

	request->sink->now_ns = wf_clock_monotonic_ns();
	if (result->failure == WF_HTTP_ANSWERED)
		request_answered(request, result);
	else
		request_unanswered(request, result);
}

/* When the queue's spans are to be sent: now_ns or before means now. */
static uint64_t queue_due(const struct otlp_sink *sink)
{
	uint64_t spans = wf_queue_spans(sink->queue), due;

	if (!spans)
		return UINT64_MAX;
	due = sink->oldest_ns + sink->options.delay_ns;
	if (spans >= sink->options.batch_spans || sink->deadline_ns != UINT64_MAX)
		due = sink->now_ns;
	return due > sink->hold_ns ? due : sink->hold_ns;
}

static uint64_t work(struct wf_sink *base, uint64_t now_ns)
{
	struct otlp_sink *sink = (struct otlp_sink *)base;
	uint64_t next = UINT64_MAX;
	bool idle = false;
	unsigned i;

	sink->now_ns = now_ns;
	if (wf_queue_spans(sink->queue) && !sink->oldest_ns)
		sink->oldest_ns = now_ns;
	for (i = 0; i < REQUESTS_MAX; i++) {
		struct request *request = &sink->requests[i];
		bool open = i < sink->window;

		if (request->state == REQUEST_WAITING && request->due_ns <= now_ns)
			request_send(request);
		else if (request->state == REQUEST_IDLE && open && queue_due(sink) <= now_ns)
			request_start(sink, request);
		if (request->state == REQUEST_WAITING && request->due_ns < next)
			next = request->due_ns;
		idle |= request->state == REQUEST_IDLE && open;
	}
	/* With all requests under way the end of one is the next event. */
	return idle && queue_due(sink) < next ? queue_due(sink) : next;
}

static void give_up(struct otlp_sink *sink)
{
	uint64_t lost = wf_queue_spans(sink->queue);
	unsigned i;

	while (wf_queue_peek(sink->queue))
		wf_queue_drop(sink->queue);
	for (i = 0; i < REQUESTS_MAX; i++) {
		struct request *request = &sink->requests[i];

		if (request->state == REQUEST_IDLE)
			continue;
		wf_http_abort(sink->http, request);
		lost += request->spans;
		request->state = REQUEST_IDLE;
	}
	sink->base.counters.lost_retries += lost;
}

/* A last attempt now for what would wait too long, unless the receiver asked for the wait. */
static void drain_begin(struct otlp_sink *sink, uint64_t now_ns)
{
	unsigned i;

	if (!sink->hold_asked)
		sink->hold_ns = 0;
	for (i = 0; i < REQUESTS_MAX; i++)
		if (sink->requests[i].state == REQUEST_WAITING && !sink->requests[i].asked)
			sink->requests[i].due_ns = now_ns;
}

static bool drain(struct wf_sink *base, uint64_t now_ns, uint64_t deadline_ns)
{
	struct otlp_sink *sink = (struct otlp_sink *)base;
	unsigned i;

	if (sink->deadline_ns == UINT64_MAX)
		drain_begin(sink, now_ns);
	sink->deadline_ns = deadline_ns;
	if (now_ns >= deadline_ns) {
		give_up(sink);
		return true;
	}
	for (i = 0; i < REQUESTS_MAX; i++)
		if (sink->requests[i].state != REQUEST_IDLE)
			return false;
	/* The receiver asked for more patience than there is. */
	if (sink->hold_ns > deadline_ns)
		give_up(sink);
	return !wf_queue_spans(sink->queue);
}

static void sink_free(struct wf_sink *base)
{
	struct otlp_sink *sink = (struct otlp_sink *)base;
	unsigned i;

	if (!sink)
		return;
	for (i = 0; i < REQUESTS_MAX; i++) {
		wf_http_abort(sink->http, &sink->requests[i]);
		wf_buf_done(&sink->requests[i].raw);
		wf_buf_done(&sink->requests[i].packed);
	}
	wf_http_endpoint_free(sink->endpoint);
	wf_otlp_free(sink->encoder);
	wf_gzip_free(sink->gzip);
	wf_queue_free(sink->queue);
	free(sink);
}

static const struct wf_sink_ops otlp_ops = {
	.kind = "otlp",
	.push = push,
	.work = work,
	.drain = drain,
	.free = sink_free,
};

static void options_default(struct wf_otlp_options *options)
{
	if (!options->queue_bytes)
		options->queue_bytes = QUEUE_BYTES;
	if (!options->request_bytes)
		options->request_bytes = REQUEST_BYTES;
	if (!options->batch_spans)
		options->batch_spans = BATCH_SPANS;
	if (!options->delay_ns)
		options->delay_ns = DELAY_NS;
	if (!options->timeout_ns)
		options->timeout_ns = TIMEOUT_NS;
}

int wf_otlp_sink_new(struct wf_http *http, const char *name, const char *url, enum wf_signal signal,
		     const struct wf_otlp_options *options, struct wf_sink **ret,
		     struct wf_err *err)
{
	wf_auto(sink_freep) struct otlp_sink *sink = calloc(1, sizeof(*sink));
	bool compressed = wf_compression_pays(options->compression, url);
	unsigned i;
	int rc;

	if (!sink)
		return wf_err_set(err, ENOMEM, "out of memory");
	sink->base.ops = &otlp_ops;
	sink->base.name = name;
	sink->http = http;
	sink->signal = signal;
	sink->options = *options;
	sink->deadline_ns = UINT64_MAX;
	sink->window = REQUESTS_FIRST;
	sink->random = options->seed;
	options_default(&sink->options);
	for (i = 0; i < REQUESTS_MAX; i++) {
		sink->requests[i].sink = sink;
		wf_buf_init(&sink->requests[i].raw, sink->options.request_bytes);
		/* Incompressible bytes grow a little. */
		wf_buf_init(&sink->requests[i].packed, 2 * sink->options.request_bytes + 1024);
	}
	rc = wf_http_endpoint_new(url, options->headers, options->header_count, &sink->endpoint,
				  err);
	if (rc < 0)
		return rc;
	sink->encoder = wf_otlp_new(SCRATCH_BYTES, signal);
	sink->queue = wf_queue_new(QUEUE_BATCHES_MAX, sink->options.queue_bytes, signal);
	if (compressed)
		sink->gzip = wf_gzip_new(1);
	if (!sink->encoder || !sink->queue || (compressed && !sink->gzip))
		return wf_err_set(err, ENOMEM, "out of memory");
	*ret = &wf_take(sink)->base;
	return 0;
}
