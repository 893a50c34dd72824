/* SPDX-License-Identifier: Apache-2.0 */
#include "str.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

int wf_parse_u64(const char *text, uint64_t *ret)
{
	unsigned base = 10;
	uint64_t value = 0;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		unsigned digit = digit_value(*text);

		if (digit >= base)
			return -EINVAL;
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return -ERANGE;
	}
	*ret = value;
	return 0;
}

int wf_parse_i64(const char *text, int64_t *ret)
{
	bool negative = *text == '-';
	uint64_t value;
	int rc;

	rc = wf_parse_u64(text + negative, &value);
	if (rc < 0)
		return rc;
	if (value > (uint64_t)INT64_MAX + negative)
		return -ERANGE;
	*ret = negative ? (int64_t)(0 - value) : (int64_t)value;
	return 0;
}

int wf_parse_double(const char *text, double *ret)
{
	char *end;
	double value;

	/* strtod also takes blanks, hex, "inf" and "nan". */
	if (!*text || strspn(text, "0123456789.eE+-") != strlen(text))
		return -EINVAL;
	value = strtod(text, &end);
	if (*end || end == text)
		return -EINVAL;
	if (isinf(value))
		return -ERANGE;
	*ret = value;
	return 0;
}

/* Digits at *text; those after the point in *ret_scale's terms: ".25" is 25 with scale 100. */
static bool take_digits(const char **text, unsigned __int128 limit, unsigned __int128 *ret,
			uint64_t *ret_scale)
{
	const char *p = *text;

	*ret = 0;
	*ret_scale = 1;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (*ret > limit)
			continue;
		*ret = *ret * 10 + (*p - '0');
		*ret_scale *= 10;
	}
	if (p == *text)
		return false;
	*text = p;
	return true;
}

int wf_parse_duration(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{"ns", 1ULL},         {"us", 1000ULL},       {"ms", 1000000ULL},
		{"s", 1000000000ULL}, {"m", 60000000000ULL}, {"h", 3600000000000ULL},
	};
	unsigned __int128 whole, part = 0, total;
	uint64_t scale = 1;

	if (!take_digits(&text, UINT64_MAX, &whole, &scale))
		return -EINVAL;
	scale = 1;
	if (*text == '.') {
		text++;
		if (!take_digits(&text, 100000000000000ULL, &part, &scale))
			return -EINVAL;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(text, units[i].name) != 0)
			continue;
		total = whole * units[i].ns + part * units[i].ns / scale;
		if (whole > UINT64_MAX || total > UINT64_MAX)
			return -ERANGE;
		*ret_ns = (uint64_t)total;
		return 0;
	}
	return -EINVAL;
}

/* Three significant digits without trailing zeros. */
static void format_unit(double value, const char *unit, char *out, size_t size)
{
	int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
	char digits[32];
	size_t len;

	len = snprintf(digits, sizeof(digits), "%.*f", decimals, value);
	if (decimals) {
		while (digits[len - 1] == '0')
			len--;
		if (digits[len - 1] == '.')
			len--;
	}
	snprintf(out, size, "%.*s %s", (int)len, digits, unit);
}

void wf_format_duration(uint64_t ns, char *out, size_t size)
{
	uint64_t seconds = ns / 1000000000 + (ns % 1000000000 >= 500000000);

	if (ns < 1000)
		snprintf(out, size, "%u ns", (unsigned)ns);
	else if (ns < 999500)
		format_unit(ns / 1e3, "us", out, size);
	else if (ns < 999500000)
		format_unit(ns / 1e6, "ms", out, size);
	else if (seconds < 120)
		format_unit(ns / 1e9, "s", out, size);
	else if (seconds < 7200)
		snprintf(out, size, "%u m %02u s", (unsigned)(seconds / 60),
			 (unsigned)(seconds % 60));
	else
		snprintf(out, size, "%llu h %02u m", (unsigned long long)(seconds / 3600),
			 (unsigned)(seconds % 3600 / 60));
}

int wf_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
