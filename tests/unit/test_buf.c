/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/base/buf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static void appends_add_up_and_stay_ended(void **state)
{
	struct wf_buf buf;

	(void)state;
	wf_buf_init(&buf, 1 << 20);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(wf_buf_puts(&buf, "abc"), 0);
		assert_int_equal(wf_buf_putc(&buf, '-'), 0);
		assert_int_equal(wf_buf_printf(&buf, "%03d", i), 0);
		assert_int_equal(strlen(buf.data), buf.len);
	}
	assert_int_equal(buf.len, 7000);
	assert_memory_equal(buf.data + 6993, "abc-999", 8);
	wf_buf_done(&buf);
	assert_null(buf.data);
}

static void the_maximum_is_met_exactly(void **state)
{
	struct wf_buf buf;

	(void)state;
	wf_buf_init(&buf, 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(wf_buf_putc(&buf, 'x'), 0);
	assert_int_equal(wf_buf_putc(&buf, 'y'), -E2BIG);
	assert_true(buf.failed);
	assert_int_equal(buf.len, 100);
	assert_int_equal(strlen(buf.data), 100);
	wf_buf_done(&buf);
}

static void a_failed_buffer_takes_nothing_until_reset(void **state)
{
	struct wf_buf buf;

	(void)state;
	wf_buf_init(&buf, 4);
	assert_int_equal(wf_buf_puts(&buf, "ab"), 0);
	assert_int_equal(wf_buf_puts(&buf, "cdefg"), -E2BIG);
	assert_int_equal(wf_buf_putc(&buf, 'c'), -E2BIG);
	assert_int_equal(wf_buf_printf(&buf, "%d", 1), -E2BIG);
	assert_string_equal(buf.data, "ab");
	wf_buf_reset(&buf);
	assert_string_equal(buf.data, "");
	assert_int_equal(wf_buf_printf(&buf, "%s", "wxyz"), 0);
	assert_string_equal(buf.data, "wxyz");
	wf_buf_done(&buf);
}

static void a_printf_that_does_not_fit_leaves_the_text_as_it_was(void **state)
{
	struct wf_buf buf;

	(void)state;
	wf_buf_init(&buf, 70);
	wf_buf_puts(&buf, "keep");
	assert_int_equal(wf_buf_printf(&buf, "%080d", 1), -E2BIG);
	assert_string_equal(buf.data, "keep");
	assert_int_equal(buf.len, 4);
	wf_buf_done(&buf);
}

static void absurd_lengths_are_refused(void **state)
{
	struct wf_buf buf;

	(void)state;
	wf_buf_init(&buf, SIZE_MAX);
	wf_buf_puts(&buf, "x");
	assert_int_equal(wf_buf_append(&buf, "y", SIZE_MAX), -E2BIG);
	wf_buf_done(&buf);
}

static void an_empty_append_ends_the_buffer(void **state)
{
	struct wf_buf buf;

	(void)state;
	wf_buf_init(&buf, 0);
	assert_int_equal(wf_buf_puts(&buf, ""), 0);
	assert_string_equal(buf.data, "");
	wf_buf_done(&buf);
}

static void json_strings_are_escaped(void **state)
{
	static const struct {
		const char *text, *json;
	} cases[] = {
		{"", "\"\""},
		{"plain", "\"plain\""},
		{"a\"b\\c/", "\"a\\\"b\\\\c/\""},
		{"\b\t\n\f\r", "\"\\b\\t\\n\\f\\r\""},
		{"\x01\x0b\x1f\x7f", "\"\\u0001\\u000b\\u001f\\u007f\""},
		{"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80", "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\""},
		{"\xff!", "\"\xef\xbf\xbd!\""},
		{"cut \xe2\x82", "\"cut \xef\xbf\xbd\xef\xbf\xbd\""},
	};
	struct wf_buf buf;

	(void)state;
	wf_buf_init(&buf, 1000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		wf_buf_reset(&buf);
		assert_int_equal(wf_buf_json_string(&buf, cases[i].text, strlen(cases[i].text)), 0);
		assert_string_equal(buf.data, cases[i].json);
	}
	wf_buf_done(&buf);
}

/* An independent JSON reader gets back what went in, for every byte value. */
static void every_byte_survives_a_json_reader(void **state)
{
	struct wf_buf buf;

	(void)state;
	wf_buf_init(&buf, 1000);
	for (int c = 0; c < 256; c++) {
		char text[] = {'<', (char)c, '>'};
		json_t *json;

		wf_buf_reset(&buf);
		wf_buf_json_string(&buf, text, 3);
		json = json_loadb(buf.data, buf.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		assert_non_null(json);
		if (c < 0x80) {
			assert_int_equal(json_string_length(json), 3);
			assert_memory_equal(json_string_value(json), text, 3);
		} else {
			assert_string_equal(json_string_value(json), "<\xef\xbf\xbd>");
		}
		json_decref(json);
	}
	wf_buf_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appends_add_up_and_stay_ended),
		cmocka_unit_test(the_maximum_is_met_exactly),
		cmocka_unit_test(a_failed_buffer_takes_nothing_until_reset),
		cmocka_unit_test(a_printf_that_does_not_fit_leaves_the_text_as_it_was),
		cmocka_unit_test(absurd_lengths_are_refused),
		cmocka_unit_test(an_empty_append_ends_the_buffer),
		cmocka_unit_test(json_strings_are_escaped),
		cmocka_unit_test(every_byte_survives_a_json_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
