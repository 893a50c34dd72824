/* SPDX-License-Identifier: Apache-2.0 */
#include "exporter/retry.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "exporter/response.h"
#include "otlp.pb-c.h"
#include "userspace/base/str.h"

#define SECOND 1000000000ull

static void only_four_statuses_are_retried(void **state)
{
	long status;
	int count = 0;

	(void)state;
	for (status = 0; status < 1000; status++)
		count += wf_retry_status(status);
	assert_int_equal(count, 4);
	assert_true(wf_retry_status(429));
	assert_true(wf_retry_status(502));
	assert_true(wf_retry_status(503));
	assert_true(wf_retry_status(504));
}

static void delays_grow_by_half_from_one_to_thirty_seconds(void **state)
{
	static const uint64_t middle_ms[] = {1000, 1500, 2250, 3375, 5062};
	unsigned i;

	(void)state;
	for (i = 0; i < 5; i++)
		assert_true(wf_retry_delay(i + 1, 0, 1u << 31) / 1000000 - middle_ms[i] + 1 <= 2);
	assert_true(wf_retry_delay(50, 0, 1u << 31) / 1000000 - 30000 + 1 <= 2);
	assert_true(wf_retry_delay(1000000, 0, UINT32_MAX) <= 45 * SECOND);
}

static void jitter_is_half_of_the_delay_either_way(void **state)
{
	(void)state;
	assert_int_equal(wf_retry_delay(1, 0, 0), SECOND / 2);
	assert_true(wf_retry_delay(1, 0, UINT32_MAX) > SECOND * 149 / 100);
	assert_true(wf_retry_delay(1, 0, UINT32_MAX) <= SECOND * 150 / 100);
}

static void retry_after_is_obeyed_but_not_for_hours(void **state)
{
	(void)state;
	assert_int_equal(wf_retry_delay(1, 7 * SECOND, 0), 7 * SECOND);
	assert_true(wf_retry_delay(1, 7 * SECOND, UINT32_MAX) > 7 * SECOND);
	assert_true(wf_retry_delay(1, 7 * SECOND, UINT32_MAX) <= 8 * SECOND);
	assert_int_equal(wf_retry_delay(1, 86400 * SECOND, 0), WF_RETRY_GIVE_UP_NS);
	/* Shorter than the back-off: the back-off stays. */
	assert_true(wf_retry_delay(9, SECOND, 1u << 31) > 20 * SECOND);
}

static void a_request_is_given_up_after_five_minutes_or_at_the_deadline(void **state)
{
	(void)state;
	assert_false(wf_retry_give_up(0, 100 * SECOND, SECOND, UINT64_MAX));
	assert_true(wf_retry_give_up(0, 299 * SECOND, 2 * SECOND, UINT64_MAX));
	assert_true(wf_retry_give_up(0, 10 * SECOND, 2 * SECOND, 11 * SECOND));
	assert_false(wf_retry_give_up(0, 10 * SECOND, 2 * SECOND, 13 * SECOND));
	assert_true(wf_retry_give_up(0, UINT64_MAX - 1, 2 * SECOND, UINT64_MAX));
}

static void a_partial_success_counts_what_was_refused(void **state)
{
	Wf__TraceResponse response = WF__TRACE_RESPONSE__INIT;
	Wf__PartialSuccess partial = WF__PARTIAL_SUCCESS__INIT;
	struct wf_response got;
	uint8_t body[256];
	size_t len;

	(void)state;
	response.partial_success = &partial;
	partial.rejected_spans = 3;
	partial.error_message = "too\nold \033[31m";
	len = wf__trace_response__pack(&response, body);
	wf_response_read(200, body, len, 10, &got);
	assert_int_equal(got.outcome, WF_OUTCOME_ACCEPTED);
	assert_int_equal(got.rejected, 3);
	assert_string_equal(got.message, "too old  [31m");

	partial.rejected_spans = INT64_MAX;
	len = wf__trace_response__pack(&response, body);
	wf_response_read(200, body, len, 10, &got);
	assert_int_equal(got.rejected, 10);

	partial.rejected_spans = -5;
	len = wf__trace_response__pack(&response, body);
	wf_response_read(200, body, len, 10, &got);
	assert_int_equal(got.rejected, 0);
}

static void the_outcome_goes_by_the_status(void **state)
{
	static const struct {
		long status;
		const char *body;
		enum wf_outcome outcome;
		uint64_t rejected;
		const char *message;
	} rows[] = {
		{200, "", WF_OUTCOME_ACCEPTED, 0, ""},
		{202, "ok", WF_OUTCOME_ACCEPTED, 0, ""},
		{200, "{}", WF_OUTCOME_ACCEPTED, 0, ""},
		{200, "<html>", WF_OUTCOME_ACCEPTED, 0,
		 "the answer is a web page: is this an OTLP receiver?"},
		{301, "", WF_OUTCOME_REJECTED, 10, ""},
		{400,
		 "\x08\x03\x12\x03"
		 "bad",
		 WF_OUTCOME_REJECTED, 10, "bad"},
		{404, "not found\n", WF_OUTCOME_REJECTED, 10, "not found "},
		{401, "", WF_OUTCOME_REJECTED, 10, ""},
		{413, "", WF_OUTCOME_REJECTED, 10, ""},
		{429, "slow down", WF_OUTCOME_RETRY, 0, "slow down"},
		{500, "", WF_OUTCOME_REJECTED, 10, ""},
		{503,
		 "\x12\x04"
		 "busy",
		 WF_OUTCOME_RETRY, 0, "busy"},
		{503, "\xff\xfe", WF_OUTCOME_RETRY, 0, "\xef\xbf\xbd\xef\xbf\xbd"},
	};
	struct wf_response got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		wf_response_read(rows[i].status, rows[i].body, strlen(rows[i].body), 10, &got);
		assert_int_equal(got.outcome, rows[i].outcome);
		assert_int_equal(got.rejected, rows[i].rejected);
		assert_string_equal(got.message, rows[i].message);
	}
	wf_response_read(503, NULL, 0, 10, &got);
	assert_int_equal(got.outcome, WF_OUTCOME_RETRY);
}

static void a_long_message_is_cut_at_a_character(void **state)
{
	struct wf_response got;
	char body[3000];
	size_t i;

	(void)state;
	for (i = 0; i + 3 <= sizeof(body); i += 3)
		memcpy(body + i, "\xe2\x82\xac", 3);
	wf_response_read(400, body, sizeof(body), 1, &got);
	assert_true(strlen(got.message) > 190);
	assert_true(wf_utf8_valid(got.message, strlen(got.message)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_four_statuses_are_retried),
		cmocka_unit_test(delays_grow_by_half_from_one_to_thirty_seconds),
		cmocka_unit_test(jitter_is_half_of_the_delay_either_way),
		cmocka_unit_test(retry_after_is_obeyed_but_not_for_hours),
		cmocka_unit_test(a_request_is_given_up_after_five_minutes_or_at_the_deadline),
		cmocka_unit_test(a_partial_success_counts_what_was_refused),
		cmocka_unit_test(the_outcome_goes_by_the_status),
		cmocka_unit_test(a_long_message_is_cut_at_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
