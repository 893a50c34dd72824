/* SPDX-License-Identifier: Apache-2.0 */
#include "value.h"

struct wf_value wf_value_string(const char *text, size_t len)
{
	struct wf_value value = {.kind = text ? WF_VALUE_STRING : WF_VALUE_NONE};

	if (text) {
		value.string = text;
		value.count = (uint32_t)len;
	}
	return value;
}
