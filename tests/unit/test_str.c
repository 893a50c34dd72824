/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/base/str.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "userspace/base/clock.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void globs_match_as_a_shell_does(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool match;
	} cases[] = {
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"**", "abc", true},
		{"a*c", "abbbc", true},
		{"a*c", "abbbcd", false},
		{"*b*", "abc", true},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"?", "", false},
		{"sqlite3_*", "sqlite3_step", true},
		{"*::run*", "wf::Stage::run_all(int)", true},
		{"lib/*", "lib/a/b", true},
		{"[abc]x", "bx", true},
		{"[abc]x", "dx", false},
		{"[!abc]x", "dx", true},
		{"[^abc]x", "ax", false},
		{"[a-cx-z]", "y", true},
		{"[a-cx-z]", "d", false},
		{"[]a]", "]", true},
		{"[!]a]", "]", false},
		{"[a-]", "-", true},
		{"[*]", "*", true},
		{"[*]", "x", false},
		{"operator[]*", "operator[](int)", true},
		{"a[", "a[", true},
		{"[a", "[a", true},
		{"*[0-9]", "x7y8", true},
		{"*[0-9]", "x7y", false},
		{"[\x80-\xff]", "\xc3", true},
		{"\xc3\xbc*",
		 "\xc3\xbc"
		 "ber",
		 true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (wf_glob_match(cases[i].pattern, cases[i].text) != cases[i].match)
			fail_msg("'%s' on '%s'", cases[i].pattern, cases[i].text);
	}
}

static void a_glob_of_many_stars_does_not_blow_up(void **state)
{
	char text[5001], pattern[201];
	uint64_t start = wf_clock_monotonic_ns();

	(void)state;
	memset(text, 'a', 5000);
	text[5000] = '\0';
	for (int i = 0; i < 100; i++)
		memcpy(pattern + 2 * i, "*a", 2);
	memcpy(pattern + 198, "*b", 3);
	assert_false(wf_glob_match(pattern, text));
	assert_true(wf_clock_monotonic_ns() - start < 2000000000ULL);
}

static void a_pattern_is_told_from_a_name(void **state)
{
	(void)state;
	assert_true(wf_glob_is_pattern("a*"));
	assert_true(wf_glob_is_pattern("a?b"));
	assert_true(wf_glob_is_pattern("a[bc]"));
	assert_false(wf_glob_is_pattern("plain"));
	assert_false(wf_glob_is_pattern("operator[]"));
}

static void utf8_is_judged_strictly(void **state)
{
	static const struct {
		const char *text;
		bool valid;
	} cases[] = {
		{"", true},
		{"plain", true},
		{"\xc2\x80", true},
		{"\xdf\xbf", true},
		{"\xe0\xa0\x80", true},
		{"\xed\x9f\xbf", true},
		{"\xee\x80\x80", true},
		{"\xf0\x90\x80\x80", true},
		{"\xf4\x8f\xbf\xbf", true},
		{"\x80", false},
		{"\xc0\x80", false},
		{"\xc1\xbf", false},
		{"\xc2", false},
		{"\xc2z", false},
		{"\xe0\x9f\xbf", false},
		{"\xed\xa0\x80", false},
		{"\xf0\x8f\xbf\xbf", false},
		{"\xf4\x90\x80\x80", false},
		{"\xf5\x80\x80\x80", false},
		{"\xff", false},
		{"\xe2\x82", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (wf_utf8_valid(cases[i].text, strlen(cases[i].text)) != cases[i].valid)
			fail_msg("case %zu", i);
	}
	assert_true(wf_utf8_valid("a\0b", 3));
}

static void invalid_bytes_are_replaced_and_a_cut_sequence_is_dropped(void **state)
{
	static const struct {
		const char *text, *clean;
	} cases[] = {
		{"plain", "plain"},
		{"\xff"
		 "a",
		 "\xef\xbf\xbd"
		 "a"},
		{"a\xc3\xbc", "a\xc3\xbc"},
		{"a\xc3", "a"},
		{"a\xe2\x82", "a"},
		{"a\xf0\x9f\x98", "a"},
		{"a\xf0\x9f\x98z", "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"},
		{"\xed\xa0", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\x80", "\xef\xbf\xbd"},
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t len = wf_utf8_clean(out, cases[i].text, strlen(cases[i].text));

		assert_string_equal(out, cases[i].clean);
		assert_int_equal(len, strlen(cases[i].clean));
		assert_true(wf_utf8_valid(out, len));
	}
}

static void random_bytes_become_valid_within_the_promised_room(void **state)
{
	uint64_t random = 42;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char text[8], *out;
		size_t len = round % 9, used;

		random = wf_mix64(random);
		memcpy(text, &random, sizeof(text));
		out = malloc(3 * len + 1);
		used = wf_utf8_clean(out, text, len);
		assert_true(used <= 3 * len);
		assert_true(wf_utf8_valid(out, used));
		if (wf_utf8_valid(text, len))
			assert_memory_equal(out, text, len);
		free(out);
	}
}

static void a_truncated_text_ends_between_characters(void **state)
{
	static const struct {
		const char *text;
		size_t max, len;
	} cases[] = {
		{"abc", 5, 3},
		{"abc", 3, 3},
		{"abc", 2, 2},
		{"abc", 0, 0},
		{"a\xc3\xbc"
		 "b",
		 1, 1},
		{"a\xc3\xbc"
		 "b",
		 2, 1},
		{"a\xc3\xbc"
		 "b",
		 3, 3},
		{"\xf0\x9f\x98\x80z", 3, 0},
		{"\xf0\x9f\x98\x80z", 4, 4},
		{"\xe2\x82\xac\xe2\x82\xac", 5, 3},
		{"\x80\x80\x80\x80\x80\x80", 3, 3},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(
			wf_utf8_truncate(cases[i].text, strlen(cases[i].text), cases[i].max),
			cases[i].len);
}

static void durations_are_read_exactly(void **state)
{
	static const struct {
		const char *text;
		int rc;
		uint64_t ns;
	} cases[] = {
		{"10ns", 0, 10},
		{"250us", 0, 250000},
		{"500ms", 0, 500000000},
		{"5s", 0, 5000000000},
		{"2m", 0, 120000000000},
		{"1h", 0, 3600000000000},
		{"0s", 0, 0},
		{"1.5ms", 0, 1500000},
		{"0.1s", 0, 100000000},
		{"0.3333333333333333333333333s", 0, 333333333},
		{"1.9ns", 0, 1},
		{"18446744073709551615ns", 0, UINT64_MAX},
		{"18446744073709551616ns", -ERANGE, 0},
		{"99999999999999999999999999999999999999999999ns", -ERANGE, 0},
		{"5124096h", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"5", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{"-5s", -EINVAL, 0},
		{"+5s", -EINVAL, 0},
		{" 5s", -EINVAL, 0},
		{"5 s", -EINVAL, 0},
		{"5sec", -EINVAL, 0},
		{".5s", -EINVAL, 0},
		{"5.s", -EINVAL, 0},
		{"1.2.3s", -EINVAL, 0},
		{"1e3s", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t ns = 0;

		if (wf_parse_duration(cases[i].text, &ns) != cases[i].rc || ns != cases[i].ns)
			fail_msg("'%s' gave %llu", cases[i].text, (unsigned long long)ns);
	}
}

static void durations_are_written_for_people(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "0 ns"},
		{999, "999 ns"},
		{1000, "1 us"},
		{1500000, "1.5 ms"},
		{12000, "12 us"},
		{12340, "12.3 us"},
		{123456, "123 us"},
		{999499, "999 us"},
		{999500, "1 ms"},
		{9994000, "9.99 ms"},
		{9995000, "10 ms"},
		{99950000, "100 ms"},
		{999500000, "1 s"},
		{119400000000, "119 s"},
		{119500000000, "2 m 00 s"},
		{3725000000000, "62 m 05 s"},
		{7200000000000, "2 h 00 m"},
	};
	char out[16];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		wf_format_duration(cases[i].ns, out, sizeof(out));
		assert_string_equal(out, cases[i].text);
	}
	wf_format_duration(UINT64_MAX, out, sizeof(out));
	assert_string_equal(out, "5124095 h 34 m");
}

static void whole_numbers_are_read_whole_or_not_at_all(void **state)
{
	static const struct {
		const char *text;
		int rc;
		int64_t value;
	} cases[] = {
		{"0", 0, 0},
		{"42", 0, 42},
		{"007", 0, 7},
		{"0x1F", 0, 31},
		{"-1", 0, -1},
		{"-0x10", 0, -16},
		{"9223372036854775807", 0, INT64_MAX},
		{"-9223372036854775808", 0, INT64_MIN},
		{"9223372036854775808", -ERANGE, 0},
		{"-9223372036854775809", -ERANGE, 0},
		{"18446744073709551616", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"-", -EINVAL, 0},
		{"--1", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"1 ", -EINVAL, 0},
		{"0x", -EINVAL, 0},
		{"1f", -EINVAL, 0},
		{"0xg", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t value = 0;

		if (wf_parse_i64(cases[i].text, &value) != cases[i].rc || value != cases[i].value)
			fail_msg("'%s' gave %lld", cases[i].text, (long long)value);
	}
}

static void unsigned_and_real_numbers_are_read(void **state)
{
	uint64_t number;
	double real;

	(void)state;
	assert_int_equal(wf_parse_u64("18446744073709551615", &number), 0);
	assert_true(number == UINT64_MAX);
	assert_int_equal(wf_parse_u64("0xffffffffffffffff", &number), 0);
	assert_true(number == UINT64_MAX);
	assert_int_equal(wf_parse_u64("-1", &number), -EINVAL);
	assert_int_equal(wf_parse_double("-2.5e3", &real), 0);
	assert_true(real == -2500.0);
	assert_int_equal(wf_parse_double("1e999", &real), -ERANGE);
	assert_int_equal(wf_parse_double("nan", &real), -EINVAL);
	assert_int_equal(wf_parse_double("0x10", &real), -EINVAL);
	assert_int_equal(wf_parse_double("1.5x", &real), -EINVAL);
	assert_int_equal(wf_parse_double("1-2", &real), -EINVAL);
	assert_int_equal(wf_parse_double("", &real), -EINVAL);
}

/* The textbook table, to compare the banded one with. */
static unsigned slow_distance(const char *a, const char *b)
{
	unsigned table[16][16];
	size_t a_len = strlen(a), b_len = strlen(b);

	for (size_t i = 0; i <= a_len; i++) {
		for (size_t j = 0; j <= b_len; j++) {
			unsigned best = i && j ? table[i - 1][j - 1] + (a[i - 1] != b[j - 1])
					       : (unsigned)(i + j);

			if (i && table[i - 1][j] + 1 < best)
				best = table[i - 1][j] + 1;
			if (j && table[i][j - 1] + 1 < best)
				best = table[i][j - 1] + 1;
			table[i][j] = best;
		}
	}
	return table[a_len][b_len];
}

static void edit_distances_agree_with_the_textbook(void **state)
{
	uint64_t random = 7;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char words[2][16] = {0};
		unsigned max, want;

		for (int w = 0; w < 2; w++) {
			size_t len;

			random = wf_mix64(random);
			len = random % 11;
			for (size_t i = 0; i < len; i++)
				words[w][i] = "abc"[(random >> (8 + 2 * i)) % 3];
		}
		max = (random >> 50) % 12;
		want = slow_distance(words[0], words[1]);
		want = want > max ? max + 1 : want;
		if (wf_edit_distance(words[0], words[1], max) != want)
			fail_msg("'%s' '%s' max %u", words[0], words[1], max);
	}
}

static void a_file_is_read_whole_or_refused(void **state)
{
	struct wf_err err = {0};
	char *text = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(wf_read_file("/proc/self/status", 1 << 20, &text, &len, &err), 0);
	assert_memory_equal(text, "Name:", 5);
	assert_int_equal(strlen(text), len);
	free(text);
	assert_int_equal(wf_read_file("/proc/self/exe", 5000, &text, &len, &err), -EFBIG);
	assert_string_equal(err.msg, "/proc/self/exe is larger than 5000 bytes");
	assert_int_equal(wf_read_file("/nonexistent", 10, &text, &len, &err), -ENOENT);
	assert_string_equal(err.msg, "cannot open /nonexistent: No such file or directory");
	assert_int_equal(wf_read_file("/proc/self", 10, &text, &len, &err), -EISDIR);
	assert_int_equal(wf_read_file("/dev/null", 0, &text, NULL, &err), 0);
	assert_string_equal(text, "");
	free(text);
}

static void a_file_of_exactly_the_maximum_is_read(void **state)
{
	int fd = memfd_create("test_str", MFD_CLOEXEC);
	char block[8192], path[64], *text = NULL;
	size_t len;

	(void)state;
	memset(block, 'x', sizeof(block));
	assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(wf_read_file(path, 8192, &text, &len, NULL), 0);
	assert_int_equal(len, 8192);
	free(text);
	assert_int_equal(wf_read_file(path, 8191, &text, &len, NULL), -EFBIG);
	close(fd);
}

static void the_clock_pair_lies_between_two_readings(void **state)
{
	uint64_t before = wf_clock_monotonic_ns(), real, mono;

	(void)state;
	wf_clock_pair(&real, &mono);
	assert_in_range(mono, before, wf_clock_monotonic_ns());
	assert_in_range(real, wf_clock_realtime_ns() - 1000000000ULL, wf_clock_realtime_ns());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globs_match_as_a_shell_does),
		cmocka_unit_test(a_glob_of_many_stars_does_not_blow_up),
		cmocka_unit_test(a_pattern_is_told_from_a_name),
		cmocka_unit_test(utf8_is_judged_strictly),
		cmocka_unit_test(invalid_bytes_are_replaced_and_a_cut_sequence_is_dropped),
		cmocka_unit_test(random_bytes_become_valid_within_the_promised_room),
		cmocka_unit_test(a_truncated_text_ends_between_characters),
		cmocka_unit_test(durations_are_read_exactly),
		cmocka_unit_test(durations_are_written_for_people),
		cmocka_unit_test(whole_numbers_are_read_whole_or_not_at_all),
		cmocka_unit_test(unsigned_and_real_numbers_are_read),
		cmocka_unit_test(edit_distances_agree_with_the_textbook),
		cmocka_unit_test(a_file_is_read_whole_or_refused),
		cmocka_unit_test(a_file_of_exactly_the_maximum_is_read),
		cmocka_unit_test(the_clock_pair_lies_between_two_readings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
