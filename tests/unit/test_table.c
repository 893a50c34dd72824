/* SPDX-License-Identifier: Apache-2.0 */
#include "exporter/table.h"

#include "bench.h"
#include "exporter/text.h"

static void the_table_has_calls_errors_quantiles_and_self_time(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);
	struct bench bench;

	(void)state;
	bench_begin(&bench, (struct wf_console_options){.style = bench_ascii});
	bench_push(&bench, bench_tree());
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_has_calls_errors_quantiles_and_self_time),
		cmocka_unit_test(a_narrow_table_drops_quantiles_and_never_wraps),
		cmocka_unit_test(names_past_the_limit_count_together),
		cmocka_unit_test(text_is_cut_to_its_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
