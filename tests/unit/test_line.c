/* SPDX-License-Identifier: Apache-2.0 */
#include "exporter/line.h"

#include <jansson.h>

#include "bench.h"

static void a_pipe_gets_one_json_object_a_line(void **state)
{
	struct bench bench;
	char *line, *rest;
	json_t *json;
	unsigned n = 0;

	(void)state;
	bench_begin(&bench, (struct wf_console_options){.json = true});
	bench_push(&bench, sample_everything());
	bench_read(&bench);
	for (rest = bench.text; (line = strsep(&rest, "\n")) && *line; n++) {
		json = json_loads(line, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
		assert_non_null(json);
		assert_int_equal(json_integer_value(json_object_get(json, "duration_ns")), 1000000);
		json_decref(json);
	}
	assert_int_equal(n, 6);
	assert_int_equal(bench.sink->counters.exported, 6);
	bench_end(&bench);
}

static void the_json_line_of_a_span_is_pinned(void **state)
{
	struct wf_batch *batch = sample_everything();
	struct wf_buf out;

	(void)state;
	wf_buf_init(&out, 1 << 16);
	wf_line_put(&out, &batch->spans[0]);
	assert_string_equal(
		out.data,
		"{\"time\":\"2023-11-14T22:13:20.123459789Z\","
		"\"trace_id\":\"80000000000000010000000000000001\",\"span_id\":"
		"\"8000000000000003\","
		"\"parent_id\":\"8000000000000002\",\"name\":\"charge\",\"kind\":\"internal\","
		"\"duration_ns\":1000000,\"status\":\"error\","
		"\"status_message\":\"shop::declined: card refused\",\"service\":\"shop\","
		"\"pid\":1234,\"tid\":1235,\"attributes\":{},"
		"\"events\":[{\"time\":\"2023-11-14T22:13:20.124459789Z\",\"name\":\"exception\","
		"\"attributes\":{\"exception.type\":\"shop::declined\","
		"\"exception.message\":\"card refused\"}}]}\n");
	wf_buf_reset(&out);
	wf_line_put(&out, &batch->spans[6]);
	assert_non_null(strstr(out.data, "\"parent_id\":null"));
	assert_non_null(strstr(out.data, "\"state\":\"unfinished\""));
	wf_buf_done(&out);
	wf_batch_unref(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipe_gets_one_json_object_a_line),
		cmocka_unit_test(the_json_line_of_a_span_is_pinned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
