/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include "userspace/collect/remap.h"

#define RECORDS_MAX 64

/* A recording in memory, replayed under other rules. */
struct tape {
	struct wf_ruleset *recorded, *wanted;
	struct wf_remap *remap;
	struct stream *stream;
	unsigned char *records[RECORDS_MAX];
	uint32_t count;
	struct wf_buf notes;
};

static void tape_add(struct tape *tape, const void *record)
{
	uint16_t size = ((const struct wf_rec_head *)record)->size;

	assert_true(tape->count < RECORDS_MAX);
	tape->records[tape->count] = calloc(1, (size_t)size + 8);
	memcpy(tape->records[tape->count++], record, size);
}

static void tape_define(struct tape *tape, uint32_t span, const char *json)
{
	_Alignas(8) unsigned char room[1024];

	tape_add(tape, text_record(room, sizeof(room), WF_REC_DEFINE, span, 0, json));
}

static void add_rules(struct wf_ruleset *rules, const char *text)
{
	struct wf_err err = {0};
	int rc = strncmp(text, "wftrace:", 8) == 0
			 ? wf_ruleset_add_yaml(rules, "test", text, strlen(text), &err)
			 : wf_ruleset_add_short(rules, text, &err);

	if (rc < 0)
		fail_msg("%s", err.msg);
}

static struct tape *tape_new(const char *recorded, const char *wanted)
{
	struct tape *tape = calloc(1, sizeof(*tape));

	assert_int_equal(wf_ruleset_new(&tape->recorded, NULL), 0);
	assert_int_equal(wf_ruleset_new(&tape->wanted, NULL), 0);
	add_rules(tape->recorded, recorded);
	add_rules(tape->wanted, wanted);
	assert_int_equal(wf_remap_new(tape->recorded, tape->wanted, NULL, &tape->remap, NULL), 0);
	wf_buf_init(&tape->notes, 65536);
	return tape;
}

/* A call of function `span`. */
static struct call made(uint64_t id, uint64_t parent_id, uint64_t root_id, uint32_t span)
{
	struct call call = call_make(id, parent_id, root_id, 1000000 + id, 90000000 - id);

	call.record.head.span = span;
	call.record.root_start_ns = 1000000 + root_id;
	return call;
}

static void tape_call(struct tape *tape, uint64_t id, uint64_t parent_id, uint64_t root_id,
		      uint32_t span)
{
	struct call call = made(id, parent_id, root_id, span);

	tape_add(tape, &call);
}

static const struct wf_assembler_counters *tape_play(struct tape *tape)
{
	struct wf_assembler_config config = {
		.rules = tape->wanted,
		.batch_spans = 512,
		.batch_bytes = 4 << 20,
		.held_spans_max = 100,
		.held_ns_max = 30000000000ull,
	};

	for (uint32_t i = 0; i < tape->count; i++)
		assert_int_equal(
			wf_remap_learn(tape->remap, (struct wf_rec_head *)tape->records[i]), 0);
	wf_remap_begin(tape->remap);
	wf_remap_say(tape->remap, &tape->notes);
	tape->stream = stream_new(&config);
	for (uint32_t i = 0; i < tape->count; i++) {
		const struct wf_rec_head *record =
			wf_remap_record(tape->remap, (struct wf_rec_head *)tape->records[i]);

		if (record)
			stream_send(tape->stream, record);
	}
	return stream_finish(tape->stream);
}

static void tape_free(struct tape *tape)
{
	for (uint32_t i = 0; i < tape->count; i++)
		free(tape->records[i]);
	if (tape->stream)
		stream_free(tape->stream);
	wf_remap_free(tape->remap);
	wf_ruleset_free(tape->recorded);
	wf_ruleset_free(tape->wanted);
	wf_buf_done(&tape->notes);
	free(tape);
}

static void assert_notes(const struct tape *tape, const char *expected)
{
	assert_string_equal(tape->notes.data ? tape->notes.data : "", expected);
}

static uint64_t parent_of(const struct tape *tape, uint64_t id)
{
	const struct wf_span *span = stream_find(tape->stream, id);

	assert_non_null(span);
	return id_of(span->parent_id);
}

static bool same_trace(const struct tape *tape, uint64_t a, uint64_t b)
{
	return memcmp(stream_find(tape->stream, a)->trace_id,
		      stream_find(tape->stream, b)->trace_id, 16) == 0;
}

/* outer(1) -> mid(2) -> leaf(3), each a rule of its own. */
static struct tape *tape_of_three(const char *wanted)
{
	struct tape *tape = tape_new("wftrace: 1\nprofile: all\nspans:\n  - function: outer\n"
				     "  - function: mid\n  - function: 'leaf*'\n",
				     wanted);

	tape_define(tape, 1,
		    "{\"rule\":0,\"name\":\"outer\",\"symbol\":\"outer\","
		    "\"file\":\"/usr/bin/app\",\"executable\":true}");
	tape_define(tape, 2,
		    "{\"rule\":1,\"name\":\"mid\",\"symbol\":\"mid\","
		    "\"file\":\"/usr/bin/app\",\"executable\":true}");
	tape_define(tape, 3,
		    "{\"rule\":2,\"name\":\"leaf\",\"symbol\":\"leaf\","
		    "\"file\":\"/usr/lib/libleaf.so.1\"}");
	tape_call(tape, 111, 11, 1, 3);
	tape_call(tape, 112, 11, 1, 3);
	tape_call(tape, 11, 1, 1, 2);
	tape_call(tape, 121, 12, 1, 3);
	tape_call(tape, 12, 1, 1, 2);
	tape_call(tape, 1, 0, 1, 1);
	return tape;
}

static void a_function_that_no_rule_means_is_left_out(void **state)
{
	struct tape *tape = tape_of_three("wftrace: 1\nprofile: two\nspans:\n  - function: leaf\n"
					  "  - function: outer\n");
	const struct wf_assembler_counters *counters = tape_play(tape);

	(void)state;
	assert_int_equal(counters->spans_out, 4);
	assert_int_equal(wf_remap_counters(tape->remap)->spans, 2);
	assert_int_equal(wf_remap_matched(tape->remap), 2);
	assert_notes(tape, "");
	assert_int_equal(parent_of(tape, 111), 1);
	assert_int_equal(parent_of(tape, 121), 1);
	assert_int_equal(stream_find(tape->stream, 111)->depth, 0);
	assert_true(same_trace(tape, 1, 111));
	tape_free(tape);
}

static void inner_calls_of_what_is_left_out_begin_traces(void **state)
{
	struct tape *tape = tape_of_three("wftrace: 1\nprofile: two\nspans:\n  - function: mid\n"
					  "  - function: leaf\n");

	(void)state;
	tape_play(tape);
	assert_int_equal(tape->stream->count, 5);
	assert_int_equal(parent_of(tape, 11), 0);
	assert_int_equal(parent_of(tape, 111), 11);
	assert_true(stream_find(tape->stream, 11)->local_root);
	assert_false(stream_find(tape->stream, 111)->local_root);
	assert_true(same_trace(tape, 11, 111));
	assert_true(same_trace(tape, 12, 121));
	assert_false(same_trace(tape, 11, 12));
	tape_free(tape);
}

static void rules_mean_the_same_files_as_at_capture(void **state)
{
	static const struct {
		const char *rule;
		uint64_t spans;
	} cases[] = {
		{"leaf", 3},  {"leaf@libleaf*", 3}, {"leaf@libother*", 0},
		{"leaf*", 0}, {"l*@libleaf*", 3},   {"m?d", 2},
		{"*", 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tape *tape = tape_of_three(cases[i].rule);

		assert_int_equal(tape_play(tape)->spans_out, cases[i].spans);
		assert_int_equal(wf_remap_matched(tape->remap), cases[i].spans > 0);
		tape_free(tape);
	}
}

static void a_rule_that_nothing_fits_is_named(void **state)
{
	struct tape *tape = tape_of_three("other");

	(void)state;
	assert_int_equal(tape_play(tape)->spans_out, 0);
	assert_int_equal(wf_remap_counters(tape->remap)->spans, 6);
	assert_notes(tape, "not captured: -f 'other': nothing that was recorded fits\n");
	tape_free(tape);
}

static struct tape *tape_of_values(const char *recorded, const char *wanted)
{
	struct tape *tape = tape_new(recorded, wanted);
	struct call call = made(1, 0, 1, 1);
	int64_t number = -7, size = 40;

	tape_define(tape, 1, "{\"rule\":0,\"name\":\"f\",\"symbol\":\"f\",\"executable\":true}");
	call_attr(&call, WF_VAL_I64, 0, &number, 8);
	call_attr(&call, WF_VAL_STRING, 1, "SELECT 1", 8);
	call_attr(&call, WF_VAL_U64, 2, &size, 8);
	tape_add(tape, &call);
	return tape;
}

#define VALUES "f(n=arg1:i32, q=arg2:str, s=arg3:u64)"

static void captured_values_find_their_new_names(void **state)
{
	struct tape *tape = tape_of_values(
		VALUES, "f(text=arg2:str, short=arg2:str[3], size=arg3:u64, n=arg1:i32)");
	const struct wf_attributes *list;

	(void)state;
	tape_play(tape);
	assert_int_equal(tape->stream->count, 1);
	list = &tape->stream->spans[0]->attributes;
	assert_text(list, "text", "SELECT 1");
	assert_text(list, "short", "SEL");
	assert_int_equal(find_attribute(list, "size")->integer, 40);
	assert_int_equal(find_attribute(list, "n")->integer, -7);
	assert_notes(tape, "");
	tape_free(tape);
}

static void values_that_were_not_captured_are_absent_and_named(void **state)
{
	struct tape *tape = tape_of_values(VALUES, "f(n=arg1:i64, r=return:i32, s=arg3->8:u64, "
						   "long=arg2:str[300])");
	const struct wf_attributes *list;

	(void)state;
	tape_play(tape);
	list = &tape->stream->spans[0]->attributes;
	assert_null(find_attribute(list, "n"));
	assert_null(find_attribute(list, "r"));
	assert_null(find_attribute(list, "s"));
	assert_text(list, "long", "SELECT 1");
	assert_non_null(strstr(tape->notes.data, ": arg1:i64\n"));
	assert_non_null(strstr(tape->notes.data, ": return:i32\n"));
	assert_non_null(strstr(tape->notes.data, ": arg3->8:u64\n"));
	assert_non_null(strstr(tape->notes.data, ": arg2:str to 256 bytes\n"));
	tape_free(tape);
}

static void conditions_are_asked_of_what_was_captured(void **state)
{
	static const struct {
		const char *recorded, *wanted, *note;
		bool stays;
	} cases[] = {
		{VALUES, "f when arg1:i32 < 0", NULL, true},
		{VALUES, "f when arg1:i32 > 0", NULL, false},
		{VALUES, "f when arg3:u64 >= 40 and arg1:i32 == -7", NULL, true},
		{VALUES, "f when arg3:u64 > 40 or arg1:i32 == -7", NULL, true},
		{VALUES, "f when arg3:u64 > 40 or arg1:i32 == 7", NULL, false},
		{VALUES, "f when arg4:i32 == 1", "not captured: ", false},
		{VALUES " when arg4:i32 == 1", "f when arg4:i32 == 1", NULL, true},
		{VALUES " when arg4:i32 == 1", "f when arg4:i32 == 1 and arg1:i32 < 0", NULL, true},
		{VALUES " when arg4:i32 == 1", "f", "filtered at capture: ", true},
		{VALUES " when arg4:i32 == 1", "f when arg1:i32 < 0",
		 "filtered at capture: ", true},
		{VALUES " when arg4:i32 == 1 or arg4:i32 == 2", "f when arg4:i32 == 2",
		 "not captured: ", false},
		{VALUES " slower 1ms", "f", "shorter than 1 ms", true},
		{VALUES, "f slower 1s", NULL, false},
		{VALUES, "f slower 1ms", NULL, true},
		{VALUES " slower 1ms", "f slower 2ms", NULL, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tape *tape = tape_of_values(cases[i].recorded, cases[i].wanted);
		uint64_t out = tape_play(tape)->spans_out;

		assert_int_equal(out, cases[i].stays);
		assert_int_equal(wf_remap_counters(tape->remap)->spans, !cases[i].stays);
		if (!cases[i].note)
			assert_notes(tape, "");
		else
			assert_non_null(strstr(tape->notes.data, cases[i].note));
		tape_free(tape);
	}
}

static void tombstones_are_settled_beforehand(void **state)
{
	struct tape *tape = tape_new("wftrace: 1\nprofile: all\nspans:\n  - function: outer\n"
				     "    min_duration: 1ms\n  - function: leaf\n",
				     "wftrace: 1\nprofile: all\nspans:\n  - function: outer\n"
				     "    min_duration: 1ms\n  - function: leaf\n");

	(void)state;
	tape_define(tape, 1, "{\"rule\":0,\"name\":\"outer\",\"symbol\":\"outer\"}");
	tape_define(tape, 2, "{\"rule\":1,\"name\":\"leaf\",\"symbol\":\"leaf\"}");
	for (int i = 0; i < 2; i++) {
		struct call leaf = made(111 + 100 * (uint64_t)i, 11 + (uint64_t)i, 1, 2);
		struct call outer = made(11 + (uint64_t)i, 1, 1, 1);

		leaf.record.flags = WF_SPAN_HELD;
		outer.record.flags = WF_SPAN_HELD;
		if (i == 0)
			outer.record.head.kind = WF_REC_TOMBSTONE;
		tape_add(tape, &leaf);
		tape_add(tape, &outer);
	}
	tape_call(tape, 1, 0, 1, 1);
	assert_int_equal(tape_play(tape)->held_released_early, 0);
	assert_int_equal(parent_of(tape, 111), 1);
	assert_int_equal(parent_of(tape, 211), 12);
	assert_int_equal(wf_remap_counters(tape->remap)->spans, 1);
	tape_free(tape);
}

#define EVENTS(nearest)                                                                            \
	"wftrace: 1\nprofile: all\nspans:\n  - function: outer\n    rule: outer\n"                 \
	"  - function: mid\n    rule: mid\nevents:\n  - function: retry\n    on: nearest(" nearest \
	")\n    name: retry\n"

static void events_find_a_span_that_stays(void **state)
{
	static const struct {
		const char *wanted;
		uint64_t owner;
	} cases[] = {
		{EVENTS("mid"), 11},
		{EVENTS("outer"), 1},
		{"wftrace: 1\nprofile: one\nspans:\n  - function: outer\n    rule: outer\n"
		 "events:\n  - function: retry\n    on: nearest(outer)\n    name: again\n",
		 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tape *tape = tape_new(EVENTS("mid"), cases[i].wanted);
		struct call event = made(11, 0, 1, 3);

		tape_define(tape, 1, "{\"rule\":0,\"name\":\"outer\",\"symbol\":\"outer\"}");
		tape_define(tape, 2, "{\"rule\":1,\"name\":\"mid\",\"symbol\":\"mid\"}");
		tape_define(tape, 3, "{\"rule\":2,\"name\":\"retry\",\"symbol\":\"retry\"}");
		event.record.head.kind = WF_REC_EVENT;
		tape_add(tape, &event);
		tape_call(tape, 11, 1, 1, 2);
		tape_call(tape, 1, 0, 1, 1);
		assert_int_equal(tape_play(tape)->events_attached, 1);
		assert_int_equal(stream_find(tape->stream, cases[i].owner)->event_count, 1);
		tape_free(tape);
	}
}

static void a_thread_keeps_a_span_that_stays_as_its_parent(void **state)
{
	struct wf_rec_process process = {
		.head = {.kind = WF_REC_PROCESS,
			 .size = sizeof(process),
			 .time_ns = 2000000,
			 .tid = 10,
			 .tgid = 10},
		.span_id = 11,
		.root_id = 1,
		.span_start_ns = 1000011,
		.trace_hi = 0xaaaa,
		.trace_lo = 1,
		.child_tid = 20,
		.child_tgid = 10,
		.event = WF_PROC_THREAD,
	};
	static const struct {
		const char *wanted;
		uint64_t parent;
	} cases[] = {
		{"wftrace: 1\nprofile: a\nspans:\n  - function: outer\n  - function: leaf\n", 1},
		{"wftrace: 1\nprofile: a\nspans:\n  - function: mid\n  - function: leaf\n", 11},
		{"leaf", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tape *tape = tape_of_three(cases[i].wanted);
		unsigned char *calls[8];
		uint32_t count = tape->count - 3;
		struct call call = made(500, 0, 500, 3);

		memcpy(calls, tape->records + 3, count * sizeof(*calls));
		tape->count = 3;
		tape_add(tape, &process);
		call.record.head.tid = 20;
		tape_add(tape, &call);
		memcpy(tape->records + tape->count, calls, count * sizeof(*calls));
		tape->count += count;
		tape_play(tape);
		assert_int_equal(parent_of(tape, 500), cases[i].parent);
		if (cases[i].parent)
			assert_true(same_trace(tape, 500, cases[i].parent));
		tape_free(tape);
	}
}

static void what_was_lost_leaves_parents_as_they_were(void **state)
{
	struct tape *tape = tape_of_three("leaf");

	(void)state;
	/* the record of 12 never came */
	free(tape->records[7]);
	tape->records[7] = tape->records[8];
	tape->count--;
	tape_play(tape);
	assert_int_equal(parent_of(tape, 111), 0);
	assert_int_equal(parent_of(tape, 121), 12);
	tape_free(tape);
}

static void a_recording_that_goes_in_circles_ends(void **state)
{
	struct tape *tape = tape_of_three("leaf");

	(void)state;
	tape_call(tape, 7, 8, 1, 3);
	tape_call(tape, 8, 9, 1, 2);
	tape_call(tape, 9, 8, 1, 2);
	tape_call(tape, 8, 9, 1, 2);
	tape_play(tape);
	assert_non_null(stream_find(tape->stream, 7));
	tape_free(tape);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_function_that_no_rule_means_is_left_out),
		cmocka_unit_test(inner_calls_of_what_is_left_out_begin_traces),
		cmocka_unit_test(rules_mean_the_same_files_as_at_capture),
		cmocka_unit_test(a_rule_that_nothing_fits_is_named),
		cmocka_unit_test(captured_values_find_their_new_names),
		cmocka_unit_test(values_that_were_not_captured_are_absent_and_named),
		cmocka_unit_test(conditions_are_asked_of_what_was_captured),
		cmocka_unit_test(tombstones_are_settled_beforehand),
		cmocka_unit_test(events_find_a_span_that_stays),
		cmocka_unit_test(a_thread_keeps_a_span_that_stays_as_its_parent),
		cmocka_unit_test(what_was_lost_leaves_parents_as_they_were),
		cmocka_unit_test(a_recording_that_goes_in_circles_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
