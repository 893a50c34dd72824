/* SPDX-License-Identifier: Apache-2.0 */
#include "exporter.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>

#include "file_sink.h"
#include "group.h"
#include "queue.h"
#include "userspace/base/clock.h"

#define INBOX_BATCHES 256
#define INBOX_BYTES   (64u << 20)
#define ROUND_BATCHES 64 /* taken from the inbox before the sinks get their turn */
#define WAIT_MS_MAX   1000
#define NS_PER_MS     1000000u

struct outlet {
	struct wf_sink *sink;
	struct wf_sink *logs; /* OTLP: has requests of its own for logs; NULL = sink takes all */
	char *name;
	struct wf_headers headers;     /* all of this destination */
	struct wf_exporter_sink shown; /* under the lock */
	bool told;                     /* on_failed was called */
};

struct wf_exporter {
	struct wf_exporter_config config;
	struct wf_http *http;
	struct outlet outlets[WF_DESTINATIONS_MAX];
	unsigned count;
	pthread_t thread;
	bool started;

	pthread_mutex_t lock; /* of what follows */
	struct wf_queue *inbox;
	uint64_t inbox_lost, inbox_logs_lost;
	bool stopping;
	uint64_t deadline_ns;
};

int wf_exporter_new(const struct wf_exporter_config *config, struct wf_exporter **ret,
		    struct wf_err *err)
{
	wf_auto(wf_exporter_freep) struct wf_exporter *exporter = calloc(1, sizeof(*exporter));
	int rc;

	if (!exporter)
		return wf_err_set(err, ENOMEM, "out of memory");
	pthread_mutex_init(&exporter->lock, NULL);
	exporter->config = *config;
	exporter->inbox = wf_queue_new(
		config->inbox_batches ? config->inbox_batches : INBOX_BATCHES,
		config->inbox_bytes ? config->inbox_bytes : INBOX_BYTES, WF_SIGNAL_SPANS);
	if (!exporter->inbox)
		return wf_err_set(err, ENOMEM, "out of memory");
	rc = wf_http_new(&exporter->http, err);
	if (rc < 0)
		return rc;
	*ret = wf_take(exporter);
	return 0;
}

void wf_exporter_free(struct wf_exporter *exporter)
{
	unsigned i;

	if (!exporter)
		return;
	wf_exporter_stop(exporter, 0);
	for (i = 0; i < exporter->count; i++) {
		struct outlet *outlet = &exporter->outlets[i];

		outlet->sink->ops->free(outlet->sink);
		if (outlet->logs)
			outlet->logs->ops->free(outlet->logs);
		wf_headers_done(&outlet->headers);
		free(outlet->name);
	}
	wf_http_free(exporter->http);
	wf_queue_free(exporter->inbox);
	pthread_mutex_destroy(&exporter->lock);
	free(exporter);
}

/* The headers of the command line and those of the destination itself, which come last. */
static int headers_join(struct outlet *outlet, const struct wf_otlp_options *options,
			const struct wf_headers *own, struct wf_err *err)
{
	unsigned i;
	int rc = 0;

	for (i = 0; i < own->count && !rc; i++)
		rc = wf_headers_add(&outlet->headers, own->items[i], err);
	for (i = 0; i < options->header_count && !rc; i++)
		rc = wf_headers_add(&outlet->headers, options->headers[i], err);
	return rc;
}

static int otlp_make(struct wf_exporter *exporter, struct outlet *outlet,
		     const struct wf_destination *destination, struct wf_err *err)
{
	struct wf_otlp_options options = exporter->config.otlp;
	int rc = headers_join(outlet, &options, &destination->headers, err);

	if (rc < 0)
		return rc;
	options.headers = (const char *const *)outlet->headers.items;
	options.header_count = outlet->headers.count;
	if (!options.seed && getrandom(&options.seed, sizeof(options.seed), GRND_NONBLOCK) < 0)
		options.seed = wf_clock_realtime_ns();
	rc = wf_otlp_sink_new(exporter->http, outlet->name, destination->target, WF_SIGNAL_SPANS,
			      &options, &outlet->sink, err);
	if (rc < 0 || !destination->logs)
		return rc;
	rc = wf_otlp_sink_new(exporter->http, outlet->name, destination->logs, WF_SIGNAL_LOGS,
			      &options, &outlet->logs, err);
	if (rc < 0)
		outlet->sink->ops->free(outlet->sink);
	return rc;
}

static int sink_make(struct wf_exporter *exporter, struct outlet *outlet,
		     const struct wf_destination *destination, struct wf_err *err)
{
	switch (destination->kind) {
	case WF_DESTINATION_CONSOLE:
		return wf_console_new(outlet->name, &exporter->config.console, &outlet->sink, err);
	case WF_DESTINATION_FILE:
		return wf_file_sink_new(outlet->name, destination->target, &outlet->sink, err);
	case WF_DESTINATION_OTLP:
		return otlp_make(exporter, outlet, destination, err);
	}
	return wf_err_set(err, EINVAL, "unknown kind of destination");
}

int wf_exporter_add(struct wf_exporter *exporter, const struct wf_destination *destination,
		    struct wf_err *err)
{
	struct outlet *outlet = &exporter->outlets[exporter->count];
	unsigned i;
	int rc;

	if (exporter->count == WF_DESTINATIONS_MAX)
		return wf_err_set(err, E2BIG, "more than %d destinations", WF_DESTINATIONS_MAX);
	for (i = 0; i < exporter->count; i++)
		if (strcmp(exporter->outlets[i].name, destination->name) == 0)
			return wf_err_set(err, EINVAL, "destination '%s' is given twice",
					  destination->name);
	outlet->name = strdup(destination->name);
	if (!outlet->name)
		return wf_err_set(err, ENOMEM, "out of memory");
	rc = sink_make(exporter, outlet, destination, err);
	if (rc < 0) {
		wf_headers_done(&outlet->headers);
		free(outlet->name);
		*outlet = (struct outlet){0};
		return rc;
	}
	outlet->shown.kind = outlet->sink->ops->kind;
	outlet->shown.name = outlet->name;
	outlet->shown.no_logs = destination->kind == WF_DESTINATION_OTLP && !outlet->logs;
	exporter->count++;
	return 0;
}

/* The n-th of all sinks, NULL past the last. */
static struct wf_sink *sink_at(const struct wf_exporter *exporter, unsigned n)
{
	for (unsigned i = 0; i < exporter->count; i++) {
		if (n-- == 0)
			return exporter->outlets[i].sink;
		if (exporter->outlets[i].logs && n-- == 0)
			return exporter->outlets[i].logs;
	}
	return NULL;
}

/* Everything that is due, in every sink; returns when the next is. */
static uint64_t sinks_work(struct wf_exporter *exporter)
{
	uint64_t now_ns = wf_clock_monotonic_ns(), next = UINT64_MAX, due;
	struct wf_sink *sink;

	for (unsigned i = 0; (sink = sink_at(exporter, i)); i++) {
		due = sink->ops->work(sink, now_ns);
		next = due < next ? due : next;
	}
	return next;
}

static bool sinks_drain(struct wf_exporter *exporter, uint64_t deadline_ns)
{
	uint64_t now_ns = wf_clock_monotonic_ns();
	struct wf_sink *sink;
	bool done = true;

	for (unsigned i = 0; (sink = sink_at(exporter, i)); i++)
		done &= sink->ops->drain(sink, now_ns, deadline_ns);
	return done;
}

static struct wf_batch *inbox_take(struct wf_exporter *exporter)
{
	struct wf_batch *batch;

	pthread_mutex_lock(&exporter->lock);
	batch = wf_queue_pop(exporter->inbox);
	pthread_mutex_unlock(&exporter->lock);
	return batch;
}

/* Hand waiting batches to all sinks. False when the inbox was empty. */
static bool inbox_deliver(struct wf_exporter *exporter)
{
	struct wf_batch *batch;
	struct wf_sink *sink;
	unsigned round, i;

	for (round = 0; round < ROUND_BATCHES; round++) {
		batch = inbox_take(exporter);
		if (!batch)
			break;
		for (i = 0; (sink = sink_at(exporter, i)); i++)
			sink->ops->push(sink, batch);
		wf_batch_unref(batch);
	}
	return round > 0;
}

/* What the sink of logs calls spans are the logs of its destination. */
static void add_logs(struct wf_sink_counters *sum, const struct wf_sink_counters *logs)
{
	sum->logs_in = logs->spans_in;
	sum->logs_exported = logs->exported;
	sum->logs_lost = logs->lost_queue_full + logs->lost_rejected + logs->lost_retries +
			 logs->lost_too_large + logs->lost_write + logs->lost_encode;
	sum->logs_rejected = logs->lost_rejected;
	sum->retries += logs->retries;
	sum->requests += logs->requests;
	sum->bytes_sent += logs->bytes_sent;
}

/* Let others see the counters, and tell who asked about a sink that failed. */
static void state_publish(struct wf_exporter *exporter)
{
	unsigned i;

	pthread_mutex_lock(&exporter->lock);
	for (i = 0; i < exporter->count; i++) {
		struct outlet *outlet = &exporter->outlets[i];

		outlet->shown.counters = outlet->sink->counters;
		if (outlet->logs)
			add_logs(&outlet->shown.counters, &outlet->logs->counters);
		outlet->shown.failed = outlet->sink->failed;
	}
	pthread_mutex_unlock(&exporter->lock);
	for (i = 0; i < exporter->count; i++) {
		struct outlet *outlet = &exporter->outlets[i];

		if (!outlet->sink->failed || outlet->told)
			continue;
		outlet->told = true;
		if (exporter->config.on_failed)
			exporter->config.on_failed(exporter->config.context, outlet->sink);
	}
}

static bool is_stopping(struct wf_exporter *exporter, uint64_t *ret_deadline_ns)
{
	bool stopping;

	pthread_mutex_lock(&exporter->lock);
	stopping = exporter->stopping;
	*ret_deadline_ns = exporter->deadline_ns;
	pthread_mutex_unlock(&exporter->lock);
	return stopping;
}

static void wait_until(struct wf_exporter *exporter, uint64_t due_ns)
{
	uint64_t now_ns = wf_clock_monotonic_ns(), ms = 0;

	if (due_ns > now_ns)
		ms = (due_ns - now_ns) / NS_PER_MS + 1;
	wf_http_wait(exporter->http, ms < WAIT_MS_MAX ? (int)ms : WAIT_MS_MAX);
}

static void *export_loop(void *context)
{
	struct wf_exporter *exporter = context;
	uint64_t due_ns, deadline_ns;
	bool more, stopping, done = false;

	while (!done) {
		stopping = is_stopping(exporter, &deadline_ns);
		wf_http_perform(exporter->http);
		sinks_work(exporter);
		more = inbox_deliver(exporter);
		due_ns = sinks_work(exporter);
		if (stopping && !more) {
			done = sinks_drain(exporter, deadline_ns);
			due_ns = done ? 0 : sinks_work(exporter);
			due_ns = due_ns < deadline_ns ? due_ns : deadline_ns;
		}
		state_publish(exporter);
		if (!done && !more)
			wait_until(exporter, due_ns);
	}
	return NULL;
}

int wf_exporter_start(struct wf_exporter *exporter, struct wf_err *err)
{
	sigset_t all, before;
	int rc;

	/* Signals are the control thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&exporter->thread, NULL, export_loop, exporter);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc)
		return wf_err_set(err, rc, "cannot start the export thread: %s", strerror(rc));
	pthread_setname_np(exporter->thread, "wf-export");
	exporter->started = true;
	return 0;
}

bool wf_exporter_push(struct wf_exporter *exporter, struct wf_batch *batch)
{
	bool was_empty, taken;

	pthread_mutex_lock(&exporter->lock);
	was_empty = !wf_queue_peek(exporter->inbox);
	taken = wf_queue_push(exporter->inbox, batch);
	if (!taken) {
		exporter->inbox_lost += wf_group_count(batch, 0, batch->count, WF_SIGNAL_SPANS);
		exporter->inbox_logs_lost += wf_group_count(batch, 0, batch->count, WF_SIGNAL_LOGS);
	}
	pthread_mutex_unlock(&exporter->lock);
	if (was_empty)
		wf_http_wake(exporter->http);
	return taken;
}

void wf_exporter_stop(struct wf_exporter *exporter, uint64_t deadline_ns)
{
	if (!exporter->started)
		return;
	pthread_mutex_lock(&exporter->lock);
	exporter->stopping = true;
	exporter->deadline_ns = deadline_ns;
	pthread_mutex_unlock(&exporter->lock);
	wf_http_wake(exporter->http);
	pthread_join(exporter->thread, NULL);
	exporter->started = false;
	/* Pushed against the contract, after the last look. */
	while (wf_queue_peek(exporter->inbox))
		exporter->inbox_lost += wf_queue_drop(exporter->inbox);
}

unsigned wf_exporter_sink_count(const struct wf_exporter *exporter)
{
	return exporter->count;
}

void wf_exporter_sink_read(struct wf_exporter *exporter, unsigned index,
			   struct wf_exporter_sink *ret)
{
	pthread_mutex_lock(&exporter->lock);
	*ret = exporter->outlets[index].shown;
	pthread_mutex_unlock(&exporter->lock);
}

uint64_t wf_exporter_inbox_lost(struct wf_exporter *exporter, enum wf_signal signal)
{
	uint64_t lost;

	pthread_mutex_lock(&exporter->lock);
	lost = signal == WF_SIGNAL_LOGS ? exporter->inbox_logs_lost : exporter->inbox_lost;
	pthread_mutex_unlock(&exporter->lock);
	return lost;
}

void wf_exporter_summary(const struct wf_exporter *exporter, FILE *file)
{
	unsigned i;

	for (i = 0; i < exporter->count; i++)
		wf_console_summary(exporter->outlets[i].sink, file);
}
