/* SPDX-License-Identifier: Apache-2.0 */
#include "str.h"

#include <string.h>

/*
 * Well-formed sequences (Unicode, table 3-7). The second byte has its own range where a shorter
 * form, a surrogate or a value above U+10FFFF must be kept out; later bytes are 80..BF.
 */
static const struct lead {
	uint8_t first, last, len, second_low, second_high;
} leads[] = {
	{0x00, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
	{0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
	{0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static const struct lead *find_lead(uint8_t byte)
{
	for (size_t i = 0; i < sizeof(leads) / sizeof(*leads); i++) {
		if (byte >= leads[i].first && byte <= leads[i].last)
			return &leads[i];
	}
	return NULL;
}

int wf_utf8_next(const char *text, size_t len)
{
	const uint8_t *bytes = (const uint8_t *)text;
	const struct lead *lead;

	if (!len)
		return 0;
	if (bytes[0] < 0x80)
		return 1;
	lead = find_lead(bytes[0]);
	if (!lead)
		return 0;
	for (size_t i = 1; i < lead->len; i++) {
		uint8_t low = i == 1 ? lead->second_low : 0x80;
		uint8_t high = i == 1 ? lead->second_high : 0xbf;

		if (i == len)
			return -1;
		if (bytes[i] < low || bytes[i] > high)
			return 0;
	}
	return lead->len;
}

size_t wf_utf8_clean(char *out, const char *text, size_t len)
{
	size_t used = 0, i = 0;

	while (i < len) {
		int n = wf_utf8_next(text + i, len - i);

		if (n < 0)
			break;
		if (n == 0) {
			memcpy(out + used, "\xef\xbf\xbd", 3);
			used += 3;
			i++;
			continue;
		}
		memcpy(out + used, text + i, n);
		used += n;
		i += n;
	}
	out[used] = '\0';
	return used;
}

bool wf_utf8_valid(const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		int n = wf_utf8_next(text + i, len - i);

		if (n <= 0)
			return false;
		i += n;
	}
	return true;
}

size_t wf_utf8_truncate(const char *text, size_t len, size_t max)
{
	if (len <= max)
		return len;
	/* A sequence that `max` cuts begins at most three bytes before it. */
	for (size_t back = 1; back <= 3 && back <= max; back++) {
		int n = wf_utf8_next(text + max - back, len - (max - back));

		if (n > 0)
			return (size_t)n > back ? max - back : max;
		if (n < 0)
			return max - back;
	}
	return max;
}
