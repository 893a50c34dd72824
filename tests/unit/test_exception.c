/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

static void send_exception(struct stream *stream, uint32_t tgid, uint64_t object,
			   const char *const types[4], const char *message)
{
	struct wf_rec_exception record = {
		.head = {.kind = WF_REC_EXCEPTION,
			 .size = sizeof(record),
			 .time_ns = 4000,
			 .tid = tgid,
			 .tgid = tgid},
		.object = object,
	};

	for (unsigned i = 0; i < 4 && types[i]; i++)
		strncpy(record.type[i], types[i], sizeof(record.type[i]) - 1);
	/* the longest message has no end mark */
	memcpy(record.message, message, strnlen(message, sizeof(record.message)));
	stream_send(stream, &record);
}

static void send_thrown(struct stream *stream, uint64_t id, uint64_t object, bool held)
{
	struct call call = call_make(id, id == 1 ? 0 : 1, 1, 1000, 5000);

	call.record.status = WF_END_THROW;
	call.record.exception = object;
	if (held)
		call.record.flags |= WF_SPAN_HELD;
	stream_send(stream, &call);
}

static struct stream *with_function(void)
{
	struct stream *stream = stream_new(NULL);

	stream_define(stream, 1, 0, "f");
	return stream;
}

static const struct {
	const char *types[4];
	const char *message, *type, *status;
	bool has_message;
} thrown[] = {
	{{"St13runtime_error", "St9exception"},
	 "disk on fire",
	 "std::runtime_error",
	 "std::runtime_error: disk on fire",
	 true},
	{{"N4shop7NoStockE", "St11logic_error", "St9exception"},
	 "sold out",
	 "shop::NoStock",
	 "shop::NoStock: sold out",
	 true},
	{{"N1a1b1cE", "N1a1bE", "N1a1aE", "St12out_of_range"}, "x", "a::b::c", "a::b::c: x", true},
	/* own type without a known base: the bytes may be anything */
	{{"N4shop5CrashE"}, "junk", "shop::Crash", "shop::Crash", false},
	{{"St9bad_alloc", "St9exception"}, "junk", "std::bad_alloc", "std::bad_alloc", false},
	{{"i"}, "junk", "int", "int", false},
	{{"PKc"}, "junk", "char const*", "char const*", false},
	{{"*N12_GLOBAL__N_15InnerE"},
	 "",
	 "(anonymous namespace)::Inner",
	 "(anonymous namespace)::Inner",
	 false},
	{{"St13runtime_error"}, "", "std::runtime_error", "std::runtime_error", false},
	{{"St13runtime_error"},
	 "\xff\xfe",
	 "std::runtime_error",
	 "std::runtime_error: \xef\xbf\xbd\xef\xbf\xbd",
	 true},
	{{"not~mangled"}, "", "not~mangled", "not~mangled", false},
	{{"\xff\xff"}, "", "unknown", "unknown", false},
	{{""}, "", "unknown", "unknown", false},
};

static void type_and_message_are_told_where_they_are_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(thrown) / sizeof(*thrown); i++) {
		struct stream *stream = with_function();
		const struct wf_span *span;

		send_exception(stream, 10, 0x5000, thrown[i].types, thrown[i].message);
		send_thrown(stream, 1, 0x5000, false);
		stream_finish(stream);
		span = stream_find(stream, 1);
		assert_int_equal(span->status, WF_STATUS_ERROR);
		assert_string_equal(span->status_message, thrown[i].status);
		assert_text(&span->attributes, "error.type", thrown[i].type);
		assert_int_equal(span->event_count, 1);
		assert_string_equal(span->events[0].name, "exception");
		assert_int_equal(span->events[0].time_ns, span->end_ns);
		assert_text(&span->events[0].attributes, "exception.type", thrown[i].type);
		assert_int_equal(!!find_attribute(&span->events[0].attributes, "exception.message"),
				 thrown[i].has_message);
		stream_free(stream);
	}
}

static const char *const runtime_error[4] = {"St13runtime_error", "St9exception"};

static void every_span_it_unwound_tells_it(void **state)
{
	struct stream *stream = with_function();

	(void)state;
	send_exception(stream, 10, 0x5000, runtime_error, "x");
	send_thrown(stream, 2, 0x5000, false);
	send_thrown(stream, 3, 0x5000, false);
	stream_finish(stream);
	assert_int_equal(stream_find(stream, 2)->event_count, 1);
	assert_int_equal(stream_find(stream, 3)->event_count, 1);
	stream_free(stream);
}

static void the_newest_at_an_address_counts_but_held_spans_keep_theirs(void **state)
{
	struct stream *stream = with_function();
	struct call root = call_make(1, 0, 1, 900, 6000);

	(void)state;
	send_exception(stream, 10, 0x5000, runtime_error, "first");
	send_thrown(stream, 2, 0x5000, true);
	send_exception(stream, 10, 0x5000, runtime_error, "second");
	send_thrown(stream, 3, 0x5000, true);
	stream_send(stream, &root);
	stream_finish(stream);
	assert_string_equal(stream_find(stream, 2)->status_message, "std::runtime_error: first");
	assert_string_equal(stream_find(stream, 3)->status_message, "std::runtime_error: second");
	stream_free(stream);
}

static void another_process_or_object_is_not_taken(void **state)
{
	struct stream *stream = with_function();
	const struct wf_span *span;

	(void)state;
	send_exception(stream, 11, 0x5000, runtime_error, "x");
	send_exception(stream, 10, 0x6000, runtime_error, "x");
	send_thrown(stream, 1, 0x5000, false);
	stream_finish(stream);
	span = stream_find(stream, 1);
	assert_int_equal(span->event_count, 0);
	assert_int_equal(span->status, WF_STATUS_ERROR);
	assert_text(&span->attributes, "error.type", "_OTHER");
	assert_non_null(strstr(span->status_message, "unknown type"));
	stream_free(stream);
}

static void old_exceptions_leave_at_the_maximum(void **state)
{
	struct stream *stream = with_function();

	(void)state;
	for (uint64_t i = 0; i < 1025; i++)
		send_exception(stream, 10, 0x5000 + 16 * i, runtime_error, "x");
	send_thrown(stream, 2, 0x5000, false);
	send_thrown(stream, 3, 0x5010, false);
	assert_int_equal(stream_finish(stream)->exceptions_in, 1025);
	assert_int_equal(stream_find(stream, 2)->event_count, 0);
	assert_int_equal(stream_find(stream, 3)->event_count, 1);
	stream_free(stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(type_and_message_are_told_where_they_are_known),
		cmocka_unit_test(every_span_it_unwound_tells_it),
		cmocka_unit_test(the_newest_at_an_address_counts_but_held_spans_keep_theirs),
		cmocka_unit_test(another_process_or_object_is_not_taken),
		cmocka_unit_test(old_exceptions_leave_at_the_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
