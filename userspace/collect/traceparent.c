/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog.h"

#include <errno.h>
#include <string.h>

#include "userspace/base/str.h"

static int hex_u64(const char *text, unsigned digits, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < digits; i++) {
		/* The specification allows lower case only. */
		int digit = text[i] >= 'A' && text[i] <= 'F' ? -1 : wf_hex_digit(text[i]);

		if (digit < 0)
			return -EINVAL;
		value = value << 4 | (unsigned)digit;
	}
	*ret = value;
	return 0;
}

/* VV-TTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTT-PPPPPPPPPPPPPPPP-FF, and only later versions go on. */
static bool has_shape(const char *text)
{
	size_t len = strlen(text);

	if (len < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-')
		return false;
	return len == 55 || (text[55] == '-' && strncmp(text, "00", 2) != 0);
}

int wf_traceparent_parse(const char *text, struct wf_traceparent *ret)
{
	struct wf_traceparent parsed = {0};
	uint64_t version, flags;

	if (!has_shape(text) || hex_u64(text, 2, &version) || version == 0xff)
		return -EINVAL;
	if (hex_u64(text + 3, 16, &parsed.trace_hi) || hex_u64(text + 19, 16, &parsed.trace_lo) ||
	    hex_u64(text + 36, 16, &parsed.parent_id) || hex_u64(text + 53, 2, &flags))
		return -EINVAL;
	if (!(parsed.trace_hi | parsed.trace_lo) || !parsed.parent_id)
		return -EINVAL;
	parsed.flags = (uint8_t)flags;
	*ret = parsed;
	return 0;
}
