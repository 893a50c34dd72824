/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.h - is this record whole? Size checks on the records of bpf/record.h. Pure, any thread.
 *
 * Rings, recordings and the assembler ask the same questions here, so that a record that passed
 * can be read without further checks up to its own size.
 */
#ifndef WF_WIRE_H
#define WF_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/agent.h"

/* The largest record, padded. */
#define WF_WIRE_BYTES_MAX 65536

/* What a record takes in a file or buffer: its size, padded to 8. */
static inline size_t wf_wire_padded(const struct wf_rec_head *head)
{
	return ((size_t)head->size + 7) & ~(size_t)7;
}

/*
 * True where the record's own size is at least what its kind needs and at most `available`, and
 * where lengths inside (attribute bytes, text) lie within it. Unknown kinds need a head only.
 */
bool wf_wire_check(const struct wf_rec_head *head, size_t available);

/* SPAN, UNFINISHED or TOMBSTONE: what the ledger counts as span records. */
bool wf_wire_is_span(const struct wf_rec_head *head);

/*
 * The agent's record that a checked record of a Python process carries (WF_SPAN_AGENT), NULL where
 * it has none. Its size and tag_bytes are those of the captured values.
 */
const struct wf_agent_record *wf_wire_agent(const struct wf_rec_span *record);

/* Names a span id of any process: the agents of two processes number their functions alike. */
static inline uint64_t wf_wire_span_key(uint32_t tgid, uint32_t span)
{
	return span & WF_SPAN_ID_AGENT ? (uint64_t)tgid << 32 | span : span;
}

/* One captured value in a checked record. */
struct wf_wire_attr {
	uint8_t type, slot;
	uint16_t len;
	uint32_t full_len;
	const void *payload; /* 8-byte aligned where the record is */
};

/*
 * Walk the values of a checked record: start with *cursor = 0; 1 = one more, 0 = end, -EBADMSG
 * where an entry is cut or too short for its type.
 */
int wf_wire_next(const struct wf_rec_span *record, size_t *cursor, struct wf_wire_attr *ret);
/* The same for any bytes: the items of a list. */
int wf_wire_walk(const void *values, size_t bytes, size_t *cursor, struct wf_wire_attr *ret);

#endif
