/* SPDX-License-Identifier: Apache-2.0 */
#include "exporter/console.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "exporter/line.h"
#include "exporter/open.h"
#include "exporter/status.h"
#include "exporter/table.h"
#include "exporter/text.h"
#include "sample_spans.h"

#define MS 1000000ull
#define S  1000000000ull

static const struct wf_style ascii = {.width = 0};

/* A console on one end of a pipe, and what it wrote. */
struct bench {
	struct wf_sink *sink;
	int fds[2];
	char text[1 << 16];
};

static void bench_begin(struct bench *bench, struct wf_console_options options)
{
	assert_int_equal(pipe2(bench->fds, O_CLOEXEC | O_NONBLOCK), 0);
	options.fd = bench->fds[1];
	assert_int_equal(wf_console_new("console", &options, &bench->sink, NULL), 0);
	bench->sink->ops->work(bench->sink, S);
}

static const char *bench_read(struct bench *bench)
{
	ssize_t n = read(bench->fds[0], bench->text, sizeof(bench->text) - 1);

	bench->text[n > 0 ? n : 0] = '\0';
	return bench->text;
}

static void bench_push(struct bench *bench, struct wf_batch *batch)
{
	bench->sink->ops->push(bench->sink, batch);
	wf_batch_unref(batch);
}

static void bench_end(struct bench *bench)
{
	bench->sink->ops->free(bench->sink);
	close(bench->fds[0]);
	close(bench->fds[1]);
}

static unsigned count(const char *text, const char *word)
{
	unsigned n = 0;

	for (text = strstr(text, word); text; text = strstr(text + 1, word))
		n++;
	return n;
}

static void took(struct wf_span *span, uint64_t ns)
{
	span->end_ns = span->start_ns + ns;
}

/* root { a { b (failed) } c }, children first. */
static struct wf_batch *small_tree(void)
{
	struct wf_batch *batch = wf_batch_new(8, 1 << 16);
	struct wf_resource *shop = sample_resource("shop");
	struct wf_span *span;

	span = sample_span(batch, "b", 1, 4, 2);
	took(span, 100000);
	sample_exception(batch, span);
	took(sample_span(batch, "a", 1, 2, 1), 500000);
	took(sample_span(batch, "c", 1, 3, 1), 250000);
	span = sample_span(batch, "root", 1, 1, 0);
	sample_take_resource(span, shop);
	sample_attribute(batch->arena, &span->attributes, "order.id", sample_int(42));
	sample_attribute(batch->arena, &span->attributes, "code.function.name",
			 sample_text("dull"));
	wf_resource_unref(shop);
	return batch;
}

static void a_tree_is_drawn_when_its_root_has_ended(void **state)
{
	struct bench bench;

	(void)state;
	bench_begin(&bench, (struct wf_console_options){.style = ascii});
	bench_push(&bench, small_tree());
	bench.sink->ops->work(bench.sink, S);
	assert_string_equal(bench_read(&bench), "");
	bench.sink->ops->work(bench.sink, S + 60 * MS);
	assert_string_equal(bench_read(&bench),
			    "22:13:20.123 shop[1234/1235] root  1 ms  order.id=42\n"
			    "|- a      500 us\n"
			    "|  `- b   100 us  ! shop::declined: card refused\n"
			    "`- c      250 us\n");
	assert_int_equal(bench.sink->counters.spans_in, 4);
	assert_int_equal(bench.sink->counters.exported, 4);
	bench_end(&bench);
}

static void boxes_and_colours_are_for_terminals_that_have_them(void **state)
{
	struct wf_console_options options = {.style = {.colour = true, .utf8 = true}};
	struct bench bench;

	(void)state;
	bench_begin(&bench, options);
	bench_push(&bench, small_tree());
	bench.sink->ops->drain(bench.sink, S, 2 * S);
	bench_read(&bench);
	assert_non_null(strstr(bench.text, "\u2514\u2500 "));
	assert_non_null(strstr(bench.text, "\033[31m"));
	/* Each colour is taken back. */
	assert_int_equal(count(bench.text, "\033[0m"),
			 count(bench.text, "\033[") - count(bench.text, "\033[0m") -
				 count(bench.text, "\033[1m\033[31m"));
	bench_end(&bench);
}

static void no_line_is_wider_than_the_terminal(void **state)
{
	struct wf_console_options options = {.style = {.width = 40, .utf8 = true}};
	char *line, *rest = NULL;
	struct bench bench;
	unsigned columns;

	(void)state;
	bench_begin(&bench, options);
	bench_push(&bench, small_tree());
	bench_push(&bench, sample_everything());
	bench.sink->ops->drain(bench.sink, S, 2 * S);
	bench_read(&bench);
	assert_true(count(bench.text, "\n") > 5);
	for (rest = bench.text; (line = strsep(&rest, "\n"));) {
		for (columns = 0; *line; line++)
			columns += (*line & 0xc0) != 0x80;
		assert_true(columns <= 40);
	}
	bench_end(&bench);
}

static void escape_sequences_of_the_target_are_shown_and_not_sent(void **state)
{
	struct wf_batch *batch = wf_batch_new(1, 1 << 16);
	struct wf_span *span = sample_span(batch, "evil\033]0;title\007", 1, 1, 0);
	struct bench bench;

	(void)state;
	sample_attribute(batch->arena, &span->attributes, "v",
			 sample_text("\xc2\x9b"
				     "31m\r\nx"));
	bench_begin(&bench, (struct wf_console_options){.style = ascii});
	bench_push(&bench, batch);
	bench.sink->ops->drain(bench.sink, S, 2 * S);
	bench_read(&bench);
	assert_non_null(strstr(bench.text, "evil\\x1b]0;title\\x07"));
	assert_non_null(strstr(bench.text, "v=\\x9b31m\\x0d\\nx"));
	assert_int_equal(count(bench.text, "\n"), 1);
	assert_null(strchr(bench.text, '\033'));
	bench_end(&bench);
}

static void of_one_window_the_failed_and_then_the_slowest_are_shown(void **state)
{
	struct wf_batch *batch = wf_batch_new(500, 1 << 20);
	struct bench bench;
	uint64_t i;

	(void)state;
	for (i = 1; i <= 500; i++) {
		char name[32];
		struct wf_span *span;

		snprintf(name, sizeof(name), "call-%llu.", (unsigned long long)i);
		span = sample_span(batch, name, i, i, 0);
		took(span, i * 1000);
		if (i == 7)
			span->status = WF_STATUS_ERROR;
	}
	bench_begin(&bench, (struct wf_console_options){.style = ascii});
	bench_push(&bench, batch);
	bench.sink->ops->work(bench.sink, S);
	bench.sink->ops->work(bench.sink, S + 60 * MS);
	bench_read(&bench);
	assert_int_equal(count(bench.text, "call-"), 20);
	assert_true(strstr(bench.text, "call-7.") < strstr(bench.text, "call-500."));
	assert_true(strstr(bench.text, "call-500.") < strstr(bench.text, "call-499."));
	assert_non_null(strstr(bench.text, "call-482."));
	assert_null(strstr(bench.text, "call-481."));
	assert_non_null(strstr(bench.text, "480 more trees with 480 spans\n"));
	bench_end(&bench);
}

static void twenty_trees_a_second_are_shown_in_the_long_run(void **state)
{
	unsigned trees = 0, i;
	struct bench bench;

	(void)state;
	bench_begin(&bench, (struct wf_console_options){.style = ascii});
	for (i = 0; i < 1000; i++) { /* 10 s, one tree each 10 ms */
		struct wf_batch *batch = wf_batch_new(1, 4096);

		sample_span(batch, "tick", i + 1, i + 1, 0);
		bench_push(&bench, batch);
		bench.sink->ops->work(bench.sink, S + i * 10 * MS);
		trees += count(bench_read(&bench), "tick");
	}
	assert_in_range(trees, 200, 221);
	bench_end(&bench);
}

static void many_siblings_of_one_name_share_a_line(void **state)
{
	struct wf_batch *batch = wf_batch_new(200, 1 << 20);
	struct bench bench;
	uint64_t i;

	(void)state;
	for (i = 0; i < 100; i++)
		took(sample_span(batch, "step", 1, 100 + i, 1), 1000 * (i + 1));
	batch->spans[50].status = WF_STATUS_ERROR;
	sample_span(batch, "last", 1, 300, 1);
	sample_span(batch, "root", 1, 1, 0);
	bench_begin(&bench, (struct wf_console_options){.style = ascii});
	bench_push(&bench, batch);
	bench.sink->ops->drain(bench.sink, S, 2 * S);
	bench_read(&bench);
	assert_non_null(
		strstr(bench.text, "|- 98 more step  total 5.05 ms, longest 100 us, 1 failed\n"));
	assert_int_equal(count(bench.text, "\n"), 5);
	bench_end(&bench);
}

static void a_child_whose_parent_stays_open_is_shown_after_thirty_seconds(void **state)
{
	struct wf_batch *batch = wf_batch_new(4, 1 << 16);
	struct bench bench;

	(void)state;
	bench_begin(&bench, (struct wf_console_options){.style = ascii});
	sample_span(batch, "child", 1, 2, 1);
	bench_push(&bench, batch);
	bench.sink->ops->work(bench.sink, 20 * S);
	assert_string_equal(bench_read(&bench), "");
	bench.sink->ops->work(bench.sink, 32 * S);
	bench.sink->ops->work(bench.sink, 33 * S);
	assert_non_null(strstr(bench_read(&bench), "(inside an open call) child  1 ms\n"));
	batch = wf_batch_new(4, 1 << 16);
	took(sample_span(batch, "parent", 1, 1, 0), 50 * S);
	bench_push(&bench, batch);
	bench.sink->ops->drain(bench.sink, 34 * S, 40 * S);
	assert_non_null(strstr(bench_read(&bench), "(+ 1 spans shown or counted before)"));
	bench_end(&bench);
}

static void a_tree_with_too_many_spans_is_released_early(void **state)
{
	struct wf_batch *batch = wf_batch_new(300, 1 << 20);
	struct bench bench;
	uint64_t i;

	(void)state;
	for (i = 0; i < 250; i++)
		sample_span(batch, "step", 1, 100 + i, 1);
	took(sample_span(batch, "root", 1, 1, 0), 5 * MS);
	bench_begin(&bench, (struct wf_console_options){.style = ascii, .tree_spans = 100});
	bench_push(&bench, batch);
	bench.sink->ops->drain(bench.sink, S, 2 * S);
	bench_read(&bench);
	assert_non_null(strstr(bench.text, "(+ 202 spans shown or counted before)"));
	assert_int_equal(bench.sink->counters.exported, 251);
	bench_end(&bench);
}

static void held_batches_stay_below_the_byte_limit(void **state)
{
	struct wf_batch *first = wf_batch_new(100, 1 << 20), *batch;
	struct bench bench;
	unsigned i;

	(void)state;
	bench_begin(&bench, (struct wf_console_options){.style = ascii, .held_bytes = 200000});
	sample_span(first, "child", 1, 2, 1);
	wf_batch_ref(first);
	bench_push(&bench, first);
	assert_int_equal(atomic_load(&first->refs), 2);
	for (i = 0; i < 20; i++) {
		batch = wf_batch_new(100, 1 << 20);
		sample_span(batch, "child", 1, 10 + 2 * i, 11 + 2 * i);
		bench_push(&bench, batch);
		bench.sink->ops->work(bench.sink, S + i * 100 * MS);
	}
	assert_int_equal(atomic_load(&first->refs), 1);
	wf_batch_unref(first);
	bench_end(&bench);
}

static void an_open_call_is_told_and_told_again_as_it_ages(void **state)
{
	struct wf_batch *batch = wf_batch_new(2, 1 << 16);
	struct wf_span *span = sample_span(batch, "stuck", 1, 1, 0);
	struct bench bench;

	(void)state;
	span->state = WF_SPAN_OPEN;
	took(span, 3200 * MS);
	bench_begin(&bench, (struct wf_console_options){.style = ascii});
	bench.sink->ops->work(bench.sink, 10 * S);
	bench_push(&bench, batch);
	bench.sink->ops->work(bench.sink, 10 * S);
	assert_string_equal(bench_read(&bench), "~ open 3.2 s  stuck  22:13:20.123 [1234/1235] \n");
	bench.sink->ops->work(bench.sink, 19 * S);
	assert_string_equal(bench_read(&bench), "");
	bench.sink->ops->work(bench.sink, 20 * S);
	assert_string_equal(bench_read(&bench),
			    "~ open 13.2 s  stuck  22:13:20.123 [1234/1235] \n");
	assert_int_equal(bench.sink->counters.spans_in, 0);
	batch = wf_batch_new(2, 1 << 16);
	sample_span(batch, "stuck", 1, 1, 0);
	bench_push(&bench, batch);
	bench.sink->ops->work(bench.sink, 21 * S);
	bench_read(&bench);
	assert_true(bench.sink->ops->work(bench.sink, 100 * S) == UINT64_MAX);
	assert_null(strstr(bench_read(&bench), "~ open"));
	bench_end(&bench);
}

static void the_table_has_calls_errors_quantiles_and_self_time(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);
	struct bench bench;

	(void)state;
	bench_begin(&bench, (struct wf_console_options){.style = ascii});
	bench_push(&bench, small_tree());
	wf_console_summary(bench.sink, file);
	fclose(file);
	/* root: 1 ms - 500 us - 250 us; a: 500 us - 100 us. */
	assert_string_equal(
		text,
		"name                     calls  errors       p50       p95       p99      self\n"
		"a                            1       0    500 us    500 us    500 us    400 us\n"
		"c                            1       0    250 us    250 us    250 us    250 us\n"
		"root                         1       0      1 ms      1 ms      1 ms    250 us\n"
		"b                            1       1    100 us    100 us    100 us    100 us\n");
	free(text);
	bench_end(&bench);
}

static void a_live_terminal_keeps_a_status_line_below(void **state)
{
	struct wf_console_options options = {.live = true, .style = ascii};
	struct bench bench;
	unsigned i;

	(void)state;
	bench_begin(&bench, options);
	bench.sink->ops->work(bench.sink, S);
	assert_string_equal(bench_read(&bench), "0:00  no call has ended yet\r");
	bench.sink->ops->work(bench.sink, S + 100 * MS);
	assert_string_equal(bench_read(&bench), "");
	bench_push(&bench, small_tree());
	bench.sink->ops->work(bench.sink, 62 * S);
	bench.sink->ops->work(bench.sink, 62 * S + 60 * MS);
	bench_read(&bench);
	/* It goes before a tree is drawn, and comes back below it. */
	assert_non_null(strstr(bench.text, "\r\033[K22:13:20.123 shop"));
	assert_non_null(strstr(bench.text, "250 us\n1:01  1 trace  4 spans\r"));
	for (i = 0; i < 60; i++)
		bench_push(&bench, small_tree());
	bench.sink->ops->work(bench.sink, 70 * S);
	bench.sink->ops->work(bench.sink, 70 * S + 60 * MS);
	bench_read(&bench);
	assert_non_null(strstr(bench.text, "1:09  61 traces  244 spans  40 not shown\r"));
	assert_null(strstr(bench.text, "more trees"));
	bench.sink->ops->drain(bench.sink, 71 * S, 72 * S);
	assert_string_equal(bench_read(&bench),
			    "\r\033[K... not shown: 40 more trees with 160 spans\n");
	bench_end(&bench);
}

static void a_status_line_says_what_runs_longest(void **state)
{
	struct wf_status status = {.passed_ns = 3723 * S,
				   .spans = 7,
				   .traces = 2,
				   .failed = 1,
				   .open = 2,
				   .oldest_ns = 4200 * MS,
				   .oldest = "load\033[2J"};
	struct wf_buf out;

	(void)state;
	wf_buf_init(&out, 4096);
	wf_status_put(&ascii, &status, &out);
	assert_string_equal(out.data, "1:02:03  2 traces  7 spans  1 trace failed  2 calls open, "
				      "the oldest for 4.2 ..\r");
	wf_buf_reset(&out);
	wf_status_put(&(struct wf_style){.width = 200}, &status, &out);
	assert_non_null(strstr(out.data, "the oldest for 4.2 s: load\\x1b[2J\r"));
	wf_buf_done(&out);
}

static void what_the_parent_says_is_not_repeated(void **state)
{
	struct wf_batch *batch = wf_batch_new(8, 1 << 16);
	struct wf_span *span;
	struct bench bench;

	(void)state;
	span = sample_span(batch, "child", 1, 2, 1);
	sample_attribute(batch->arena, &span->attributes, "db", sample_text("one"));
	sample_attribute(batch->arena, &span->attributes, "rows", sample_int(2));
	span = sample_span(batch, "root", 1, 1, 0);
	sample_attribute(batch->arena, &span->attributes, "db", sample_text("one"));
	sample_attribute(batch->arena, &span->attributes, "rows", sample_int(1));
	bench_begin(&bench, (struct wf_console_options){.style = ascii});
	bench_push(&bench, batch);
	bench.sink->ops->drain(bench.sink, S, 2 * S);
	bench_read(&bench);
	assert_non_null(strstr(bench.text, "root  1 ms  db=one  rows=1\n"));
	assert_non_null(strstr(bench.text, "child     1 ms  rows=2\n"));
	bench_end(&bench);
}

static void a_narrow_table_drops_quantiles_and_never_wraps(void **state)
{
	struct wf_table *table = wf_table_new(2);
	static const struct {
		unsigned width;
		bool p50, p95, p99;
	} rows[] = {{0, true, true, true},
		    {80, true, true, true},
		    {70, true, false, true},
		    {60, true, false, false}};
	struct wf_buf out;

	(void)state;
	wf_table_add(table, "one::long_name_of_a_function", 1000, 1000, false);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		wf_buf_init(&out, 4096);
		wf_table_print(table, rows[i].width, 10, &out);
		assert_int_equal(strstr(out.data, "p50") != NULL, rows[i].p50);
		assert_int_equal(strstr(out.data, "p95") != NULL, rows[i].p95);
		assert_int_equal(strstr(out.data, "p99") != NULL, rows[i].p99);
		assert_true(!rows[i].width || strcspn(out.data, "\n") <= rows[i].width);
		wf_buf_done(&out);
	}
	wf_table_free(table);
}

static void names_past_the_limit_count_together(void **state)
{
	struct wf_table *table = wf_table_new(2);
	struct wf_buf out;

	(void)state;
	wf_buf_init(&out, 4096);
	wf_table_add(table, "one", 1000, 1000, false);
	wf_table_add(table, "two", 1000, 1000, false);
	wf_table_add(table, "three", 5000, 5000, true);
	wf_table_add(table, "four", 5000, 5000, true);
	wf_table_print(table, 80, 10, &out);
	assert_non_null(strstr(out.data, "(other names)                2       2"));
	wf_buf_reset(&out);
	wf_table_print(table, 80, 1, &out);
	assert_non_null(strstr(out.data, "... and 2 more names"));
	wf_buf_done(&out);
	wf_table_free(table);
}

static void text_is_cut_to_its_columns(void **state)
{
	static const struct {
		const char *text;
		unsigned columns;
		bool pad;
		const char *shown;
	} rows[] = {
		{"abc", 5, false, "abc"},
		{"abc", 5, true, "abc  "},
		{"abcdef", 5, true, "abc.."},
		{"abcde", 5, false, "abcde"},
		{"\u00fc\u00fc\u00fc\u00fc", 3, false, "\u00fc.."},
		{"ab\033c", 6, true, "ab..  "},
		{"abc", 1, false, "."},
		{"abc", 0, false, ""},
		{"a\xff", 9, false, "a\\xff"},
		{"", 2, true, "  "},
	};
	struct wf_buf out;
	size_t i;

	(void)state;
	wf_buf_init(&out, 4096);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		wf_buf_reset(&out);
		wf_buf_puts(&out, "");
		wf_text_put(&out, rows[i].text, strlen(rows[i].text), rows[i].columns, rows[i].pad);
		assert_string_equal(out.data, rows[i].shown);
	}
	wf_buf_done(&out);
}

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

static void a_reader_that_leaves_fails_the_sink_and_loses_no_count(void **state)
{
	static const bool json[] = {true, false};
	struct bench bench;
	size_t i;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < 2; i++) {
		bench_begin(&bench, (struct wf_console_options){.json = json[i]});
		close(bench.fds[0]);
		bench_push(&bench, small_tree());
		bench.sink->ops->work(bench.sink, S);
		bench.sink->ops->work(bench.sink, S + 60 * MS);
		assert_int_equal(bench.sink->failed, EPIPE);
		bench_push(&bench, small_tree());
		assert_true(bench.sink->ops->drain(bench.sink, S, 2 * S));
		assert_int_equal(bench.sink->counters.spans_in, 8);
		assert_int_equal(bench.sink->counters.exported + bench.sink->counters.lost_write,
				 8);
		assert_true(bench.sink->counters.lost_write >= 4);
		bench_end(&bench);
	}
}

/* A blocking pipe, as a shell makes it, whose reader sleeps. */
static void a_reader_that_sleeps_blocks_nobody_and_loses_no_count(void **state)
{
	struct wf_console_options options = {.json = true, .held_bytes = 16 << 20};
	struct wf_sink_counters *counters;
	struct bench bench;
	unsigned i;

	(void)state;
	assert_int_equal(pipe2(bench.fds, O_CLOEXEC), 0);
	options.fd = bench.fds[1];
	assert_int_equal(wf_console_new("console", &options, &bench.sink, NULL), 0);
	counters = &bench.sink->counters;
	for (i = 0; i < 100; i++)
		bench_push(&bench, sample_batch(512, i * 512 + 1));
	assert_int_equal(counters->spans_in, 51200);
	assert_true(counters->lost_queue_full > 0);
	assert_false(bench.sink->ops->drain(bench.sink, S, 2 * S));
	assert_true(bench.sink->ops->drain(bench.sink, 2 * S, 2 * S));
	assert_int_equal(counters->exported + counters->lost_queue_full + counters->lost_write,
			 51200);
	bench_end(&bench);
}

static void a_stopped_terminal_blocks_nobody(void **state)
{
	int terminal, program;
	struct wf_sink *sink;
	unsigned i;

	(void)state;
	assert_int_equal(openpty(&terminal, &program, NULL, NULL, NULL), 0);
	assert_int_equal(
		wf_console_new("console",
			       &(struct wf_console_options){.fd = program, .trees_per_s = 100000},
			       &sink, NULL),
		0);
	sink->ops->work(sink, S);
	for (i = 1; i < 400; i++) {
		struct wf_batch *batch = sample_batch(512, i * 512);

		sink->ops->push(sink, batch);
		sink->ops->work(sink, S + i * 60 * MS);
		wf_batch_unref(batch);
	}
	assert_int_equal(sink->counters.exported, 399 * 512);
	assert_true(sink->ops->drain(sink, 100 * S, 100 * S));
	sink->ops->free(sink);
	close(terminal);
	close(program);
}

static const char *environment(void *context, const char *name)
{
	const char *const *at;

	for (at = context; *at; at += 2)
		if (strcmp(*at, name) == 0)
			return at[1];
	return NULL;
}

static void the_terminal_decides_the_style(void **state)
{
	static const char *const colour[] = {"TERM", "xterm", "LANG", "C.UTF-8", NULL};
	static const char *const plain[] = {"TERM", "xterm", "NO_COLOR", "1", "LC_ALL",
					    "C",    "LANG",  "C.UTF-8",  NULL};
	static const char *const dumb[] = {"TERM", "dumb", NULL};
	struct winsize size = {.ws_col = 77, .ws_row = 20};
	struct wf_console_options options;
	int terminal, program, fds[2];

	(void)state;
	assert_int_equal(openpty(&terminal, &program, NULL, NULL, &size), 0);
	wf_console_detect(program, environment, (void *)colour, &options);
	assert_true(options.style.colour && options.style.utf8 && !options.json);
	assert_int_equal(options.style.width, 77);
	wf_console_detect(program, environment, (void *)plain, &options);
	assert_false(options.style.colour || options.style.utf8);
	wf_console_detect(program, environment, (void *)dumb, &options);
	assert_false(options.style.colour);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	wf_console_detect(fds[1], environment, (void *)colour, &options);
	assert_true(options.json);
	close(fds[0]);
	close(fds[1]);
	close(terminal);
	close(program);
}

static int set_zone(void **state)
{
	(void)state;
	return setenv("TZ", "UTC", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_is_drawn_when_its_root_has_ended),
		cmocka_unit_test(boxes_and_colours_are_for_terminals_that_have_them),
		cmocka_unit_test(no_line_is_wider_than_the_terminal),
		cmocka_unit_test(escape_sequences_of_the_target_are_shown_and_not_sent),
		cmocka_unit_test(of_one_window_the_failed_and_then_the_slowest_are_shown),
		cmocka_unit_test(twenty_trees_a_second_are_shown_in_the_long_run),
		cmocka_unit_test(many_siblings_of_one_name_share_a_line),
		cmocka_unit_test(a_child_whose_parent_stays_open_is_shown_after_thirty_seconds),
		cmocka_unit_test(a_tree_with_too_many_spans_is_released_early),
		cmocka_unit_test(held_batches_stay_below_the_byte_limit),
		cmocka_unit_test(an_open_call_is_told_and_told_again_as_it_ages),
		cmocka_unit_test(the_table_has_calls_errors_quantiles_and_self_time),
		cmocka_unit_test(a_live_terminal_keeps_a_status_line_below),
		cmocka_unit_test(a_status_line_says_what_runs_longest),
		cmocka_unit_test(what_the_parent_says_is_not_repeated),
		cmocka_unit_test(a_narrow_table_drops_quantiles_and_never_wraps),
		cmocka_unit_test(names_past_the_limit_count_together),
		cmocka_unit_test(text_is_cut_to_its_columns),
		cmocka_unit_test(a_pipe_gets_one_json_object_a_line),
		cmocka_unit_test(the_json_line_of_a_span_is_pinned),
		cmocka_unit_test(a_reader_that_leaves_fails_the_sink_and_loses_no_count),
		cmocka_unit_test(a_reader_that_sleeps_blocks_nobody_and_loses_no_count),
		cmocka_unit_test(a_stopped_terminal_blocks_nobody),
		cmocka_unit_test(the_terminal_decides_the_style),
	};

	return cmocka_run_group_tests(tests, set_zone, NULL);
}
