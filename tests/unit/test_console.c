/* SPDX-License-Identifier: Apache-2.0 */
#include "exporter/console.h"

#include <errno.h>
#include <pty.h>
#include <signal.h>

#include "bench.h"

static void a_tree_is_drawn_when_its_root_has_ended(void **state)
{
	struct bench bench;

	(void)state;
	bench_begin(&bench, (struct wf_console_options){.style = bench_ascii});
	bench_push(&bench, bench_tree());
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
	bench_push(&bench, bench_tree());
	bench.sink->ops->drain(bench.sink, S, 2 * S);
	bench_read(&bench);
	assert_non_null(strstr(bench.text, "\u2514\u2500 "));
	assert_non_null(strstr(bench.text, "\033[31m"));
	/* Each colour is taken back. */
	assert_int_equal(bench_count(bench.text, "\033[0m"),
			 bench_count(bench.text, "\033[") - bench_count(bench.text, "\033[0m") -
				 bench_count(bench.text, "\033[1m\033[31m"));
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
	bench_push(&bench, bench_tree());
	bench_push(&bench, sample_everything());
	bench.sink->ops->drain(bench.sink, S, 2 * S);
	bench_read(&bench);
	assert_true(bench_count(bench.text, "\n") > 5);
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
	bench_begin(&bench, (struct wf_console_options){.style = bench_ascii});
	bench_push(&bench, batch);
	bench.sink->ops->drain(bench.sink, S, 2 * S);
	bench_read(&bench);
	assert_non_null(strstr(bench.text, "evil\\x1b]0;title\\x07"));
	assert_non_null(strstr(bench.text, "v=\\x9b31m\\x0d\\nx"));
	assert_int_equal(bench_count(bench.text, "\n"), 1);
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
		bench_took(span, i * 1000);
		if (i == 7)
			span->status = WF_STATUS_ERROR;
	}
	bench_begin(&bench, (struct wf_console_options){.style = bench_ascii});
	bench_push(&bench, batch);
	bench.sink->ops->work(bench.sink, S);
	bench.sink->ops->work(bench.sink, S + 60 * MS);
	bench_read(&bench);
	assert_int_equal(bench_count(bench.text, "call-"), 20);
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
	bench_begin(&bench, (struct wf_console_options){.style = bench_ascii});
	for (i = 0; i < 1000; i++) { /* 10 s, one tree each 10 ms */
		struct wf_batch *batch = wf_batch_new(1, 4096);

		sample_span(batch, "tick", i + 1, i + 1, 0);
		bench_push(&bench, batch);
		bench.sink->ops->work(bench.sink, S + i * 10 * MS);
		trees += bench_count(bench_read(&bench), "tick");
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
		bench_took(sample_span(batch, "step", 1, 100 + i, 1), 1000 * (i + 1));
	batch->spans[50].status = WF_STATUS_ERROR;
	sample_span(batch, "last", 1, 300, 1);
	sample_span(batch, "root", 1, 1, 0);
	bench_begin(&bench, (struct wf_console_options){.style = bench_ascii});
	bench_push(&bench, batch);
	bench.sink->ops->drain(bench.sink, S, 2 * S);
	bench_read(&bench);
	assert_non_null(
		strstr(bench.text, "|- 98 more step  total 5.05 ms, longest 100 us, 1 failed\n"));
	assert_int_equal(bench_count(bench.text, "\n"), 5);
	bench_end(&bench);
}

static void a_child_whose_parent_stays_open_is_shown_after_thirty_seconds(void **state)
{
	struct wf_batch *batch = wf_batch_new(4, 1 << 16);
	struct bench bench;

	(void)state;
	bench_begin(&bench, (struct wf_console_options){.style = bench_ascii});
	sample_span(batch, "child", 1, 2, 1);
	bench_push(&bench, batch);
	bench.sink->ops->work(bench.sink, 20 * S);
	assert_string_equal(bench_read(&bench), "");
	bench.sink->ops->work(bench.sink, 32 * S);
	bench.sink->ops->work(bench.sink, 33 * S);
	assert_non_null(strstr(bench_read(&bench), "(inside an open call) child  1 ms\n"));
	batch = wf_batch_new(4, 1 << 16);
	bench_took(sample_span(batch, "parent", 1, 1, 0), 50 * S);
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
	bench_took(sample_span(batch, "root", 1, 1, 0), 5 * MS);
	bench_begin(&bench, (struct wf_console_options){.style = bench_ascii, .tree_spans = 100});
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
	bench_begin(&bench,
		    (struct wf_console_options){.style = bench_ascii, .held_bytes = 200000});
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
	bench_took(span, 3200 * MS);
	bench_begin(&bench, (struct wf_console_options){.style = bench_ascii});
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
	bench_begin(&bench, (struct wf_console_options){.style = bench_ascii});
	bench_push(&bench, batch);
	bench.sink->ops->drain(bench.sink, S, 2 * S);
	bench_read(&bench);
	assert_non_null(strstr(bench.text, "root  1 ms  db=one  rows=1\n"));
	assert_non_null(strstr(bench.text, "child     1 ms  rows=2\n"));
	bench_end(&bench);
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
		bench_push(&bench, bench_tree());
		bench.sink->ops->work(bench.sink, S);
		bench.sink->ops->work(bench.sink, S + 60 * MS);
		assert_int_equal(bench.sink->failed, EPIPE);
		bench_push(&bench, bench_tree());
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
		cmocka_unit_test(what_the_parent_says_is_not_repeated),
		cmocka_unit_test(a_reader_that_leaves_fails_the_sink_and_loses_no_count),
		cmocka_unit_test(a_reader_that_sleeps_blocks_nobody_and_loses_no_count),
		cmocka_unit_test(a_stopped_terminal_blocks_nobody),
		cmocka_unit_test(the_terminal_decides_the_style),
	};

	return cmocka_run_group_tests(tests, bench_zone, NULL);
}
