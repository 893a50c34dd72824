/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/python/offsets.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct word {
	uint32_t at;
	uint64_t value;
};

static void put(uint8_t *table, uint32_t at, uint64_t value)
{
	memcpy(table + at, &value, sizeof(value));
}

/* As 3.14.10 and 3.15.2 publish it. */
static void make_table(uint8_t *table, unsigned minor)
{
	const struct word words[] = {
		{32, minor == 14 ? 784 : 912},
		{40, minor == 14 ? 808 : 936},
		{56, 7280},
		{64, 7272},
		{72, 7344},
		{184, 0},
		{192, 8},
		{200, 16},
	};
	static const uint64_t support[] = {24, 800, 7000, 0, 4, 512};

	memset(table, 0, WF_OFFSETS_BYTES);
	memcpy(table, "xdebugpy", 8);
	put(table, 8, 3U << 24 | minor << 16 | 0x2f0);
	for (size_t i = 0; i < COUNT(words); i++)
		put(table, words[i].at, words[i].value);
	for (uint32_t i = 0; i < COUNT(support); i++)
		put(table, (minor == 14 ? 712 : 840) + 8 * i, support[i]);
}

static void a_table_of_each_version_is_read(void **state)
{
	uint8_t table[WF_OFFSETS_BYTES];
	struct wf_offsets offsets;

	(void)state;
	for (unsigned minor = 14; minor <= 15; minor++) {
		make_table(table, minor);
		assert_int_equal(wf_offsets_parse(table, &offsets, NULL), 0);
		assert_int_equal(offsets.version, 3U << 24 | minor << 16 | 0x2f0);
		assert_false(offsets.free_threaded);
		assert_int_equal(offsets.initialized, offsets.finalizing - 8);
		assert_int_equal(offsets.breaker, 24);
		assert_int_equal(offsets.enabled, 7000);
		assert_int_equal(offsets.pending, 800);
		assert_int_equal(offsets.path, 804);
		assert_int_equal(offsets.path_bytes, 512);
		assert_int_equal(offsets.thread_depth, minor == 14 ? 48 : 52);
	}
}

static void a_version_without_a_known_table_tells_only_itself(void **state)
{
	uint8_t table[WF_OFFSETS_BYTES];
	struct wf_offsets offsets;

	(void)state;
	make_table(table, 14);
	put(table, 8, 0x030d00f0);
	put(table, 16, 1);
	assert_int_equal(wf_offsets_parse(table, &offsets, NULL), 0);
	assert_int_equal(offsets.version, 0x030d00f0);
	assert_true(offsets.free_threaded);
	assert_int_equal(offsets.path_bytes, 0);
	put(table, 8, 0x031000f0);
	assert_int_equal(wf_offsets_parse(table, &offsets, NULL), 0);
	assert_int_equal(offsets.path_bytes, 0);
}

static void what_does_not_begin_with_the_cookie_is_no_table(void **state)
{
	uint8_t table[WF_OFFSETS_BYTES];
	struct wf_offsets offsets;

	(void)state;
	make_table(table, 14);
	table[7] = 'x';
	assert_int_equal(wf_offsets_parse(table, &offsets, NULL), -ENOENT);
}

static void offsets_that_cannot_be_are_refused(void **state)
{
	static const struct word words[] = {
		{32, 1ULL << 40}, {32, 100},       {40, UINT64_MAX}, {72, 1U << 24},
		{200, 1U << 24},  {712, 25},       {720, 1U << 24},  {728, 7001},
		{736, 2},         {744, 1U << 30}, {752, 63},        {752, 4097},
	};
	uint8_t table[WF_OFFSETS_BYTES];
	struct wf_offsets offsets;
	struct wf_err err = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		make_table(table, 14);
		put(table, words[i].at, words[i].value);
		assert_int_equal(wf_offsets_parse(table, &offsets, &err), -EBADMSG);
		assert_string_equal(err.msg, "its table of offsets is not the one of 3.14");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_of_each_version_is_read),
		cmocka_unit_test(a_version_without_a_known_table_tells_only_itself),
		cmocka_unit_test(what_does_not_begin_with_the_cookie_is_no_table),
		cmocka_unit_test(offsets_that_cannot_be_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
