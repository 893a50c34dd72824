/* SPDX-License-Identifier: Apache-2.0 */
/* text_record.h - a RESOURCE or DEFINE record made of its JSON. */
#ifndef WF_TEST_TEXT_RECORD_H
#define WF_TEST_TEXT_RECORD_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/record.h"

/* In the caller's room of `size` bytes, 8-byte aligned. */
static inline const struct wf_rec_head *text_record(void *room, size_t size, __u16 kind, __u32 span,
						    __u32 tgid, const char *json)
{
	struct wf_rec_text *record = room;
	size_t len = strlen(json);

	if (sizeof(*record) + len + 8 > size)
		abort();
	memset(room, 0, sizeof(*record) + len + 8);
	record->head = (struct wf_rec_head){
		.kind = kind, .size = (__u16)(sizeof(*record) + len), .span = span, .tgid = tgid};
	record->len = (__u32)len;
	memcpy(record + 1, json, len);
	return &record->head;
}

#endif
