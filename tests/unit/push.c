/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push: made-up spans through the real export thread to a real destination, for the end-to-end
 * tests and benches. Prints what became of them as one JSON object.
 *
 *   push [-n SPANS] [-b BATCH] [-r SPANS_PER_S] [-q QUEUE_BYTES] [-s STOP_MS] [-H NAME=VALUE]
 *        [-t TIMEOUT_MS] [-z] DEST...
 *
 * -z compresses also to this machine. The longest that a push took is given as push_max_us.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "exporter/exporter.h"
#include "sample.h"
#include "userspace/base/clock.h"

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

struct options {
	uint64_t spans, batch, rate, stop_ms;
	struct wf_exporter_config config;
	struct wf_headers headers;
};

static int options_parse(int argc, char **argv, struct options *ret)
{
	uint64_t value;
	int option;

	*ret = (struct options){.spans = 1000, .batch = 100, .stop_ms = 5000};
	while ((option = getopt(argc, argv, "n:b:r:q:s:t:H:z")) != -1) {
		if (option == 'H') {
			if (wf_headers_add(&ret->headers, optarg, NULL) < 0)
				return -1;
			continue;
		}
		if (option == 'z') {
			ret->config.otlp.compression = WF_COMPRESSION_GZIP;
			continue;
		}
		if (option == '?' || wf_parse_u64(optarg, &value) < 0)
			return -1;
		switch (option) {
		case 'n':
			ret->spans = value;
			break;
		case 'b':
			ret->batch = value;
			break;
		case 'r':
			ret->rate = value;
			break;
		case 'q':
			ret->config.otlp.queue_bytes = value;
			break;
		case 's':
			ret->stop_ms = value;
			break;
		case 't':
			ret->config.otlp.timeout_ns = value * NS_PER_MS;
			break;
		}
	}
	ret->config.otlp.headers = (const char *const *)ret->headers.items;
	ret->config.otlp.header_count = ret->headers.count;
	return optind < argc ? 0 : -1;
}

static const char *environment(void *context, const char *name)
{
	(void)context;
	return getenv(name);
}

static void sleep_until(uint64_t ns)
{
	struct timespec time = {.tv_sec = (time_t)(ns / NS_PER_S),
				.tv_nsec = (long)(ns % NS_PER_S)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

/* Returns the longest push in ns. */
static uint64_t push_all(struct wf_exporter *exporter, const struct options *options)
{
	uint64_t begin = wf_clock_monotonic_ns(), sent, longest = 0, before, took;
	struct wf_batch *batch;

	for (sent = 0; sent < options->spans; sent += batch->count, wf_batch_unref(batch)) {
		uint64_t left = options->spans - sent;

		if (options->rate)
			sleep_until(begin + sent * NS_PER_S / options->rate);
		batch = sample_batch(left < options->batch ? left : options->batch, sent + 1);
		before = wf_clock_monotonic_ns();
		wf_exporter_push(exporter, batch);
		took = wf_clock_monotonic_ns() - before;
		longest = took > longest ? took : longest;
	}
	return longest;
}

static void sink_print(struct wf_exporter *exporter, unsigned index)
{
	struct wf_exporter_sink sink;

	wf_exporter_sink_read(exporter, index, &sink);
	fprintf(stderr,
		"%s{\"kind\":\"%s\",\"name\":\"%s\",\"failed\":%d,\"spans_in\":%" PRIu64
		",\"exported\":%" PRIu64 ",\"lost_queue_full\":%" PRIu64
		",\"lost_rejected\":%" PRIu64 ",\"lost_retries\":%" PRIu64
		",\"lost_too_large\":%" PRIu64 ",\"lost_write\":%" PRIu64
		",\"lost_encode\":%" PRIu64 ",\"retries\":%" PRIu64 ",\"requests\":%" PRIu64
		",\"bytes_sent\":%" PRIu64 "}",
		index ? "," : "", sink.kind, sink.name, sink.failed, sink.counters.spans_in,
		sink.counters.exported, sink.counters.lost_queue_full, sink.counters.lost_rejected,
		sink.counters.lost_retries, sink.counters.lost_too_large, sink.counters.lost_write,
		sink.counters.lost_encode, sink.counters.retries, sink.counters.requests,
		sink.counters.bytes_sent);
}

int main(int argc, char **argv)
{
	wf_auto(wf_exporter_freep) struct wf_exporter *exporter = NULL;
	struct wf_destination destination;
	struct options options;
	struct wf_err err = {0};
	uint64_t longest, begin;
	int rc;

	signal(SIGPIPE, SIG_IGN);
	if (options_parse(argc, argv, &options) < 0) {
		fprintf(stderr, "usage: push [OPTION]... DEST...\n");
		return 2;
	}
	wf_console_detect(STDOUT_FILENO, environment, NULL, &options.config.console);
	rc = wf_exporter_new(&options.config, &exporter, &err);
	for (; optind < argc && rc == 0; optind++) {
		rc = wf_destination_parse(argv[optind], &destination, &err);
		if (rc == 0)
			rc = wf_exporter_add(exporter, &destination, &err);
		wf_destination_done(&destination);
	}
	if (rc == 0)
		rc = wf_exporter_start(exporter, &err);
	if (rc < 0) {
		fprintf(stderr, "push: %s\n", err.msg);
		return 1;
	}
	longest = push_all(exporter, &options);
	begin = wf_clock_monotonic_ns();
	wf_exporter_stop(exporter, begin + options.stop_ms * NS_PER_MS);
	fprintf(stderr,
		"{\"pushed\":%" PRIu64 ",\"inbox_lost\":%" PRIu64 ",\"push_max_us\":%" PRIu64
		",\"stop_ms\":%" PRIu64 ",\"sinks\":[",
		options.spans, wf_exporter_inbox_lost(exporter, WF_SIGNAL_SPANS), longest / 1000,
		(wf_clock_monotonic_ns() - begin) / NS_PER_MS);
	for (unsigned i = 0; i < wf_exporter_sink_count(exporter); i++)
		sink_print(exporter, i);
	fprintf(stderr, "]}\n");
	wf_headers_done(&options.headers);
	return 0;
}
