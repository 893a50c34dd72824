// SPDX-License-Identifier: Apache-2.0
#include "data.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/clock.h"
#include "userspace/base/privilege.h"

#define ORDER_BYTES_MAX (32u << 20)
#define BATCH_SPANS     512
#define BATCH_BYTES_MAX (4u << 20)
#define HELD_SPANS_MAX  10000
#define HELD_NS_MAX     30000000000ull
#define ROUND_MS        50 /* a span waits two rounds at most before it is ordered */
#define CLOCK_EVERY_NS  1000000000ull

struct wf_data {
	struct wf_data_config config;
	struct wf_ring *ring;
	struct wf_order *order;
	struct wf_assembler *assembler;
	pthread_t thread;
	bool started;
	atomic_bool stop;
	uint64_t clock_ns; /* when the last CLOCK record was made */
	struct wf_err recording_err;
};

/* Every record of the stream passes here, in its final order. */
static void consume(void *context, const struct wf_rec_head *record)
{
	struct wf_data *data = context;
	struct wf_batch *batch;

	if (data->config.recording)
		(void)wf_recording_write(data->config.recording, record, &data->recording_err);
	wf_assembler_record(data->assembler, record);
	while ((batch = wf_assembler_take(data->assembler)))
		data->config.push(data->config.push_context, batch);
}

static void on_ring_record(void *context, const struct wf_rec_head *record)
{
	struct wf_data *data = context;

	/* control hears of a child at once; ordering takes two rounds */
	if (record->kind == WF_REC_PROCESS || record->kind == WF_REC_NOTE)
		(void)wf_mailbox_put(data->config.outbox, record);
	wf_order_add(data->order, record);
}

static void consume_clock(struct wf_data *data, uint64_t now_ns)
{
	struct wf_rec_clock clock = {.head = {.kind = WF_REC_CLOCK, .size = sizeof(clock)}};
	uint64_t realtime_ns, monotonic_ns;

	if (data->clock_ns && now_ns - data->clock_ns < CLOCK_EVERY_NS)
		return;
	wf_clock_pair(&realtime_ns, &monotonic_ns);
	clock.realtime_ns = realtime_ns;
	clock.monotonic_ns = monotonic_ns;
	clock.head.time_ns = monotonic_ns;
	data->clock_ns = now_ns;
	consume(data, &clock.head);
}

static void round_once(struct wf_data *data)
{
	uint64_t now_ns = wf_clock_monotonic_ns();

	consume_clock(data, now_ns);
	wf_order_round_begin(data->order, now_ns);
	wf_ring_drain(data->ring);
	/* After the rings: what a record of this round refers to was posted before it was armed. */
	wf_mailbox_take(data->config.inbox, consume, data);
	wf_order_round_end(data->order);
}

static void *run(void *context)
{
	struct wf_data *data = context;

	if (data->config.drop_privileges)
		(void)wf_privilege_drop();
	while (!atomic_load(&data->stop)) {
		wf_ring_wait(data->ring, ROUND_MS);
		round_once(data);
	}
	round_once(data);
	return NULL;
}

static int start_thread(struct wf_data *data, struct wf_err *err)
{
	sigset_t all, old;
	int rc;

	/* signals are the control thread's */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&data->thread, NULL, run, data);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc)
		return wf_err_set(err, rc, "data thread: %s", strerror(rc));
	data->started = true;
	return 0;
}

int wf_data_start(const struct wf_data_config *config, struct wf_data **ret, struct wf_err *err)
{
	wf_auto(wf_data_freep) struct wf_data *data = calloc(1, sizeof(*data));
	struct wf_assembler_config assembler = {
		.rules = config->rules,
		.batch_spans = BATCH_SPANS,
		.batch_bytes = BATCH_BYTES_MAX,
		.held_spans_max = HELD_SPANS_MAX,
		.held_ns_max = HELD_NS_MAX,
	};
	int rc;

	if (!data)
		return wf_err_set(err, ENOMEM, "out of memory");
	data->config = *config;
	rc = wf_assembler_new(&assembler, &data->assembler, err);
	if (rc == 0)
		rc = wf_order_new(ORDER_BYTES_MAX, consume, data, &data->order, err);
	if (rc == 0)
		rc = wf_ring_new(config->kernel, on_ring_record, data, &data->ring, err);
	if (rc == 0)
		rc = start_thread(data, err);
	if (rc < 0)
		return rc;
	*ret = wf_take(data);
	return 0;
}

void wf_data_stop(struct wf_data *data, const struct wf_rec_ledger *ledger)
{
	struct wf_batch *batch;

	if (!data->started)
		return;
	atomic_store(&data->stop, true);
	pthread_join(data->thread, NULL);
	data->started = false;
	wf_order_flush(data->order, wf_clock_monotonic_ns());
	consume(data, &ledger->head);
	wf_assembler_finish(data->assembler);
	while ((batch = wf_assembler_take(data->assembler)))
		data->config.push(data->config.push_context, batch);
	if (data->config.recording)
		(void)wf_recording_finish(data->config.recording, &data->recording_err);
}

void wf_data_free(struct wf_data *data)
{
	if (!data)
		return;
	if (data->started) {
		atomic_store(&data->stop, true);
		pthread_join(data->thread, NULL);
	}
	wf_ring_free(data->ring);
	wf_order_free(data->order);
	wf_assembler_free(data->assembler);
	free(data);
}

const struct wf_assembler_counters *wf_data_assembler_counters(const struct wf_data *data)
{
	return wf_assembler_counters(data->assembler);
}

const struct wf_order_counters *wf_data_order_counters(const struct wf_data *data)
{
	return wf_order_counters(data->order);
}

uint64_t wf_data_malformed(const struct wf_data *data)
{
	return wf_ring_malformed(data->ring);
}

const struct wf_err *wf_data_recording_error(const struct wf_data *data)
{
	return &data->recording_err;
}
