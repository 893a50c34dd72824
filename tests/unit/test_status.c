/* SPDX-License-Identifier: Apache-2.0 */
#include "exporter/status.h"

#include "bench.h"

static void a_live_terminal_keeps_a_status_line_below(void **state)
{
	struct wf_console_options options = {.live = true, .style = bench_ascii};
	struct bench bench;
	unsigned i;

	(void)state;
	bench_begin(&bench, options);
	bench.sink->ops->work(bench.sink, S);
	assert_string_equal(bench_read(&bench), "0:00  no call has ended yet\r");
	bench.sink->ops->work(bench.sink, S + 100 * MS);
	assert_string_equal(bench_read(&bench), "");
	bench_push(&bench, bench_tree());
	bench.sink->ops->work(bench.sink, 62 * S);
	bench.sink->ops->work(bench.sink, 62 * S + 60 * MS);
	bench_read(&bench);
	/* It goes before a tree is drawn, and comes back below it. */
	assert_non_null(strstr(bench.text, "\r\033[K22:13:20.123 shop"));
	assert_non_null(strstr(bench.text, "250 us\n1:01  1 trace  4 spans\r"));
	for (i = 0; i < 60; i++)
		bench_push(&bench, bench_tree());
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
	wf_status_put(&bench_ascii, &status, &out);
	assert_string_equal(out.data, "1:02:03  2 traces  7 spans  1 trace failed  2 calls open, "
				      "the oldest for 4.2 ..\r");
	wf_buf_reset(&out);
	wf_status_put(&(struct wf_style){.width = 200}, &status, &out);
	assert_non_null(strstr(out.data, "the oldest for 4.2 s: load\\x1b[2J\r"));
	wf_buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_live_terminal_keeps_a_status_line_below),
		cmocka_unit_test(a_status_line_says_what_runs_longest),
	};

	return cmocka_run_group_tests(tests, bench_zone, NULL);
}
