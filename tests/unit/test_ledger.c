/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <jansson.h>
#include <string.h>

#include "userspace/session/ledger.h"

/* Every term is used, each with a value of its own. */
static struct wf_ledger balanced(void)
{
	struct wf_ledger ledger = {
		.open_now = 1, .lost_before = 2, .lost_handover = 3, .logs_handover = 2};
	uint64_t *k = ledger.kernel;

	k[WF_CNT_COMPLETED] = 1000;
	k[WF_CNT_ABANDONED] = 20;
	k[WF_CNT_UNFINISHED] = 3;
	k[WF_CNT_GUARDED] = 40;
	k[WF_CNT_SHORT] = 50;
	k[WF_CNT_SAMPLED_OUT] = 60;
	k[WF_CNT_STATE_FULL] = 7;
	k[WF_CNT_RING_FULL] = 8;
	k[WF_CNT_ENTRIES] = 1189;
	k[WF_CNT_TOMBSTONES] = 9;
	k[WF_CNT_EXIT_MATCHED] = 900;
	k[WF_CNT_EXIT_STATE_FULL] = 7;
	k[WF_CNT_EXIT_IN_FLIGHT] = 2;
	k[WF_CNT_EXIT_DISARMED] = 4;
	k[WF_CNT_EXIT_UNMATCHED] = 1;
	k[WF_CNT_EXITS] = 914;
	k[WF_CNT_LOGS] = 30;
	ledger.assembler = (struct wf_assembler_counters){
		.spans_in = 1030,
		.tombstones = 9,
		.unknown_span_id = 1,
		.malformed = 2,
		.batch_full = 4,
		.spans_out = 1014,
		.logs_in = 30,
		.logs_out = 25,
		.logs_lost = 5,
	};
	ledger.sink_count = 1;
	ledger.sinks[0].name = "http://a\"b";
	ledger.sinks[0].counters = (struct wf_sink_counters){
		.spans_in = 1011,
		.exported = 1000,
		.lost_queue_full = 1,
		.lost_rejected = 2,
		.lost_retries = 3,
		.lost_too_large = 1,
		.lost_write = 1,
		.lost_encode = 3,
		.logs_in = 23,
		.logs_exported = 20,
		.logs_lost = 3,
	};
	return ledger;
}

static void each_line_must_come_out(void **state)
{
	struct wf_ledger ledger = balanced();
	struct wf_ledger_balance off;

	(void)state;
	assert_true(wf_ledger_balanced(&ledger, &off));
	ledger.kernel[WF_CNT_GUARDED]--;
	assert_false(wf_ledger_balanced(&ledger, &off));
	assert_int_equal(off.entries, 1);
	ledger = balanced();
	ledger.kernel[WF_CNT_TOMBSTONES] -= 2;
	assert_false(wf_ledger_balanced(&ledger, &off));
	assert_int_equal(off.records, -2);
	ledger = balanced();
	ledger.assembler.spans_out++;
	assert_false(wf_ledger_balanced(&ledger, &off));
	assert_int_equal(off.spans, -1);
	ledger = balanced();
	ledger.sinks[0].counters.exported--;
	assert_false(wf_ledger_balanced(&ledger, &off));
	assert_int_equal(off.spans, 1);
	ledger = balanced();
	ledger.lost_handover = 0;
	assert_false(wf_ledger_balanced(&ledger, NULL));
	ledger = balanced();
	ledger.kernel[WF_CNT_EXITS]++;
	assert_false(wf_ledger_balanced(&ledger, &off));
	assert_int_equal(off.exits, 1);
}

static void so_must_the_line_of_logs(void **state)
{
	struct wf_ledger ledger = balanced();
	struct wf_ledger_balance off;

	(void)state;
	ledger.kernel[WF_CNT_LOGS]++;
	assert_false(wf_ledger_balanced(&ledger, &off));
	assert_int_equal(off.logs, 1);
	ledger = balanced();
	ledger.assembler.logs_lost++;
	assert_false(wf_ledger_balanced(&ledger, NULL));
	ledger = balanced();
	ledger.sinks[0].counters.logs_exported--;
	assert_false(wf_ledger_balanced(&ledger, NULL));
	ledger = balanced();
	ledger.logs_handover--;
	assert_false(wf_ledger_balanced(&ledger, NULL));
	/* a destination that takes no logs has none to account for */
	ledger.sinks[0].no_logs = true;
	assert_true(wf_ledger_balanced(&ledger, NULL));
}

/* Adding one to any single term must break the balance: no term is forgotten. */
static void no_term_is_forgotten(void **state)
{
	static const enum wf_counter terms[] = {
		WF_CNT_ENTRIES,         WF_CNT_COMPLETED,      WF_CNT_ABANDONED,
		WF_CNT_UNFINISHED,      WF_CNT_GUARDED,        WF_CNT_SHORT,
		WF_CNT_SAMPLED_OUT,     WF_CNT_STATE_FULL,     WF_CNT_RING_FULL,
		WF_CNT_TOMBSTONES,      WF_CNT_EXITS,          WF_CNT_EXIT_MATCHED,
		WF_CNT_EXIT_STATE_FULL, WF_CNT_EXIT_IN_FLIGHT, WF_CNT_EXIT_DISARMED,
		WF_CNT_EXIT_UNMATCHED,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(terms) / sizeof(*terms); i++) {
		struct wf_ledger ledger = balanced();

		ledger.kernel[terms[i]]++;
		assert_false(wf_ledger_balanced(&ledger, NULL));
	}
}

static void the_json_form_has_the_promised_keys(void **state)
{
	static const char *const keys[] = {
		"balanced", "entries",     "completed",       "abandoned", "unfinished", "guarded",
		"short",    "sampled_out", "state_full",      "ring_full", "open_now",   "exits",
		"records",  "sinks",       "attributes_lost", "logs",      "python",
	};
	struct wf_ledger ledger = balanced();
	struct wf_buf out;
	json_t *json;

	(void)state;
	wf_buf_init(&out, 65536);
	assert_int_equal(wf_ledger_to_json(&ledger, &out), 0);
	json = json_loads(out.data, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		assert_non_null(json_object_get(json, keys[i]));
	assert_true(json_is_true(json_object_get(json, "balanced")));
	assert_int_equal(json_integer_value(json_object_get(json, "entries")), 1189);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(json, "sinks"), 0), "name")),
			    "http://a\"b");
	json_decref(json);
	wf_buf_done(&out);
}

static void people_read_only_what_happened(void **state)
{
	struct wf_ledger ledger = {.sink_count = 0};
	struct wf_buf out;

	(void)state;
	ledger.kernel[WF_CNT_ENTRIES] = ledger.kernel[WF_CNT_COMPLETED] = 5;
	ledger.assembler.spans_in = ledger.assembler.spans_out = 5;
	wf_buf_init(&out, 65536);
	assert_int_equal(wf_ledger_to_text(&ledger, &out), 0);
	assert_string_equal(out.data, "calls: 5 entered, 5 completed\n"
				      "spans: 5\n"
				      "ledger: balanced\n");
	wf_buf_reset(&out);
	ledger.kernel[WF_CNT_RING_FULL] = 2;
	assert_int_equal(wf_ledger_to_text(&ledger, &out), 0);
	assert_non_null(strstr(out.data, ", 2 lost: ring full\n"));
	assert_non_null(strstr(out.data, "NOT balanced: entries off by -2"));
	wf_buf_done(&out);
}

static void the_record_that_ends_a_stream_fills_the_kernel_side(void **state)
{
	struct wf_rec_ledger record = {.open_now = 4};
	struct wf_ledger ledger = {0};

	(void)state;
	record.counters[WF_CNT_STALE] = 9;
	wf_ledger_from_record(&ledger, &record);
	assert_int_equal(ledger.kernel[WF_CNT_STALE], 9);
	assert_int_equal(ledger.open_now, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_must_come_out),
		cmocka_unit_test(so_must_the_line_of_logs),
		cmocka_unit_test(no_term_is_forgotten),
		cmocka_unit_test(the_json_form_has_the_promised_keys),
		cmocka_unit_test(people_read_only_what_happened),
		cmocka_unit_test(the_record_that_ends_a_stream_fills_the_kernel_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
