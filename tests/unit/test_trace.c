/* SPDX-License-Identifier: Apache-2.0 */
/* Traces across tasks: threads, forks, TRACEPARENT, clocks. */
#include "stream.h"

#define SECOND 1000000000ull

static void send_child(struct stream *stream, uint32_t event, uint64_t time_ns, uint32_t child_tid,
		       uint32_t child_tgid, uint64_t span_id, uint64_t span_start_ns)
{
	struct wf_rec_process record = {
		.head = {.kind = WF_REC_PROCESS,
			 .size = sizeof(record),
			 .time_ns = time_ns,
			 .tid = 10,
			 .tgid = 10},
		.span_id = span_id,
		.root_id = span_id ? 1 : 0,
		.span_start_ns = span_start_ns,
		.trace_hi = 0xaaaa,
		.trace_lo = 1,
		.child_tid = child_tid,
		.child_tgid = child_tgid,
		.event = event,
	};

	stream_send(stream, &record);
}

static void send_call(struct stream *stream, uint32_t tid, uint32_t tgid, uint64_t id,
		      uint64_t parent_id, uint64_t root_id, uint64_t start_ns, uint64_t end_ns)
{
	struct call call = call_make(id, parent_id, root_id, start_ns, end_ns);

	call.record.head.tid = tid;
	call.record.head.tgid = tgid;
	stream_send(stream, &call);
}

static struct stream *with_function(void)
{
	struct stream *stream = stream_new(NULL);

	stream_define(stream, 1, 0, "f");
	return stream;
}

static void assert_trace(const struct wf_span *span, uint64_t hi, uint64_t lo)
{
	assert_int_equal(id_of(span->trace_id), hi);
	assert_int_equal(id_of(span->trace_id + 8), lo);
}

static void a_thread_started_in_a_span_is_its_child(void **state)
{
	struct stream *stream = with_function();
	const struct wf_span *root, *inner;

	(void)state;
	send_child(stream, WF_PROC_THREAD, 100, 11, 10, 1, 50);
	send_call(stream, 11, 10, 6, 5, 5, 150, 160);
	send_call(stream, 11, 10, 5, 0, 5, 140, 170);
	send_call(stream, 10, 10, 1, 0, 1, 50, 200);
	stream_finish(stream);
	root = stream_find(stream, 5);
	inner = stream_find(stream, 6);
	assert_trace(root, 0xaaaa, 1);
	assert_trace(inner, 0xaaaa, 1);
	assert_int_equal(id_of(root->parent_id), 1);
	assert_int_equal(id_of(inner->parent_id), 5);
	assert_true(root->local_root);
	assert_int_equal(root->link_count, 0);
	stream_free(stream);
}

static void a_thread_that_outlives_its_span_gets_a_link(void **state)
{
	struct stream *stream = with_function();
	const struct wf_span *root;

	(void)state;
	send_child(stream, WF_PROC_THREAD, 100, 11, 10, 1, 50);
	send_call(stream, 10, 10, 1, 0, 1, 50, 200);
	/* this one had begun before the span ended */
	send_call(stream, 11, 10, 4, 0, 4, 190, 250);
	send_call(stream, 11, 10, 5, 0, 5, 240, 270);
	stream_finish(stream);
	assert_int_equal(id_of(stream_find(stream, 4)->parent_id), 1);
	root = stream_find(stream, 5);
	assert_trace(root, 0xaaaa, 5);
	assert_int_equal(id_of(root->parent_id), 0);
	assert_int_equal(root->link_count, 1);
	assert_int_equal(id_of(root->links[0].trace_id + 8), 1);
	assert_int_equal(id_of(root->links[0].span_id), 1);
	stream_free(stream);
}

static void links_end_a_minute_after_the_span(void **state)
{
	struct stream *stream = with_function();

	(void)state;
	send_child(stream, WF_PROC_THREAD, 100, 11, 10, 1, 50);
	send_call(stream, 10, 10, 1, 0, 1, 50, 200);
	stream_tick(stream, 61 * SECOND);
	send_call(stream, 11, 10, 5, 0, 5, 62 * SECOND, 63 * SECOND);
	stream_finish(stream);
	assert_int_equal(stream_find(stream, 5)->link_count, 0);
	stream_free(stream);
}

static void a_fork_is_a_child_but_that_of_a_server_is_linked(void **state)
{
	static const struct {
		uint64_t fork_ns;
		bool child;
	} cases[] = {{SECOND, true}, {11 * SECOND, false}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct stream *stream = with_function();
		const struct wf_span *root;

		send_child(stream, WF_PROC_FORK, cases[i].fork_ns, 20, 20, 1, 50);
		send_call(stream, 20, 20, 5, 0, 5, cases[i].fork_ns + 5, cases[i].fork_ns + 9);
		stream_finish(stream);
		root = stream_find(stream, 5);
		assert_int_equal(id_of(root->parent_id), cases[i].child ? 1 : 0);
		assert_int_equal(root->link_count, cases[i].child ? 0 : 1);
		stream_free(stream);
	}
}

static void the_spawner_of_a_spawner_gives_its_trace(void **state)
{
	struct stream *stream = with_function();
	struct wf_rec_process second = {
		.head = {.kind = WF_REC_PROCESS, .size = sizeof(second), .tid = 11, .tgid = 10},
		.span_id = 5,
		.root_id = 5,
		.span_start_ns = 140,
		.trace_lo = 5,
		.child_tid = 12,
		.child_tgid = 10,
		.event = WF_PROC_THREAD,
	};

	(void)state;
	send_child(stream, WF_PROC_THREAD, 100, 11, 10, 1, 50);
	stream_send(stream, &second);
	send_call(stream, 12, 10, 8, 0, 8, 180, 190);
	stream_finish(stream);
	assert_trace(stream_find(stream, 8), 0xaaaa, 1);
	assert_int_equal(id_of(stream_find(stream, 8)->parent_id), 5);
	stream_free(stream);
}

static void a_reused_thread_id_starts_afresh(void **state)
{
	struct stream *stream = with_function();

	(void)state;
	send_child(stream, WF_PROC_THREAD, 100, 11, 10, 1, 50);
	send_child(stream, WF_PROC_THREAD, 120, 11, 10, 0, 0);
	send_call(stream, 11, 10, 5, 0, 5, 140, 170);
	stream_finish(stream);
	assert_int_equal(id_of(stream_find(stream, 5)->parent_id), 0);
	stream_free(stream);
}

static void traceparent_of_the_environment_is_the_parent(void **state)
{
	struct stream *stream = with_function();
	const struct wf_span *root, *inner;

	(void)state;
	stream_text(stream, WF_REC_RESOURCE, 0, 10,
		    "{\"service.name\":\"shop\",\"wftrace.traceparent\":"
		    "\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"}");
	send_call(stream, 10, 10, 2, 1, 1, 60, 70);
	send_call(stream, 10, 10, 1, 0, 1, 50, 200);
	stream_finish(stream);
	root = stream_find(stream, 1);
	inner = stream_find(stream, 2);
	assert_trace(root, 0x0af7651916cd43dd, 0x8448eb211c80319c);
	assert_trace(inner, 0x0af7651916cd43dd, 0x8448eb211c80319c);
	assert_int_equal(id_of(root->parent_id), 0xb7ad6b7169203331);
	assert_int_equal(id_of(inner->parent_id), 1);
	assert_int_equal(root->flags, 0x301);
	assert_int_equal(inner->flags, 0x101);
	assert_null(find_attribute(&root->resource->attributes, "wftrace.traceparent"));
	stream_free(stream);
}

static void a_forked_child_inherits_its_parents_resource(void **state)
{
	struct stream *stream = with_function();
	const struct wf_attributes *facts;

	(void)state;
	stream_text(stream, WF_REC_RESOURCE, 0, 10,
		    "{\"service.name\":\"shop\",\"process.pid\":10,\"process.parent_pid\":1,"
		    "\"process.vpid\":3,\"tags\":[\"a\",\"b\"]}");
	send_child(stream, WF_PROC_FORK, 100, 20, 20, 0, 0);
	send_call(stream, 20, 20, 5, 0, 5, 140, 170);
	stream_text(stream, WF_REC_RESOURCE, 0, 20, "{\"service.name\":\"own\"}");
	send_call(stream, 20, 20, 6, 0, 6, 180, 190);
	stream_finish(stream);
	facts = &stream_find(stream, 5)->resource->attributes;
	assert_text(facts, "service.name", "shop");
	assert_int_equal(find_attribute(facts, "process.pid")->integer, 20);
	assert_int_equal(find_attribute(facts, "process.parent_pid")->integer, 10);
	assert_null(find_attribute(facts, "process.vpid"));
	assert_string_equal(find_attribute(facts, "tags")->items[1].string, "b");
	for (uint32_t i = 1; i < facts->count; i++)
		assert_true(strcmp(facts->items[i - 1].key, facts->items[i].key) < 0);
	assert_text(&stream_find(stream, 6)->resource->attributes, "service.name", "own");
	stream_free(stream);
}

static void a_tree_keeps_the_clock_of_its_first_record(void **state)
{
	struct stream *stream = with_function();
	struct wf_rec_clock stepped = {
		.head = {.kind = WF_REC_CLOCK, .size = sizeof(stepped)},
		.realtime_ns = 5 * STREAM_CLOCK,
	};

	(void)state;
	send_call(stream, 10, 10, 2, 1, 1, 60, 70);
	stream_send(stream, &stepped);
	send_call(stream, 10, 10, 1, 0, 1, 50, 200);
	send_call(stream, 10, 10, 3, 0, 3, 210, 220);
	stream_finish(stream);
	assert_int_equal(stream_find(stream, 1)->start_ns, STREAM_CLOCK + 50);
	assert_int_equal(stream_find(stream, 1)->end_ns, STREAM_CLOCK + 200);
	assert_int_equal(stream_find(stream, 3)->start_ns, 5 * STREAM_CLOCK + 210);
	stream_free(stream);
}

static void very_many_trees_and_tasks_stay_within_bounds(void **state)
{
	struct stream *stream = with_function();

	(void)state;
	for (uint64_t i = 0; i < 120000; i++) {
		send_child(stream, WF_PROC_THREAD, 100, (uint32_t)(1000 + i), 10, 1, 50);
		/* an inner call alone: its root never comes */
		send_call(stream, (uint32_t)(1000 + i), 10, 2 * i + 11, 2 * i + 10, 2 * i + 10, 150,
			  160);
	}
	assert_all_counted(stream_finish(stream));
	assert_int_equal(stream->count, 120000);
	assert_trace(stream_find(stream, 2 * 119999 + 11), 0xaaaa, 1);
	stream_free(stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_started_in_a_span_is_its_child),
		cmocka_unit_test(a_thread_that_outlives_its_span_gets_a_link),
		cmocka_unit_test(links_end_a_minute_after_the_span),
		cmocka_unit_test(a_fork_is_a_child_but_that_of_a_server_is_linked),
		cmocka_unit_test(the_spawner_of_a_spawner_gives_its_trace),
		cmocka_unit_test(a_reused_thread_id_starts_afresh),
		cmocka_unit_test(traceparent_of_the_environment_is_the_parent),
		cmocka_unit_test(a_forked_child_inherits_its_parents_resource),
		cmocka_unit_test(a_tree_keeps_the_clock_of_its_first_record),
		cmocka_unit_test(very_many_trees_and_tasks_stay_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
