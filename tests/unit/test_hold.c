/* SPDX-License-Identifier: Apache-2.0 */
/* Short calls: tombstones and the spans that wait for their parent's fate. */
#include "stream.h"

#define SECOND 1000000000ull

/* Rule 0 has no minimum, rule 1 has one of 1 ms; functions 1 and 2 follow them. */
static struct stream *with_minimum(uint32_t held_max)
{
	static struct wf_rule list[2] = {{.index = 0}, {.index = 1, .min_duration_ns = 1000000}};
	static const struct wf_ruleset rules = {.profile = "adhoc", .rules = list, .count = 2};
	struct wf_assembler_config config = {
		.rules = &rules,
		.batch_spans = 4,
		.batch_bytes = 1 << 20,
		.held_spans_max = held_max,
		.held_ns_max = 30 * SECOND,
	};
	struct stream *stream = stream_new(&config);

	stream_define(stream, 1, 0, "f");
	stream_define(stream, 2, 1, "g");
	return stream;
}

static void send(struct stream *stream, uint16_t kind, uint64_t id, uint64_t parent_id, bool held,
		 uint64_t end_ns)
{
	struct call call = call_make(id, parent_id, 1, end_ns - 10, end_ns);

	call.record.head.kind = kind;
	if (held)
		call.record.flags |= WF_SPAN_HELD;
	stream_send(stream, &call);
}

static uint64_t parent_of(const struct stream *stream, uint64_t id)
{
	const struct wf_span *span = stream_find(stream, id);

	assert_non_null(span);
	return id_of(span->parent_id);
}

static void children_of_a_short_call_go_to_its_parent(void **state)
{
	struct stream *stream = with_minimum(100);
	const struct wf_assembler_counters *counters;

	(void)state;
	send(stream, WF_REC_SPAN, 4, 3, true, 100);
	send(stream, WF_REC_SPAN, 5, 3, true, 110);
	assert_int_equal(stream->count, 0);
	send(stream, WF_REC_TOMBSTONE, 3, 1, false, 120);
	send(stream, WF_REC_SPAN, 1, 0, false, 130);
	counters = stream_finish(stream);
	assert_int_equal(parent_of(stream, 4), 1);
	assert_int_equal(parent_of(stream, 5), 1);
	assert_null(stream_find(stream, 3));
	assert_int_equal(counters->reparented, 2);
	assert_int_equal(counters->tombstones, 1);
	assert_int_equal(counters->held_released_early, 0);
	assert_all_counted(counters);
	stream_free(stream);
}

static void a_child_leaves_as_soon_as_its_parent_is_recorded(void **state)
{
	struct stream *stream = with_minimum(100);

	(void)state;
	for (uint64_t i = 0; i < 3; i++)
		send(stream, WF_REC_SPAN, 10 + i, 3, true, 100 + i);
	/* the parent itself waits for the root, its children do not */
	send(stream, WF_REC_SPAN, 3, 2, true, 120);
	send(stream, WF_REC_SPAN, 20, 9, false, 121);
	assert_int_equal(stream->count, 4);
	send(stream, WF_REC_TOMBSTONE, 2, 1, false, 130);
	send(stream, WF_REC_SPAN, 1, 0, false, 140);
	assert_all_counted(stream_finish(stream));
	assert_int_equal(parent_of(stream, 10), 3);
	assert_int_equal(parent_of(stream, 3), 1);
	stream_free(stream);
}

static void a_chain_of_short_calls_gives_the_nearest_survivor(void **state)
{
	struct stream *stream = with_minimum(100);

	(void)state;
	send(stream, WF_REC_SPAN, 6, 5, true, 100);
	send(stream, WF_REC_TOMBSTONE, 5, 4, true, 110);
	send(stream, WF_REC_SPAN, 7, 4, true, 115);
	send(stream, WF_REC_TOMBSTONE, 4, 3, true, 120);
	assert_int_equal(stream->count, 0);
	send(stream, WF_REC_SPAN, 3, 1, false, 130);
	send(stream, WF_REC_SPAN, 1, 0, false, 140);
	assert_all_counted(stream_finish(stream));
	assert_int_equal(parent_of(stream, 6), 3);
	assert_int_equal(parent_of(stream, 7), 3);
	stream_free(stream);
}

static void children_of_a_short_root_become_roots(void **state)
{
	struct stream *stream = with_minimum(100);

	(void)state;
	send(stream, WF_REC_SPAN, 2, 1, true, 100);
	send(stream, WF_REC_TOMBSTONE, 1, 0, false, 110);
	assert_all_counted(stream_finish(stream));
	assert_int_equal(parent_of(stream, 2), 0);
	stream_free(stream);
}

static void held_spans_leave_early_at_the_maximum_and_in_time(void **state)
{
	struct stream *stream = with_minimum(5);
	const struct wf_assembler_counters *counters = wf_assembler_counters(stream->assembler);

	(void)state;
	for (uint64_t i = 0; i < 8; i++)
		send(stream, WF_REC_SPAN, 10 + i, 3, true, 100 + i);
	assert_int_equal(counters->held_released_early, 3);
	stream_tick(stream, 10 * SECOND);
	assert_int_equal(counters->held_released_early, 3);
	stream_tick(stream, 31 * SECOND);
	assert_int_equal(counters->held_released_early, 8);
	stream_finish(stream);
	assert_int_equal(stream->count, 8);
	for (uint32_t i = 0; i < 8; i++) {
		assert_int_equal(id_of(stream->spans[i]->span_id), 10 + i);
		assert_int_equal(id_of(stream->spans[i]->parent_id), 3);
	}
	assert_all_counted(counters);
	stream_free(stream);
}

static void what_is_held_at_the_end_leaves_uncounted(void **state)
{
	struct stream *stream = with_minimum(5);
	const struct wf_assembler_counters *counters;

	(void)state;
	send(stream, WF_REC_SPAN, 10, 3, true, UINT64_MAX);
	counters = stream_finish(stream);
	assert_int_equal(counters->spans_out, 1);
	assert_int_equal(counters->held_released_early, 0);
	stream_free(stream);
}

/* An OPEN notice older than the minimum settles the matter: nothing need wait for hours. */
static void a_parent_known_to_run_long_holds_nobody_up(void **state)
{
	struct stream *stream = with_minimum(100);
	struct call open = call_make(1, 0, 1, 1000, 2 * SECOND);

	(void)state;
	open.record.head.kind = WF_REC_OPEN;
	open.record.head.span = 2;
	send(stream, WF_REC_SPAN, 5, 1, true, 3000);
	stream_send(stream, &open);
	send(stream, WF_REC_SPAN, 6, 1, true, 2 * SECOND + 1);
	assert_int_equal(wf_assembler_counters(stream->assembler)->spans_out, 2);
	stream_free(stream);
}

static void a_notice_younger_than_the_minimum_settles_nothing(void **state)
{
	struct stream *stream = with_minimum(100);
	struct call open = call_make(1, 0, 1, 1000, 2000);

	(void)state;
	open.record.head.kind = WF_REC_OPEN;
	open.record.head.span = 2;
	stream_send(stream, &open);
	send(stream, WF_REC_SPAN, 5, 1, true, 3000);
	assert_int_equal(wf_assembler_counters(stream->assembler)->spans_out, 0);
	stream_free(stream);
}

static void a_thread_of_a_short_call_goes_to_its_parent(void **state)
{
	struct stream *stream = with_minimum(100);
	struct call root = call_make(50, 0, 50, 110, 120), later = call_make(60, 0, 60, 150, 160);
	struct wf_rec_process spawn = {
		.head = {.kind = WF_REC_PROCESS, .size = sizeof(spawn), .tid = 10, .tgid = 10},
		.span_id = 3,
		.root_id = 1,
		.span_start_ns = 90,
		.trace_hi = 0xaaaa,
		.trace_lo = 1,
		.child_tid = 11,
		.child_tgid = 10,
		.event = WF_PROC_THREAD,
	};

	(void)state;
	root.record.head.tid = later.record.head.tid = 11;
	stream_send(stream, &spawn);
	stream_send(stream, &root);
	assert_int_equal(stream->count, 0);
	send(stream, WF_REC_TOMBSTONE, 3, 1, false, 130);
	stream_send(stream, &later);
	send(stream, WF_REC_SPAN, 1, 0, false, 2000000);
	assert_all_counted(stream_finish(stream));
	assert_int_equal(parent_of(stream, 50), 1);
	assert_int_equal(parent_of(stream, 60), 1);
	assert_int_equal(id_of(stream_find(stream, 60)->trace_id + 8), 1);
	stream_free(stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(children_of_a_short_call_go_to_its_parent),
		cmocka_unit_test(a_child_leaves_as_soon_as_its_parent_is_recorded),
		cmocka_unit_test(a_chain_of_short_calls_gives_the_nearest_survivor),
		cmocka_unit_test(children_of_a_short_root_become_roots),
		cmocka_unit_test(held_spans_leave_early_at_the_maximum_and_in_time),
		cmocka_unit_test(what_is_held_at_the_end_leaves_uncounted),
		cmocka_unit_test(a_parent_known_to_run_long_holds_nobody_up),
		cmocka_unit_test(a_notice_younger_than_the_minimum_settles_nothing),
		cmocka_unit_test(a_thread_of_a_short_call_goes_to_its_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
