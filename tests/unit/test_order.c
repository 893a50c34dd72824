/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/str.h"
#include "userspace/collect/order.h"

#define SEEN_MAX 200000

struct seen {
	uint64_t time[SEEN_MAX];
	uint64_t id[SEEN_MAX]; /* sequence of spans, 0 for others */
	uint16_t kind[SEEN_MAX];
	size_t count;
	uint64_t tick;
	size_t ticks;
};

static void note(void *ctx, const struct wf_rec_head *record)
{
	struct seen *seen = ctx;

	if (record->kind == WF_REC_TICK) {
		seen->tick = record->time_ns;
		seen->ticks++;
		return;
	}
	assert_true(seen->count < SEEN_MAX);
	seen->time[seen->count] = record->time_ns;
	seen->kind[seen->count] = record->kind;
	seen->id[seen->count++] = record->size >= sizeof(struct wf_rec_span)
					  ? ((const struct wf_rec_span *)record)->sequence
					  : 0;
}

static struct wf_order *order_make(size_t max_bytes, struct seen **seen)
{
	struct wf_order *order = NULL;

	*seen = calloc(1, sizeof(**seen));
	assert_non_null(*seen);
	assert_int_equal(wf_order_new(max_bytes, note, *seen, &order, NULL), 0);
	return order;
}

static void add(struct wf_order *order, uint64_t time_ns, uint64_t sequence, uint16_t depth,
		uint16_t kind)
{
	struct wf_rec_span record = {
		.head = {.kind = kind, .size = sizeof(record), .time_ns = time_ns},
		.sequence = sequence,
		.depth = depth,
	};

	wf_order_add(order, &record.head);
}

static void add_process(struct wf_order *order, uint64_t time_ns, uint32_t event)
{
	struct wf_rec_process record = {
		.head = {.kind = WF_REC_PROCESS, .size = sizeof(record), .time_ns = time_ns},
		.event = event,
	};

	wf_order_add(order, &record.head);
}

static void records_leave_once_an_older_round_covers_them(void **state)
{
	struct seen *seen;
	struct wf_order *order = order_make(1 << 20, &seen);

	(void)state;
	wf_order_round_begin(order, 100);
	add(order, 50, 1, 0, WF_REC_SPAN);
	wf_order_round_end(order);
	assert_int_equal(seen->count, 0);
	assert_int_equal(seen->ticks, 0);
	wf_order_round_begin(order, 200);
	add(order, 150, 2, 0, WF_REC_SPAN);
	add(order, 90, 3, 0, WF_REC_SPAN);
	wf_order_round_end(order);
	assert_int_equal(seen->count, 2);
	assert_int_equal(seen->id[0], 1);
	assert_int_equal(seen->id[1], 3);
	assert_int_equal(seen->tick, 100);
	wf_order_flush(order, 300);
	assert_int_equal(seen->count, 3);
	assert_int_equal(seen->tick, 300);
	assert_int_equal(wf_order_counters(order)->late, 0);
	wf_order_free(order);
	free(seen);
}

static void a_record_behind_the_watermark_is_delivered_and_counted_late(void **state)
{
	struct seen *seen;
	struct wf_order *order = order_make(1 << 20, &seen);

	(void)state;
	wf_order_round_begin(order, 100);
	wf_order_round_end(order);
	wf_order_round_begin(order, 200);
	wf_order_round_end(order);
	wf_order_round_begin(order, 300);
	add(order, 20, 1, 0, WF_REC_SPAN);
	wf_order_round_end(order);
	assert_int_equal(seen->count, 1);
	assert_int_equal(wf_order_counters(order)->late, 1);
	wf_order_free(order);
	free(seen);
}

static void equal_times_go_inner_call_first_and_exits_last(void **state)
{
	static const uint64_t expected[] = {6, 1, 2, 3, 4, 5};
	struct seen *seen;
	struct wf_order *order = order_make(1 << 20, &seen);

	(void)state;
	wf_order_round_begin(order, 100);
	add_process(order, 10, WF_PROC_EXIT);
	add(order, 10, 4, 1, WF_REC_TOMBSTONE);
	add(order, 10, 2, 3, WF_REC_SPAN);
	add(order, 10, 5, 0, WF_REC_UNFINISHED);
	add(order, 10, 3, 2, WF_REC_SPAN);
	add(order, 10, 1, 24, WF_REC_EVENT);
	add_process(order, 9, WF_PROC_FORK);
	wf_order_flush(order, 100);
	assert_int_equal(seen->count, 7);
	assert_int_equal(seen->kind[0], WF_REC_PROCESS);
	assert_int_equal(seen->kind[6], WF_REC_PROCESS);
	for (size_t i = 1; i < 6; i++)
		assert_int_equal(seen->id[i], expected[i]);
	wf_order_free(order);
	free(seen);
}

/* Rings of random sizes, each nearly sorted, against a plain sort. */
static void any_mix_of_rings_comes_out_in_time_order(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct seen *seen;
		struct wf_order *order = order_make(32 << 20, &seen);
		uint64_t random = seed, now = 1000, added = 0;
		unsigned rings = 1 + seed % 9;

		for (unsigned round = 0; round < 20; round++) {
			uint64_t begin = now;

			now += 1000;
			wf_order_round_begin(order, now);
			for (unsigned ring = 0; ring < rings; ring++) {
				unsigned count = (random = wf_mix64(random + 1)) % 200;
				for (unsigned i = 0; i < count; i++) {
					uint64_t base = begin - 900 + i * 1800 / count;
					uint64_t jitter = (random = wf_mix64(random + 1)) % 20;

					add(order, base + jitter, ++added, i % 24, WF_REC_SPAN);
				}
			}
			wf_order_round_end(order);
		}
		wf_order_flush(order, now);
		assert_int_equal(seen->count, added);
		for (size_t i = 1; i < seen->count; i++)
			assert_true(seen->time[i - 1] <= seen->time[i]);
		assert_int_equal(wf_order_counters(order)->lost, 0);
		assert_int_equal(wf_order_counters(order)->late, 0);
		wf_order_free(order);
		free(seen);
	}
}

static void equal_records_keep_the_order_they_came_in(void **state)
{
	struct seen *seen;
	struct wf_order *order = order_make(1 << 20, &seen);

	(void)state;
	wf_order_round_begin(order, 100);
	for (uint64_t i = 0; i < 1000; i++)
		add(order, i < 500 ? 10 + i / 10 : 10 + (i - 500) / 10, i, 1, WF_REC_SPAN);
	wf_order_flush(order, 100);
	for (size_t i = 1; i < 1000; i++) {
		assert_true(seen->time[i - 1] <= seen->time[i]);
		if (seen->time[i - 1] == seen->time[i])
			assert_true(seen->id[i - 1] < seen->id[i]);
	}
	wf_order_free(order);
	free(seen);
}

static void a_full_buffer_delivers_early_and_loses_nothing(void **state)
{
	struct seen *seen;
	struct wf_order *order = order_make(1 << 20, &seen);

	(void)state;
	wf_order_round_begin(order, 1000000);
	for (uint64_t i = 0; i < 50000; i++)
		add(order, 1 + i % 25000, i, 0, WF_REC_SPAN);
	assert_true(wf_order_counters(order)->forced > 0);
	wf_order_flush(order, 1000000);
	assert_int_equal(seen->count, 50000);
	assert_int_equal(wf_order_counters(order)->lost, 0);
	wf_order_free(order);
	free(seen);
}

static void records_of_every_size_keep_their_bytes(void **state)
{
	static _Alignas(8) unsigned char room[65536];
	struct seen *seen;
	struct wf_order *order = order_make(1 << 20, &seen);
	struct wf_rec_head *head = (struct wf_rec_head *)room;

	(void)state;
	wf_order_round_begin(order, 10);
	for (uint32_t size = sizeof(*head); size < 65536; size += 1021) {
		head->kind = WF_REC_LOG;
		head->size = (uint16_t)size;
		head->time_ns = size;
		wf_order_add(order, head);
	}
	wf_order_flush(order, 100000);
	assert_int_equal(seen->count, (65535 - sizeof(*head)) / 1021 + 1);
	assert_int_equal(wf_order_counters(order)->lost, 0);
	wf_order_free(order);
	free(seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_leave_once_an_older_round_covers_them),
		cmocka_unit_test(a_record_behind_the_watermark_is_delivered_and_counted_late),
		cmocka_unit_test(equal_times_go_inner_call_first_and_exits_last),
		cmocka_unit_test(any_mix_of_rings_comes_out_in_time_order),
		cmocka_unit_test(equal_records_keep_the_order_they_came_in),
		cmocka_unit_test(a_full_buffer_delivers_early_and_loses_nothing),
		cmocka_unit_test(records_of_every_size_keep_their_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
