/* SPDX-License-Identifier: Apache-2.0 */
#include "raised.h"

#include <errno.h>

#include "capture.h"
#include "userspace/span/wire.h"

#define PARTS 3

static const struct {
	uint8_t slot;
	const char *key;
} parts[PARTS] = {
	{WF_AGENT_SLOT_TYPE, "exception.type"},
	{WF_AGENT_SLOT_MESSAGE, "exception.message"},
	{WF_AGENT_SLOT_TRACEBACK, "exception.stacktrace"},
};

static int read_part(const struct wf_wire_attr *attr, struct wf_arena *arena,
		     struct wf_value values[static PARTS], uint32_t *repaired)
{
	for (unsigned i = 0; i < PARTS; i++) {
		int rc;

		if (attr->slot != parts[i].slot || attr->type != WF_VAL_STRING)
			continue;
		rc = wf_capture_string(arena, attr->payload, attr->len, &values[i], repaired);
		if (rc == 0 && i == 0)
			values[0].string =
				wf_capture_type_name((char *)values[0].string, &values[0].count);
		return rc;
	}
	return 0;
}

int wf_raised_event(const struct wf_rec_span *record, struct wf_arena *arena, struct wf_event *ret,
		    uint32_t *repaired)
{
	struct wf_attribute *items = wf_arena_alloc(arena, PARTS * sizeof(*items));
	struct wf_value values[PARTS] = {{.kind = WF_VALUE_STRING, .count = 6, .string = "_OTHER"}};
	struct wf_wire_attr attr;
	size_t cursor = 0;
	int rc;

	if (!items)
		return -ENOSPC;
	while ((rc = wf_wire_next(record, &cursor, &attr)) > 0) {
		rc = read_part(&attr, arena, values, repaired);
		if (rc < 0)
			return rc;
	}
	if (rc < 0)
		return rc;
	ret->name = "exception";
	ret->attributes = (struct wf_attributes){.items = items};
	for (unsigned i = 0; i < PARTS; i++)
		if (values[i].kind)
			items[ret->attributes.count++] =
				(struct wf_attribute){parts[i].key, values[i]};
	return 0;
}
