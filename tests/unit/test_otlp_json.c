/* SPDX-License-Identifier: Apache-2.0 */
#include "exporter/otlp_json.h"

#include <errno.h>
#include <jansson.h>

#include "golden.h"
#include "sample_spans.h"

static void the_text_of_every_field_is_pinned_and_is_json(void **state)
{
	struct wf_batch *batch = sample_everything();
	struct wf_arena *scratch = wf_arena_new(1 << 20);
	json_error_t error;
	struct wf_buf out;
	json_t *json;

	(void)state;
	wf_buf_init(&out, 1 << 20);
	assert_int_equal(
		wf_otlp_json_encode(scratch, batch, 0, batch->count, WF_SIGNAL_SPANS, &out), 0);
	json = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	assert_non_null(json);
	assert_int_equal(json_array_size(json_object_get(json, "resourceSpans")), 3);
	json_decref(json);
	assert_null(memchr(out.data, '\n', out.len));
	wf_buf_putc(&out, '\n');
	assert_golden("tests/golden/otlp_spans.json", out.data, out.len);
	wf_buf_done(&out);
	wf_arena_free(scratch);
	wf_batch_unref(batch);
}

static void a_batch_of_notices_is_no_text(void **state)
{
	struct wf_batch *batch = wf_batch_new(1, 4096);
	struct wf_arena *scratch = wf_arena_new(4096);
	struct wf_buf out;

	(void)state;
	wf_buf_init(&out, 4096);
	sample_span(batch, "open", 1, 1, 0)->state = WF_SPAN_OPEN;
	assert_int_equal(wf_otlp_json_encode(scratch, batch, 0, 1, WF_SIGNAL_SPANS, &out), 0);
	assert_int_equal(out.len, 0);
	wf_buf_done(&out);
	wf_arena_free(scratch);
	wf_batch_unref(batch);
}

static void a_full_buffer_is_an_error(void **state)
{
	struct wf_batch *batch = sample_batch(10, 1);
	struct wf_arena *scratch = wf_arena_new(1 << 20);
	struct wf_buf out;

	(void)state;
	wf_buf_init(&out, 1000);
	assert_int_equal(wf_otlp_json_encode(scratch, batch, 0, 10, WF_SIGNAL_SPANS, &out), -E2BIG);
	assert_true(out.failed);
	wf_buf_done(&out);
	wf_arena_free(scratch);
	wf_batch_unref(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_text_of_every_field_is_pinned_and_is_json),
		cmocka_unit_test(a_batch_of_notices_is_no_text),
		cmocka_unit_test(a_full_buffer_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
