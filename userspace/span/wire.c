/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <errno.h>
#include <string.h>

static size_t size_min(uint16_t kind)
{
	switch (kind) {
	case WF_REC_SPAN:
	case WF_REC_OPEN:
	case WF_REC_UNFINISHED:
	case WF_REC_TOMBSTONE:
	case WF_REC_EVENT:
	case WF_REC_LOG:
	case WF_REC_NOTE:
		return sizeof(struct wf_rec_span);
	case WF_REC_EXCEPTION:
		return sizeof(struct wf_rec_exception);
	case WF_REC_PROCESS:
		return sizeof(struct wf_rec_process);
	case WF_REC_CLOCK:
		return sizeof(struct wf_rec_clock);
	case WF_REC_RESOURCE:
	case WF_REC_DEFINE:
		return sizeof(struct wf_rec_text);
	case WF_REC_LEDGER:
		return sizeof(struct wf_rec_ledger);
	default:
		return sizeof(struct wf_rec_head);
	}
}

bool wf_wire_check(const struct wf_rec_head *head, size_t available)
{
	size_t min;

	if (available < sizeof(*head) || head->size > available)
		return false;
	min = size_min(head->kind);
	if (head->size < min)
		return false;
	if (min == sizeof(struct wf_rec_span))
		return ((const struct wf_rec_span *)head)->attr_bytes <= head->size - min;
	if (head->kind == WF_REC_RESOURCE || head->kind == WF_REC_DEFINE)
		return ((const struct wf_rec_text *)head)->len <= head->size - min;
	return true;
}

bool wf_wire_is_span(const struct wf_rec_head *head)
{
	return head->kind == WF_REC_SPAN || head->kind == WF_REC_UNFINISHED ||
	       head->kind == WF_REC_TOMBSTONE;
}

const struct wf_agent_record *wf_wire_agent(const struct wf_rec_span *record)
{
	const struct wf_rec_attr *value = (const struct wf_rec_attr *)(record + 1);
	const struct wf_agent_record *agent = (const struct wf_agent_record *)(value + 1);

	if (!(record->flags & WF_SPAN_AGENT) ||
	    record->attr_bytes < sizeof(*value) + sizeof(*agent) || value->type != WF_VAL_AGENT ||
	    value->len != sizeof(*agent))
		return NULL;
	return agent;
}

static size_t payload_min(uint8_t type)
{
	switch (type) {
	case WF_VAL_STRING:
	case WF_AGENT_VAL_NONE:
	case WF_AGENT_VAL_LIST:
	case WF_AGENT_VAL_BYTES:
	case WF_AGENT_VAL_BIG:
	case WF_AGENT_VAL_TYPE:
		return 0;
	case WF_VAL_BOOL:
		return 1;
	case WF_VAL_F32:
		return 4;
	case WF_VAL_I64:
	case WF_VAL_U64:
	case WF_VAL_F64:
	case WF_VAL_POINTER:
		return 8;
	case WF_VAL_AGENT:
		return sizeof(struct wf_agent_record);
	default:
		return SIZE_MAX;
	}
}

int wf_wire_next(const struct wf_rec_span *record, size_t *cursor, struct wf_wire_attr *ret)
{
	return wf_wire_walk(record + 1, record->attr_bytes, cursor, ret);
}

int wf_wire_walk(const void *values, size_t bytes, size_t *cursor, struct wf_wire_attr *ret)
{
	size_t left = bytes - *cursor, padded;
	const unsigned char *at = (const unsigned char *)values + *cursor;
	struct wf_rec_attr attr;

	if (!left)
		return 0;
	if (left < sizeof(attr))
		return -EBADMSG;
	memcpy(&attr, at, sizeof(attr));
	padded = ((size_t)attr.len + 7) & ~(size_t)7;
	left -= sizeof(attr);
	if (attr.len > left || attr.len < payload_min(attr.type))
		return -EBADMSG;
	*cursor += sizeof(attr) + (padded < left ? padded : left);
	*ret = (struct wf_wire_attr){attr.type, attr.slot, attr.len, attr.full_len,
				     at + sizeof(attr)};
	return 1;
}
