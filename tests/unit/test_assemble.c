/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#define SECOND 1000000000ull

static void a_call_becomes_a_span(void **state)
{
	struct stream *stream = stream_new(NULL);
	struct call outer = call_make(7, 0, 7, 1000, 5000), inner = call_make(8, 7, 7, 2000, 3000);
	const struct wf_span *span;

	(void)state;
	outer.record.trace_hi = 0x0102030405060708;
	inner.record.trace_hi = 0x0102030405060708;
	inner.record.depth = 1;
	stream_text(stream, WF_REC_DEFINE, 1, 0,
		    "{\"rule\":0,\"name\":\"ns::Class::method\",\"source\":\"src/a.cc\","
		    "\"line\":12,\"exit\":\"tail_jump\",\"address\":4096}");
	stream_text(stream, WF_REC_RESOURCE, 0, 10,
		    "{\"service.name\":\"shop\",\"process.pid\":10,\"a.list\":[\"x\",\"y\"]}");
	stream_send(stream, &inner);
	stream_send(stream, &outer);
	stream_finish(stream);
	assert_int_equal(stream->count, 2);
	span = stream_find(stream, 8);
	assert_memory_equal(span->trace_id, "\1\2\3\4\5\6\7\10\0\0\0\0\0\0\0\7", 16);
	assert_memory_equal(span->span_id, "\0\0\0\0\0\0\0\10", 8);
	assert_memory_equal(span->parent_id, "\0\0\0\0\0\0\0\7", 8);
	assert_int_equal(span->start_ns, STREAM_CLOCK + 2000);
	assert_int_equal(span->end_ns, STREAM_CLOCK + 3000);
	assert_string_equal(span->name, "ns::Class::method");
	assert_string_equal(span->scope, "wftrace/adhoc");
	assert_int_equal(span->kind, WF_KIND_INTERNAL);
	assert_int_equal(span->status, WF_STATUS_UNSET);
	assert_int_equal(span->state, WF_SPAN_FINISHED);
	assert_int_equal(span->flags, 0x103);
	assert_int_equal(span->depth, 1);
	assert_false(span->local_root);
	assert_text(&span->attributes, "code.function.name", "ns::Class::method");
	assert_text(&span->attributes, "code.file.path", "src/a.cc");
	assert_text(&span->attributes, "wftrace.exit", "tail_jump");
	assert_int_equal(find_attribute(&span->attributes, "code.line.number")->integer, 12);
	assert_int_equal(find_attribute(&span->attributes, "thread.id")->integer, 10);
	assert_non_null(span->resource);
	assert_text(&span->resource->attributes, "service.name", "shop");
	span = stream_find(stream, 7);
	assert_true(span->local_root);
	assert_memory_equal(span->parent_id, "\0\0\0\0\0\0\0\0", 8);
	stream_free(stream);
}

static void how_it_ended_is_said(void **state)
{
	static const struct {
		uint16_t kind;
		uint8_t status;
		const char *end;
		bool error, unfinished;
	} cases[] = {
		{WF_REC_SPAN, WF_END_OK, NULL, false, false},
		{WF_REC_SPAN, WF_END_DEAD, "abandoned", false, false},
		{WF_REC_SPAN, WF_END_JUMP, "longjmp", false, false},
		{WF_REC_SPAN, WF_END_THREAD_EXIT, "thread_exit", false, false},
		{WF_REC_SPAN, WF_END_EXEC, "exec", false, false},
		{WF_REC_SPAN, WF_END_THROW, NULL, true, false},
		{WF_REC_UNFINISHED, WF_END_UNFINISHED, NULL, false, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct stream *stream = stream_new(NULL);
		struct call call = call_make(7, 0, 7, 1000, 5000);
		const struct wf_span *span;

		call.record.head.kind = cases[i].kind;
		call.record.status = cases[i].status;
		stream_define(stream, 1, 0, "f");
		stream_send(stream, &call);
		stream_finish(stream);
		span = stream_find(stream, 7);
		assert_non_null(span);
		assert_int_equal(span->status, cases[i].error ? WF_STATUS_ERROR : WF_STATUS_UNSET);
		assert_int_equal(span->state,
				 cases[i].unfinished ? WF_SPAN_UNFINISHED : WF_SPAN_FINISHED);
		if (cases[i].end)
			assert_text(&span->attributes, "wftrace.end", cases[i].end);
		else
			assert_null(find_attribute(&span->attributes, "wftrace.end"));
		if (cases[i].error)
			assert_text(&span->attributes, "error.type", "_OTHER");
		assert_int_equal(!!find_attribute(&span->attributes, "wftrace.unfinished"),
				 cases[i].unfinished);
		stream_free(stream);
	}
}

static void a_running_call_is_announced_and_not_counted_as_a_span(void **state)
{
	struct stream *stream = stream_new(NULL);
	struct call call = call_make(7, 0, 7, 1000, 5000);
	const struct wf_assembler_counters *counters;

	(void)state;
	stream_define(stream, 1, 0, "f");
	call.record.head.kind = WF_REC_OPEN;
	call.record.status = WF_END_OPEN;
	stream_send(stream, &call);
	counters = stream_finish(stream);
	assert_int_equal(stream->count, 1);
	assert_int_equal(stream->spans[0]->state, WF_SPAN_OPEN);
	assert_int_equal(counters->open_notices, 1);
	assert_int_equal(counters->spans_out, 0);
	assert_all_counted(counters);
	stream_free(stream);
}

/* Records that must be refused, each with the counter that says so. */
static void what_does_not_hold_together_is_lost_and_counted(void **state)
{
	struct stream *stream = stream_new(NULL);
	const struct wf_assembler_counters *counters;
	struct call calls[8];
	uint64_t word = 1;

	(void)state;
	stream_define(stream, 1, 0, "f");
	for (unsigned i = 0; i < 8; i++)
		calls[i] = call_make(7 + i, 0, 7 + i, 1000, 5000);
	calls[0].record.id = 0;
	calls[1].record.root_id = 0;
	calls[2].record.trace_hi = calls[2].record.trace_lo = 0;
	calls[3].record.start_ns = 6000;
	calls[4].record.attr_bytes = 4; /* beyond its size */
	calls[5].record.head.size = 100;
	calls[6].record.head.span = 99; /* unknown, not malformed */
	call_attr(&calls[7], WF_VAL_I64, 0, &word, 8);
	calls[7].record.attr_bytes = 12; /* half an entry */
	for (unsigned i = 0; i < 8; i++)
		stream_send(stream, &calls[i]);
	counters = stream_finish(stream);
	assert_int_equal(stream->count, 0);
	assert_int_equal(counters->spans_in, 8);
	assert_int_equal(counters->unknown_span_id, 1);
	assert_int_equal(counters->malformed, 7);
	assert_all_counted(counters);
	stream_free(stream);
}

static void batches_leave_full_or_after_two_ticks(void **state)
{
	struct wf_assembler_config config = {
		.batch_spans = 3, .batch_bytes = 1 << 20, .held_spans_max = 10, .held_ns_max = 1};
	struct stream *stream = stream_new(&config);

	(void)state;
	stream_define(stream, 1, 0, "f");
	for (uint64_t id = 1; id <= 7; id++) {
		struct call call = call_make(id, 0, id, 1000, 5000);

		stream_send(stream, &call);
	}
	assert_int_equal(stream->batch_count, 2);
	stream_tick(stream, 6000);
	assert_int_equal(stream->batch_count, 2);
	stream_tick(stream, 7000);
	assert_int_equal(stream->batch_count, 3);
	assert_int_equal(stream->count, 7);
	stream_free(stream);
}

static void a_span_that_fits_no_batch_is_lost_alone(void **state)
{
	static const struct wf_operand operand = {.type = WF_SRC_CSTRING};
	struct wf_rule rule = {.operands = &operand, .operand_count = 1};
	struct wf_ruleset rules = {.profile = "adhoc", .rules = &rule, .count = 1};
	struct wf_assembler_config config = {.rules = &rules,
					     .batch_spans = 64,
					     .batch_bytes = 16384,
					     .held_spans_max = 10,
					     .held_ns_max = 1};
	struct stream *stream = stream_new(&config);
	const struct wf_assembler_counters *counters;
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof(text));
	stream_define(stream, 1, 0, "f");
	for (uint64_t i = 0; i < 20; i++) {
		struct call event = call_make(5, 0, 5, 1000, 1000);

		event.record.head.kind = WF_REC_EVENT;
		call_attr(&event, WF_VAL_STRING, 0, text, sizeof(text));
		stream_send(stream, &event);
	}
	for (uint64_t id = 1; id <= 20; id++) {
		struct call call = call_make(id, 0, id, 1000, 5000);

		call_attr(&call, WF_VAL_STRING, 0, text, sizeof(text));
		stream_send(stream, &call);
	}
	counters = stream_finish(stream);
	assert_int_equal(counters->spans_out, 19);
	assert_int_equal(counters->batch_full, 1);
	assert_int_equal(counters->events_orphaned, 20);
	assert_null(stream_find(stream, 5));
	assert_true(stream->batch_count > 2);
	assert_all_counted(counters);
	stream_free(stream);
}

static void events_join_their_span_in_order(void **state)
{
	struct stream *stream = stream_new(NULL);
	struct call span = call_make(7, 0, 7, 1000, 5000);
	const struct wf_assembler_counters *counters;
	const struct wf_span *found;

	(void)state;
	stream_define(stream, 1, 0, "f");
	stream_define(stream, 2, 1, "retry");
	for (uint64_t i = 0; i < 3; i++) {
		struct call event = call_make(7, 0, 7, 2000 + i, 2000 + i);

		event.record.head.kind = WF_REC_EVENT;
		event.record.head.span = 2;
		stream_send(stream, &event);
	}
	stream_send(stream, &span);
	counters = stream_finish(stream);
	found = stream_find(stream, 7);
	assert_int_equal(found->event_count, 3);
	for (uint64_t i = 0; i < 3; i++) {
		assert_string_equal(found->events[i].name, "retry");
		assert_int_equal(found->events[i].time_ns, STREAM_CLOCK + 2000 + i);
	}
	assert_int_equal(counters->events_attached, 3);
	assert_all_counted(counters);
	stream_free(stream);
}

static void events_over_the_limit_or_without_a_span_are_counted(void **state)
{
	struct stream *stream = stream_new(NULL);
	struct call span = call_make(7, 0, 7, 1000, 5000), short_call = call_make(8, 7, 7, 1, 2);
	const struct wf_assembler_counters *counters;

	(void)state;
	stream_define(stream, 1, 0, "f");
	stream_define(stream, 2, 1, "retry");
	for (uint64_t i = 0; i < 210; i++) {
		/* 200 for the span, 4 for the short call, 3 for none, 3 for one never seen */
		uint64_t id = i < 200 ? 7 : i < 204 ? 8 : i < 207 ? 0 : 9;
		struct call event = call_make(id, 0, 7, 2000, 2000);

		event.record.head.kind = WF_REC_EVENT;
		event.record.head.span = 2;
		stream_send(stream, &event);
	}
	short_call.record.head.kind = WF_REC_TOMBSTONE;
	stream_send(stream, &short_call);
	stream_send(stream, &span);
	counters = stream_finish(stream);
	assert_int_equal(stream_find(stream, 7)->event_count, 128);
	assert_int_equal(stream_find(stream, 7)->dropped_events, 72);
	assert_int_equal(counters->events_attached, 128);
	assert_int_equal(counters->events_dropped, 72);
	assert_int_equal(counters->events_orphaned, 10);
	assert_all_counted(counters);
	stream_free(stream);
}

static void waiting_events_have_a_maximum(void **state)
{
	struct stream *stream = stream_new(NULL);
	const struct wf_assembler_counters *counters;

	(void)state;
	stream_define(stream, 2, 1, "retry");
	for (uint64_t i = 1; i <= 12000; i++) {
		struct call event = call_make(i, 0, i, 2000, 2000);

		event.record.head.kind = WF_REC_EVENT;
		event.record.head.span = 2;
		stream_send(stream, &event);
	}
	assert_int_equal(wf_assembler_counters(stream->assembler)->events_orphaned, 2000);
	counters = stream_finish(stream);
	assert_int_equal(counters->events_orphaned, 12000);
	assert_all_counted(counters);
	stream_free(stream);
}

static void records_behind_the_last_tick_are_late(void **state)
{
	struct stream *stream = stream_new(NULL);
	struct call call = call_make(7, 0, 7, 1000, 5000);

	(void)state;
	stream_define(stream, 1, 0, "f");
	stream_tick(stream, 6000);
	stream_send(stream, &call);
	assert_int_equal(stream_finish(stream)->late, 1);
	assert_non_null(stream_find(stream, 7));
	stream_free(stream);
}

static void a_resource_that_comes_late_is_still_found(void **state)
{
	struct stream *stream = stream_new(NULL);
	struct call call = call_make(7, 0, 7, 1000, 5000);

	(void)state;
	stream_define(stream, 1, 0, "f");
	stream_send(stream, &call);
	stream_text(stream, WF_REC_RESOURCE, 0, 10, "{\"service.name\":\"shop\"}");
	stream_finish(stream);
	assert_non_null(stream_find(stream, 7)->resource);
	stream_free(stream);
}

/* Batches that everybody let go are filled again, and the old spans are gone. */
static void batches_are_used_again(void **state)
{
	struct wf_assembler_config config = {
		.batch_spans = 1, .batch_bytes = 1 << 20, .held_spans_max = 10, .held_ns_max = 1};
	struct stream *stream = stream_new(&config);
	struct wf_batch *first = NULL;

	(void)state;
	stream_define(stream, 1, 0, "f");
	for (uint64_t id = 1; id <= 100; id++) {
		struct call call = call_make(id, 0, id, 1000, 5000);
		struct wf_batch *batch;

		wf_assembler_record(stream->assembler, &call.record.head);
		batch = wf_assembler_take(stream->assembler);
		assert_non_null(batch);
		assert_int_equal(batch->count, 1);
		assert_int_equal(id_of(batch->spans[0].span_id), id);
		if (!first)
			first = batch;
		assert_ptr_equal(batch, first);
		wf_batch_unref(batch);
	}
	stream_free(stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_becomes_a_span),
		cmocka_unit_test(how_it_ended_is_said),
		cmocka_unit_test(a_running_call_is_announced_and_not_counted_as_a_span),
		cmocka_unit_test(what_does_not_hold_together_is_lost_and_counted),
		cmocka_unit_test(batches_leave_full_or_after_two_ticks),
		cmocka_unit_test(a_span_that_fits_no_batch_is_lost_alone),
		cmocka_unit_test(events_join_their_span_in_order),
		cmocka_unit_test(events_over_the_limit_or_without_a_span_are_counted),
		cmocka_unit_test(waiting_events_have_a_maximum),
		cmocka_unit_test(records_behind_the_last_tick_are_late),
		cmocka_unit_test(a_resource_that_comes_late_is_still_found),
		cmocka_unit_test(batches_are_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
