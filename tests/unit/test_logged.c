/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <jansson.h>

#include "bpf/agent.h"
#include "exporter/line.h"
#include "exporter/otlp.h"
#include "exporter/otlp_json.h"
#include "otlp.pb-c.h"
#include "sample.h"
#include "userspace/collect/logged.h"

/* A LOG record while values are put behind it. */
struct sheet {
	struct wf_rec_span record;
	uint8_t values[2048];
};

static void put_value(struct sheet *sheet, uint8_t slot, uint8_t type, const void *bytes,
		      uint16_t len)
{
	struct wf_rec_attr attr = {.type = type, .slot = slot, .len = len, .full_len = len};
	uint8_t *at = sheet->values + sheet->record.attr_bytes;

	memcpy(at, &attr, sizeof(attr));
	memcpy(at + sizeof(attr), bytes, len);
	sheet->record.attr_bytes += (uint16_t)(sizeof(attr) + ((len + 7u) & ~7u));
}

static void put_text(struct sheet *sheet, uint8_t slot, const char *text)
{
	put_value(sheet, slot, WF_VAL_STRING, text, (uint16_t)strlen(text));
}

static void put_number(struct sheet *sheet, uint8_t slot, int64_t number)
{
	put_value(sheet, slot, WF_VAL_I64, &number, sizeof(number));
}

static struct sheet begin(int64_t level)
{
	struct sheet sheet = {.record = {.head = {.kind = WF_REC_LOG, .tid = 7, .tgid = 5},
					 .id = 11,
					 .start_ns = 1000}};

	put_number(&sheet, WF_AGENT_SLOT_LEVEL, level);
	put_text(&sheet, WF_AGENT_SLOT_LOGGER, "shop.desk");
	put_text(&sheet, WF_AGENT_SLOT_TEMPLATE, "%d left");
	put_text(&sheet, WF_AGENT_SLOT_TEXT, "3 left");
	return sheet;
}

static const struct wf_value *find(const struct wf_span *log, const char *key)
{
	for (uint32_t i = 0; i < log->attributes.count; i++)
		if (strcmp(log->attributes.items[i].key, key) == 0)
			return &log->attributes.items[i].value;
	return NULL;
}

static void levels_become_severities(void **state)
{
	static const struct {
		int64_t level;
		uint8_t severity;
	} cases[] = {{-1, 0},  {0, 0},   {5, 1},   {10, 5},  {11, 6},  {19, 8},  {20, 9},
		     {25, 12}, {30, 13}, {40, 17}, {50, 21}, {52, 23}, {60, 24}, {1000000, 24}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wf_arena *arena = wf_arena_new(1 << 16);
		struct sheet sheet = begin(cases[i].level);
		struct wf_span log = {0};
		uint32_t repaired = 0;

		assert_int_equal(wf_logged_fill(&sheet.record, 0, arena, &log, &repaired), 0);
		if (log.severity != cases[i].severity)
			fail_msg("level %d gives %d, not %d", (int)cases[i].level, log.severity,
				 cases[i].severity);
		wf_arena_free(arena);
	}
}

static void a_record_tells_message_logger_place_and_exception(void **state)
{
	struct wf_arena *arena = wf_arena_new(1 << 16);
	struct sheet sheet = begin(40);
	struct wf_span log = {0};
	uint32_t repaired = 0;

	(void)state;
	put_text(&sheet, WF_AGENT_SLOT_NAME, "ERROR");
	put_text(&sheet, WF_AGENT_SLOT_FILE, "/srv/shop.py");
	put_number(&sheet, WF_AGENT_SLOT_LINE, 12);
	put_text(&sheet, WF_AGENT_SLOT_TYPE, "builtins:KeyError");
	assert_int_equal(wf_logged_fill(&sheet.record, 500, arena, &log, &repaired), 0);
	assert_int_equal(log.state, WF_SPAN_LOG);
	assert_int_equal(log.start_ns, 1500);
	assert_string_equal(log.name, "3 left");
	assert_string_equal(log.scope, "shop.desk");
	assert_string_equal(log.severity_text, "ERROR");
	assert_string_equal(find(&log, "code.file.path")->string, "/srv/shop.py");
	assert_int_equal(find(&log, "code.line.number")->integer, 12);
	assert_string_equal(find(&log, "exception.type")->string, "KeyError");
	assert_string_equal(find(&log, "wftrace.log.template")->string, "%d left");
	assert_int_equal(repaired, 0);
	wf_arena_free(arena);
}

static void a_record_that_repeats_its_values_stays_within_its_room(void **state)
{
	struct wf_arena *arena = wf_arena_new(1 << 16);
	struct sheet sheet = begin(20);
	struct wf_span log = {0};
	uint32_t repaired = 0;

	(void)state;
	for (int i = 0; i < 50; i++)
		put_text(&sheet, WF_AGENT_SLOT_FILE, "\xff");
	assert_int_equal(wf_logged_fill(&sheet.record, 0, arena, &log, &repaired), 0);
	assert_in_range(log.attributes.count, 1, 9);
	assert_true(repaired > 0);
	wf_arena_free(arena);
}

static void a_cut_value_is_refused(void **state)
{
	struct wf_arena *arena = wf_arena_new(1 << 16);
	struct sheet sheet = begin(20);
	struct wf_span log = {0};
	uint32_t repaired = 0;

	(void)state;
	sheet.record.attr_bytes -= 8;
	assert_int_equal(wf_logged_fill(&sheet.record, 0, arena, &log, &repaired), -EBADMSG);
	wf_arena_free(arena);
}

/* A span, two logs of it, and a log of nobody. */
static struct wf_batch *make_batch(void)
{
	struct wf_batch *batch = wf_batch_new(4, 1 << 16);

	sample_span(batch, "work", 1, 2, 0);
	for (int i = 0; i < 3; i++) {
		struct wf_span *log = sample_span(batch, "said", 1, 0, i < 2 ? 2 : 0);

		memset(log->span_id, 0, sizeof(log->span_id));
		log->state = WF_SPAN_LOG;
		log->severity = 13;
		log->severity_text = "WARNING";
		log->scope = "desk";
	}
	return batch;
}

static void a_request_of_logs_holds_no_spans(void **state)
{
	struct wf_otlp *otlp = wf_otlp_new(1 << 20, WF_SIGNAL_LOGS);
	struct wf_batch *batch = make_batch();
	Wf__LogsRequest *request;
	struct wf_otlp_part part;
	Wf__ScopeLogs *scope;
	struct wf_buf out;

	(void)state;
	wf_buf_init(&out, 1 << 20);
	assert_int_equal(wf_otlp_encode(otlp, batch, 0, (struct wf_otlp_limit){10, 1 << 20}, true,
					&out, &part),
			 0);
	assert_int_equal(part.spans, 3);
	request = wf__logs_request__unpack(NULL, out.len, (const uint8_t *)out.data);
	assert_non_null(request);
	assert_int_equal(request->n_resource_logs, 1);
	scope = request->resource_logs[0]->scope_logs[0];
	assert_string_equal(scope->scope->name, "desk");
	assert_int_equal(scope->n_log_records, 3);
	assert_memory_equal(scope->log_records[0]->body->string_value.data, "said", 4);
	assert_int_equal(scope->log_records[0]->severity_number, 13);
	assert_memory_equal(scope->log_records[0]->span_id.data, batch->spans[0].span_id, 8);
	assert_memory_equal(scope->log_records[0]->trace_id.data, batch->spans[0].trace_id, 16);
	assert_int_equal(scope->log_records[2]->span_id.len, 0);
	assert_int_equal(scope->log_records[2]->trace_id.len, 0);
	wf__logs_request__free_unpacked(request, NULL);
	wf_buf_done(&out);
	wf_otlp_free(otlp);
	wf_batch_unref(batch);
}

static void json_of_logs_is_json(void **state)
{
	struct wf_arena *scratch = wf_arena_new(1 << 20);
	struct wf_batch *batch = make_batch();
	struct wf_buf out;
	json_t *json;

	(void)state;
	wf_buf_init(&out, 1 << 20);
	assert_int_equal(wf_otlp_json_encode(scratch, batch, 0, 4, WF_SIGNAL_LOGS, &out), 0);
	json = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(json_array_size(json_object_get(json, "resourceLogs")), 1);
	json_decref(json);
	wf_buf_reset(&out);
	wf_line_put(&out, &batch->spans[1]);
	json = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	assert_string_equal(json_string_value(json_object_get(json, "type")), "log");
	assert_string_equal(json_string_value(json_object_get(json, "body")), "said");
	assert_true(json_is_string(json_object_get(json, "span_id")));
	json_decref(json);
	wf_buf_reset(&out);
	wf_line_put(&out, &batch->spans[3]);
	json = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	assert_true(json_is_null(json_object_get(json, "span_id")));
	json_decref(json);
	wf_buf_done(&out);
	wf_arena_free(scratch);
	wf_batch_unref(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_become_severities),
		cmocka_unit_test(a_record_tells_message_logger_place_and_exception),
		cmocka_unit_test(a_record_that_repeats_its_values_stays_within_its_room),
		cmocka_unit_test(a_cut_value_is_refused),
		cmocka_unit_test(a_request_of_logs_holds_no_spans),
		cmocka_unit_test(json_of_logs_is_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
