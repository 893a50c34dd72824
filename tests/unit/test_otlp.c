/* SPDX-License-Identifier: Apache-2.0 */
#include "exporter/otlp.h"

#include <errno.h>

#include "golden.h"
#include "otlp.pb-c.h"
#include "sample_spans.h"

#define NO_LIMIT ((struct wf_otlp_limit){UINT32_MAX, 4u << 20})

static Wf__TraceRequest *decode(const struct wf_buf *buf)
{
	Wf__TraceRequest *request =
		wf__trace_request__unpack(NULL, buf->len, (const uint8_t *)buf->data);

	assert_non_null(request);
	return request;
}

static unsigned span_count(const Wf__TraceRequest *request)
{
	unsigned count = 0;
	size_t i, k;

	for (i = 0; i < request->n_resource_spans; i++)
		for (k = 0; k < request->resource_spans[i]->n_scope_spans; k++)
			count += request->resource_spans[i]->scope_spans[k]->n_spans;
	return count;
}

static void the_bytes_of_every_field_are_pinned(void **state)
{
	struct wf_batch *batch = sample_everything();
	struct wf_otlp *otlp = wf_otlp_new(1 << 20, WF_SIGNAL_SPANS);
	struct wf_otlp_part part;
	struct wf_buf out;

	(void)state;
	wf_buf_init(&out, 1 << 20);
	assert_int_equal(wf_otlp_encode(otlp, batch, 0, NO_LIMIT, true, &out, &part), 0);
	assert_int_equal(part.next, batch->count);
	assert_int_equal(part.spans, 6);
	assert_golden("tests/golden/otlp_spans.bin", out.data, out.len);
	wf_buf_done(&out);
	wf_otlp_free(otlp);
	wf_batch_unref(batch);
}

static void spans_are_grouped_by_resource_and_scope_and_notices_left_out(void **state)
{
	struct wf_batch *batch = sample_everything();
	struct wf_otlp *otlp = wf_otlp_new(1 << 20, WF_SIGNAL_SPANS);
	Wf__TraceRequest *request;
	struct wf_otlp_part part;
	struct wf_buf out;

	(void)state;
	wf_buf_init(&out, 1 << 20);
	assert_int_equal(wf_otlp_encode(otlp, batch, 0, NO_LIMIT, true, &out, &part), 0);
	request = decode(&out);
	assert_int_equal(request->n_resource_spans, 3); /* shop, bank, unknown */
	assert_int_equal(request->resource_spans[0]->n_scope_spans, 2);
	assert_int_equal(request->resource_spans[0]->scope_spans[0]->n_spans, 2);
	assert_string_equal(request->resource_spans[0]->scope_spans[1]->scope->name,
			    "wftrace/bank");
	assert_string_equal(request->resource_spans[0]->scope_spans[1]->scope->version, WF_VERSION);
	assert_int_equal(request->resource_spans[2]->resource->n_attributes, 0);
	assert_string_equal(request->resource_spans[2]->scope_spans[0]->scope->name, "wftrace");
	assert_int_equal(span_count(request), 6);
	wf__trace_request__free_unpacked(request, NULL);
	wf_buf_done(&out);
	wf_otlp_free(otlp);
	wf_batch_unref(batch);
}

static void parts_stay_below_the_byte_limit_and_hold_every_span_once(void **state)
{
	struct wf_batch *batch = sample_batch(500, 1);
	struct wf_otlp *otlp = wf_otlp_new(8 << 20, WF_SIGNAL_SPANS);
	struct wf_otlp_limit limit = {.spans = 512, .bytes = 8000};
	struct wf_otlp_part part = {0};
	Wf__TraceRequest *request;
	uint32_t next = 0, spans = 0;
	struct wf_buf out;

	(void)state;
	wf_buf_init(&out, 1 << 20);
	while (next < batch->count) {
		wf_buf_reset(&out);
		assert_int_equal(wf_otlp_encode(otlp, batch, next, limit, true, &out, &part), 0);
		assert_true(part.next > next);
		assert_true(out.len <= limit.bytes);
		/* And no needlessly small ones. */
		assert_true(part.next == batch->count || out.len > limit.bytes / 3);
		request = decode(&out);
		assert_int_equal(span_count(request), part.spans);
		wf__trace_request__free_unpacked(request, NULL);
		spans += part.spans;
		next = part.next;
	}
	assert_int_equal(spans, 500);
	wf_buf_done(&out);
	wf_otlp_free(otlp);
	wf_batch_unref(batch);
}

static void a_span_over_the_limit_is_skipped_and_counted(void **state)
{
	struct wf_batch *batch = wf_batch_new(3, 1 << 20);
	struct wf_otlp *otlp = wf_otlp_new(8 << 20, WF_SIGNAL_SPANS);
	struct wf_otlp_limit limit = {.spans = 512, .bytes = 3000};
	struct wf_otlp_part part;
	struct wf_span *large;
	struct wf_buf out;
	char *text = calloc(1, 5000);

	(void)state;
	memset(text, 'x', 4999);
	wf_buf_init(&out, 1 << 20);
	sample_span(batch, "small", 1, 1, 0);
	large = sample_span(batch, "large", 1, 2, 0);
	sample_attribute(batch->arena, &large->attributes, "text", sample_text(text));
	sample_span(batch, "small too", 1, 3, 0);

	assert_int_equal(wf_otlp_encode(otlp, batch, 0, limit, true, &out, &part), 0);
	assert_int_equal(part.spans, 1);
	assert_int_equal(part.next, 1);
	/* In a request that already holds something it ends the part ... */
	assert_int_equal(wf_otlp_encode(otlp, batch, 1, limit, false, &out, &part), 0);
	assert_int_equal(part.next, 1);
	assert_int_equal(part.too_large, 0);
	/* ... alone it never fits. */
	assert_int_equal(wf_otlp_encode(otlp, batch, 1, limit, true, &out, &part), 0);
	assert_int_equal(part.next, 2);
	assert_int_equal(part.too_large, 1);
	assert_int_equal(part.spans, 0);
	assert_int_equal(wf_otlp_encode(otlp, batch, 2, limit, true, &out, &part), 0);
	assert_int_equal(part.spans, 1);
	free(text);
	wf_buf_done(&out);
	wf_otlp_free(otlp);
	wf_batch_unref(batch);
}

static void two_encodings_after_each_other_are_one_request(void **state)
{
	struct wf_batch *first = sample_batch(3, 1), *second = sample_batch(4, 10);
	struct wf_otlp *otlp = wf_otlp_new(1 << 20, WF_SIGNAL_SPANS);
	Wf__TraceRequest *request;
	struct wf_otlp_part part;
	struct wf_buf out;

	(void)state;
	wf_buf_init(&out, 1 << 20);
	assert_int_equal(wf_otlp_encode(otlp, first, 0, NO_LIMIT, true, &out, &part), 0);
	assert_int_equal(wf_otlp_encode(otlp, second, 0, NO_LIMIT, false, &out, &part), 0);
	request = decode(&out);
	assert_int_equal(span_count(request), 7);
	wf__trace_request__free_unpacked(request, NULL);
	wf_buf_done(&out);
	wf_otlp_free(otlp);
	wf_batch_unref(first);
	wf_batch_unref(second);
}

static void without_memory_nothing_is_appended_and_the_loss_is_told(void **state)
{
	struct wf_batch *batch = sample_batch(100, 1);
	struct wf_otlp *otlp = wf_otlp_new(16384, WF_SIGNAL_SPANS);
	struct wf_otlp_part part;
	struct wf_buf out;

	(void)state;
	wf_buf_init(&out, 1 << 20);
	assert_int_equal(wf_otlp_encode(otlp, batch, 0, NO_LIMIT, true, &out, &part), -ENOMEM);
	assert_int_equal(out.len, 0);
	assert_int_equal(part.spans, 100);
	assert_int_equal(part.next, 100);
	wf_buf_done(&out);
	wf_otlp_free(otlp);
	wf_batch_unref(batch);
}

/* The bound that parts are cut by must hold for whatever a span holds. */
static void a_part_of_one_span_never_outgrows_its_bound(void **state)
{
	struct wf_batch *batch = sample_everything();
	struct wf_otlp *otlp = wf_otlp_new(1 << 20, WF_SIGNAL_SPANS);
	struct wf_otlp_part part;
	struct wf_buf out;
	size_t bytes;
	uint32_t i;

	(void)state;
	wf_buf_init(&out, 1 << 20);
	for (i = 0; i < batch->count; i++) {
		if (batch->spans[i].state == WF_SPAN_OPEN)
			continue;
		/* The smallest limit that lets it through is its bound. */
		for (bytes = 1;; bytes++) {
			wf_buf_reset(&out);
			wf_otlp_encode(otlp, batch, i, (struct wf_otlp_limit){1, bytes}, true, &out,
				       &part);
			if (part.spans)
				break;
		}
		assert_true(out.len <= bytes);
	}
	wf_buf_done(&out);
	wf_otlp_free(otlp);
	wf_batch_unref(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bytes_of_every_field_are_pinned),
		cmocka_unit_test(spans_are_grouped_by_resource_and_scope_and_notices_left_out),
		cmocka_unit_test(parts_stay_below_the_byte_limit_and_hold_every_span_once),
		cmocka_unit_test(a_span_over_the_limit_is_skipped_and_counted),
		cmocka_unit_test(two_encodings_after_each_other_are_one_request),
		cmocka_unit_test(without_memory_nothing_is_appended_and_the_loss_is_told),
		cmocka_unit_test(a_part_of_one_span_never_outgrows_its_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
