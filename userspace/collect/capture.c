/* SPDX-License-Identifier: Apache-2.0 */
#include "capture.h"

#include <errno.h>
#include <string.h>

#include "userspace/base/str.h"
#include "userspace/span/wire.h"

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
	case 0: /* a Python value has the type that it comes with */
		return captured != WF_VAL_AGENT;
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

static int copy_text(struct wf_arena *arena, const struct wf_wire_attr *attr, struct wf_value *ret,
		     uint32_t *repaired)
{
	int rc = wf_capture_string(arena, attr->payload, attr->len, ret, repaired);

	/* module:qualname of a type, as names are written */
	if (rc == 0 && attr->type == WF_AGENT_VAL_TYPE)
		ret->string = wf_capture_type_name((char *)ret->string, &ret->count);
	return rc;
}

const char *wf_capture_type_name(char *text, uint32_t *count)
{
	static const char builtins[] = "builtins:";
	size_t skip = sizeof(builtins) - 1;
	char *colon;

	if (strncmp(text, builtins, skip) == 0) {
		*count -= (uint32_t)skip;
		return text + skip;
	}
	colon = strchr(text, ':');
	if (colon)
		*colon = '.';
	return text;
}

/* Attributes hold scalars of one kind: a list of several becomes real numbers, or is left out. */
static void make_uniform(struct wf_value *items, uint32_t count, struct wf_value *ret)
{
	bool numbers = true, same = true;

	for (uint32_t i = 0; i < count; i++) {
		numbers &= items[i].kind == WF_VALUE_INT || items[i].kind == WF_VALUE_DOUBLE;
		same &= items[i].kind == items[0].kind && items[i].kind != WF_VALUE_ARRAY;
	}
	for (uint32_t i = 0; !same && numbers && i < count; i++) {
		if (items[i].kind == WF_VALUE_INT)
			items[i].real = (double)items[i].integer;
		items[i].kind = WF_VALUE_DOUBLE;
	}
	if (!same && !numbers)
		return;
	ret->kind = WF_VALUE_ARRAY;
	ret->count = count;
	ret->items = items;
}

static int set_list(struct wf_arena *arena, const struct wf_wire_attr *attr, struct wf_value *ret,
		    uint32_t *repaired)
{
	struct wf_value *items = wf_arena_alloc(arena, WF_LIST_MAX * sizeof(*items));
	struct wf_wire_attr item;
	uint32_t count = 0;
	size_t cursor = 0;
	int rc = 0;

	if (!items)
		return -ENOSPC;
	while (count < WF_LIST_MAX &&
	       (rc = wf_wire_walk(attr->payload, attr->len, &cursor, &item)) > 0) {
		if (item.type == WF_AGENT_VAL_LIST || item.type == WF_VAL_AGENT)
			return -EBADMSG;
		rc = wf_capture_value(arena, &item, &items[count], repaired);
		if (rc < 0)
			return rc;
		count += items[count].kind != WF_VALUE_NONE;
	}
	make_uniform(items, count, ret);
	return rc < 0 ? rc : 0;
}

int wf_capture_value(struct wf_arena *arena, const struct wf_wire_attr *attr, struct wf_value *ret,
		     uint32_t *repaired)
{
	switch (attr->type) {
	case WF_VAL_STRING:
	case WF_AGENT_VAL_BYTES:
	case WF_AGENT_VAL_BIG:
	case WF_AGENT_VAL_TYPE:
		return copy_text(arena, attr, ret, repaired);
	case WF_AGENT_VAL_LIST:
		return set_list(arena, attr, ret, repaired);
	case WF_AGENT_VAL_NONE:
		return 0;
	default:
		set_number(ret, attr);
		return 0;
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
		rc = wf_capture_value(arena, &attr, &ret->values[attr.slot], &ret->repaired);
		if (rc < 0)
			return rc;
	}
	return rc;
}
