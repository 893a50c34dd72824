/* SPDX-License-Identifier: Apache-2.0 */
#include "capture.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "wire.h"

/* Most texts are; eight bytes a step. */
static bool is_ascii(const char *text, size_t len)
{
	uint64_t word, seen = 0;

	for (; len >= sizeof(word); text += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, text, sizeof(word));
		seen |= word;
	}
	for (; len; len--)
		seen |= (unsigned char)*text++;
	return !(seen & 0x8080808080808080ull);
}

int wf_capture_string(struct wf_arena *arena, const char *text, size_t len, struct wf_value *ret,
		      uint32_t *repaired)
{
	char *copy;

	if (is_ascii(text, len) || wf_utf8_valid(text, len)) {
		copy = wf_arena_strndup(arena, text, len);
	} else {
		copy = wf_arena_alloc_raw(arena, 3 * len + 1);
		if (copy) {
			size_t cleaned = wf_utf8_clean(copy, text, len);

			/* A sequence cut off at the end by the capture's limit is not an error. */
			if (cleaned > len || memcmp(copy, text, cleaned) != 0)
				++*repaired;
			len = cleaned;
			copy[len] = '\0';
		}
	}
	if (!copy)
		return -ENOSPC;
	*ret = (struct wf_value){.kind = WF_VALUE_STRING, .count = (uint32_t)len};
	ret->string = copy;
	return 0;
}

static double read_f32(const void *payload)
{
	float value;

	memcpy(&value, payload, sizeof(value));
	return (double)value;
}

static void set_number(struct wf_value *ret, const struct wf_wire_attr *attr)
{
	uint64_t word = 0;

	memcpy(&word, attr->payload, attr->len < sizeof(word) ? attr->len : sizeof(word));
	switch (attr->type) {
	case WF_VAL_BOOL:
		ret->kind = WF_VALUE_BOOL;
		ret->boolean = (word & 0xff) != 0;
		break;
	case WF_VAL_F32:
		ret->kind = WF_VALUE_DOUBLE;
		ret->real = read_f32(attr->payload);
		break;
	case WF_VAL_F64:
		ret->kind = WF_VALUE_DOUBLE;
		memcpy(&ret->real, &word, sizeof(ret->real));
		break;
	default: /* the expression knows which of them are unsigned, or addresses */
		ret->kind = WF_VALUE_INT;
		ret->integer = (int64_t)word;
	}
}

/* A recording may claim anything; expressions rely on their operands' types. */
static bool fits_operand(uint8_t captured, uint8_t source)
{
	switch (source) {
	case WF_SRC_BOOL:
		return captured == WF_VAL_BOOL;
	case WF_SRC_F32:
	case WF_SRC_F64:
		return captured == WF_VAL_F32 || captured == WF_VAL_F64;
	case WF_SRC_CSTRING:
	case WF_SRC_CHARS:
	case WF_SRC_STDSTRING:
		return captured == WF_VAL_STRING;
	default:
		return captured == WF_VAL_I64 || captured == WF_VAL_U64 ||
		       captured == WF_VAL_POINTER;
	}
}

int wf_capture_slots(const struct wf_rec_span *record, const struct wf_operand *operands,
		     uint32_t count, struct wf_arena *arena, struct wf_slots *ret)
{
	struct wf_wire_attr attr;
	size_t cursor = 0;
	int rc;

	ret->count = count < WF_SLOTS_MAX ? count : WF_SLOTS_MAX;
	ret->seen = 0;
	ret->repaired = 0;
	memset(ret->values, 0, ret->count * sizeof(*ret->values));
	while ((rc = wf_wire_next(record, &cursor, &attr)) > 0) {
		if (attr.slot >= ret->count || !fits_operand(attr.type, operands[attr.slot].type))
			continue;
		ret->seen++;
		if (attr.type != WF_VAL_STRING)
			set_number(&ret->values[attr.slot], &attr);
		else if (wf_capture_string(arena, attr.payload, attr.len, &ret->values[attr.slot],
					   &ret->repaired) < 0)
			return -ENOSPC;
	}
	return rc;
}
