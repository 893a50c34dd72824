/* SPDX-License-Identifier: Apache-2.0 */
/* stream.h - hand-made record streams for tests, and the spans that come out of them. */
#ifndef WF_TEST_STREAM_H
#define WF_TEST_STREAM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "text_record.h"
#include "userspace/collect/assemble.h"

#define STREAM_SPANS_MAX 200000
#define STREAM_CLOCK     1000000000000ull /* realtime - monotonic */

struct stream {
	struct wf_assembler *assembler;
	struct wf_batch *batches[4096];
	uint32_t batch_count;
	const struct wf_span *spans[STREAM_SPANS_MAX];
	uint32_t count;
};

/* A record and the room for what follows it. */
struct call {
	struct wf_rec_span record;
	unsigned char attrs[4096];
};

static inline struct stream *stream_new(const struct wf_assembler_config *given)
{
	struct wf_assembler_config config = {
		.batch_spans = 512,
		.batch_bytes = 4 << 20,
		.held_spans_max = 10000,
		.held_ns_max = 30000000000ull,
	};
	struct stream *stream = calloc(1, sizeof(*stream));
	struct wf_rec_clock clock = {
		.head = {.kind = WF_REC_CLOCK, .size = sizeof(clock)},
		.realtime_ns = STREAM_CLOCK,
	};

	assert_non_null(stream);
	assert_int_equal(wf_assembler_new(given ? given : &config, &stream->assembler, NULL), 0);
	wf_assembler_record(stream->assembler, &clock.head);
	return stream;
}

static inline void stream_take(struct stream *stream)
{
	struct wf_batch *batch;

	while ((batch = wf_assembler_take(stream->assembler))) {
		assert_true(stream->batch_count < 4096);
		stream->batches[stream->batch_count++] = batch;
		for (uint32_t i = 0; i < batch->count; i++) {
			assert_true(stream->count < STREAM_SPANS_MAX);
			stream->spans[stream->count++] = &batch->spans[i];
		}
	}
}

static inline void stream_send(struct stream *stream, const void *record)
{
	wf_assembler_record(stream->assembler, record);
	stream_take(stream);
}

static inline const struct wf_assembler_counters *stream_finish(struct stream *stream)
{
	wf_assembler_finish(stream->assembler);
	stream_take(stream);
	return wf_assembler_counters(stream->assembler);
}

/* The assembler goes first: batches must outlive it. */
static inline void stream_free(struct stream *stream)
{
	wf_assembler_free(stream->assembler);
	for (uint32_t i = 0; i < stream->batch_count; i++)
		wf_batch_unref(stream->batches[i]);
	free(stream);
}

static inline void stream_text(struct stream *stream, uint16_t kind, uint32_t span, uint32_t tgid,
			       const char *json)
{
	static _Alignas(8) unsigned char room[65536];

	stream_send(stream, text_record(room, sizeof(room), kind, span, tgid, json));
}

static inline void stream_define(struct stream *stream, uint32_t span, uint32_t rule,
				 const char *name)
{
	char json[256];

	snprintf(json, sizeof(json), "{\"rule\":%u,\"name\":\"%s\"}", rule, name);
	stream_text(stream, WF_REC_DEFINE, span, 0, json);
}

static inline void stream_tick(struct stream *stream, uint64_t now_ns)
{
	struct wf_rec_head head = {.kind = WF_REC_TICK, .size = sizeof(head), .time_ns = now_ns};

	stream_send(stream, &head);
}

/* A finished call of task 10 in process 10, function 1; change what matters. */
static inline struct call call_make(uint64_t id, uint64_t parent_id, uint64_t root_id,
				    uint64_t start_ns, uint64_t end_ns)
{
	struct call call;
	struct wf_rec_span *record = &call.record;

	memset(&call, 0, sizeof(call));
	record->head = (struct wf_rec_head){.kind = WF_REC_SPAN,
					    .size = sizeof(*record),
					    .span = 1,
					    .time_ns = end_ns,
					    .tid = 10,
					    .tgid = 10};
	record->id = id;
	record->parent_id = parent_id;
	record->root_id = root_id;
	record->start_ns = start_ns;
	record->root_start_ns = start_ns;
	record->trace_hi = 0xaaaa;
	record->trace_lo = root_id;
	record->flags = id == root_id ? WF_SPAN_ROOT : 0;
	return call;
}

static inline void call_attr(struct call *call, uint8_t type, uint8_t slot, const void *payload,
			     uint16_t len)
{
	struct wf_rec_attr attr = {.type = type, .slot = slot, .len = len, .full_len = len};
	unsigned char *at = call->attrs + call->record.attr_bytes;
	uint16_t padded = (uint16_t)((len + 7) & ~7);

	assert_true(call->record.attr_bytes + sizeof(attr) + padded <= sizeof(call->attrs));
	memcpy(at, &attr, sizeof(attr));
	memset(at + sizeof(attr), 0, padded);
	memcpy(at + sizeof(attr), payload, len);
	call->record.attr_bytes += (uint16_t)(sizeof(attr) + padded);
	call->record.head.size = (uint16_t)(sizeof(call->record) + call->record.attr_bytes);
}

static inline uint64_t id_of(const uint8_t *bytes)
{
	uint64_t id = 0;

	for (unsigned i = 0; i < 8; i++)
		id = id << 8 | bytes[i];
	return id;
}

static inline const struct wf_span *stream_find(const struct stream *stream, uint64_t id)
{
	for (uint32_t i = 0; i < stream->count; i++) {
		if (id_of(stream->spans[i]->span_id) == id &&
		    stream->spans[i]->state != WF_SPAN_OPEN)
			return stream->spans[i];
	}
	return NULL;
}

static inline const struct wf_value *find_attribute(const struct wf_attributes *list,
						    const char *key)
{
	for (uint32_t i = 0; i < list->count; i++) {
		if (strcmp(list->items[i].key, key) == 0)
			return &list->items[i].value;
	}
	return NULL;
}

static inline void assert_text(const struct wf_attributes *list, const char *key,
			       const char *expected)
{
	const struct wf_value *value = find_attribute(list, key);

	assert_non_null(value);
	assert_int_equal(value->kind, WF_VALUE_STRING);
	assert_string_equal(value->string, expected);
	assert_int_equal(value->count, strlen(expected));
}

/* The third line of the ledger. */
static inline void assert_all_counted(const struct wf_assembler_counters *c)
{
	assert_int_equal(c->spans_in, c->spans_out + c->tombstones + c->unknown_span_id +
					      c->malformed + c->batch_full);
	assert_int_equal(c->events_in, c->events_attached + c->events_orphaned + c->events_dropped);
}

#endif
