/* SPDX-License-Identifier: Apache-2.0 */
/* tag.c - values at the end of a record, each a struct wf_rec_attr and its padded payload. */
#include "agent.h"

void *memcpy(void *to, const void *from, size_t bytes);

void tags_lost(struct tags *tags)
{
	tags->record->flags |= WF_AGENT_ATTR_LOST;
	page_count(WF_AGENT_CNT_ATTR_LOST);
}

/* Room for an entry of `len` payload bytes, or NULL. A token's record moves to a larger one. */
static struct wf_rec_attr *room_for(struct tags *tags, size_t len)
{
	size_t whole = sizeof(struct wf_rec_attr) + ((len + 7) & ~(size_t)7);
	uint32_t at = tags->record->tag_bytes;

	if (at + whole > tags->limit && tags->token)
		token_widen(tags);
	if (at + whole > tags->limit)
		return NULL;
	tags->record->tag_bytes = at + (uint32_t)whole;
	return (struct wf_rec_attr *)(tags->bytes + at);
}

static void put(struct tags *tags, unsigned slot, unsigned type, const void *from, size_t len,
		size_t full)
{
	struct wf_rec_attr *attr = room_for(tags, len);

	if (!attr) {
		tags_lost(tags);
		return;
	}
	attr->type = (uint8_t)type;
	attr->slot = (uint8_t)slot;
	attr->len = (uint16_t)len;
	attr->full_len = (uint32_t)full;
	if (len & 7)
		*(uint64_t *)((uint8_t *)(attr + 1) + (len & ~(size_t)7)) = 0;
	memcpy(attr + 1, from, len);
}

void tags_text(struct tags *tags, unsigned slot, unsigned type, const char *text, size_t len,
	       size_t full)
{
	size_t used = tags->record->tag_bytes + sizeof(struct wf_rec_attr);

	if (len > state.string_max)
		len = state.string_max;
	if (used + len > tags->limit && tags->token)
		token_widen(tags);
	if (used + 8 <= tags->limit && used + ((len + 7) & ~(size_t)7) > tags->limit) {
		len = (tags->limit - used) & ~(size_t)7;
		tags->record->flags |= WF_AGENT_ATTR_LOST;
	}
	while (len && len < full && ((uint8_t)text[len] & 0xc0) == 0x80)
		len--; /* not in the middle of a character */
	put(tags, slot, type, text, len, full);
}

void tags_number(struct tags *tags, unsigned slot, unsigned type, uint64_t bits)
{
	put(tags, slot, type, &bits, sizeof(bits), sizeof(bits));
}

void tags_none(struct tags *tags, unsigned slot)
{
	put(tags, slot, WF_AGENT_VAL_NONE, "", 0, 0);
}

bool tags_open(struct tags *tags, unsigned slot, uint32_t *ret)
{
	struct wf_rec_attr *attr = room_for(tags, 0);

	if (!attr) {
		tags_lost(tags);
		return false;
	}
	*attr = (struct wf_rec_attr){.type = WF_AGENT_VAL_LIST, .slot = (uint8_t)slot};
	*ret = tags->record->tag_bytes;
	return true;
}

void tags_close(struct tags *tags, uint32_t at, size_t full)
{
	struct wf_rec_attr *attr =
		(struct wf_rec_attr *)(tags->bytes + at - sizeof(struct wf_rec_attr));

	attr->len = (uint16_t)(tags->record->tag_bytes - at);
	attr->full_len = (uint32_t)full;
}
