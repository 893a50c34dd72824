/* SPDX-License-Identifier: Apache-2.0 */
/* value.h - plain data: a typed value and the attributes made of them. Owns nothing. */
#ifndef WF_VALUE_H
#define WF_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wf_value_kind {
	WF_VALUE_NONE, /* absent: its attribute is left out, compares with it are false */
	WF_VALUE_STRING,
	WF_VALUE_BOOL,
	WF_VALUE_INT,
	WF_VALUE_DOUBLE,
	WF_VALUE_ARRAY, /* scalars of one kind */
};

struct wf_value {
	uint8_t kind;   /* enum wf_value_kind */
	uint32_t count; /* STRING: bytes; ARRAY: items */
	union {
		const char *string; /* valid UTF-8, NUL-ended */
		bool boolean;
		int64_t integer;
		double real;
		const struct wf_value *items;
	};
};

struct wf_attribute {
	const char *key;
	struct wf_value value;
};

struct wf_attributes {
	struct wf_attribute *items;
	uint32_t count;
	uint32_t dropped; /* left out because of a limit */
};

/* A STRING value that borrows or owns text; NONE where text is NULL. */
struct wf_value wf_value_string(const char *text, size_t len);

#endif
