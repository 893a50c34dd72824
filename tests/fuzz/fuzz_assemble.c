/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any stream of records: the assembler must count each span record exactly once, and every text of
 * every span must be valid UTF-8. Input: records as in a recording, without its head.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/text_record.h"
#include "userspace/collect/assemble.h"
#include "userspace/base/str.h"
#include "userspace/span/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char rules_text[] =
	"wftrace: 1\n"
	"profile: fuzz\n"
	"spans:\n"
	"  - function: serve\n"
	"    rule: serve\n"
	"    name: \"serve {arg1:str}\"\n"
	"    attributes: {a: arg1:str, b: return:i64, c: arg2:u64, d: arg3->0:f64, e: arg4:ptr}\n"
	"    error: return:i64 < 0\n"
	"  - function: step\n"
	"    min_duration: 1ms\n"
	"events:\n"
	"  - function: retry\n"
	"    on: nearest(serve)\n"
	"    attributes: {attempt: arg1:i32, why: arg2:str}\n";

static const struct wf_ruleset *rules(void)
{
	static struct wf_ruleset *made;

	if (!made &&
	    (wf_ruleset_new(&made, NULL) < 0 ||
	     wf_ruleset_add_yaml(made, "fuzz.yaml", rules_text, strlen(rules_text), NULL) < 0))
		abort();
	return made;
}

static void define(struct wf_assembler *assembler, uint32_t span, const char *json)
{
	_Alignas(8) unsigned char room[256];

	wf_assembler_record(assembler,
			    text_record(room, sizeof(room), WF_REC_DEFINE, span, 0, json));
}

static void check_text(const char *text)
{
	if (text && !wf_utf8_valid(text, strlen(text)))
		abort();
}

static void check_attributes(const struct wf_attributes *list)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const struct wf_value *value = &list->items[i].value;

		check_text(list->items[i].key);
		if (value->kind == WF_VALUE_NONE)
			abort();
		if (value->kind == WF_VALUE_STRING &&
		    (value->string[value->count] || !wf_utf8_valid(value->string, value->count)))
			abort();
	}
}

static void take(struct wf_assembler *assembler)
{
	struct wf_batch *batch;

	while ((batch = wf_assembler_take(assembler))) {
		for (uint32_t i = 0; i < batch->count; i++) {
			const struct wf_span *span = &batch->spans[i];

			check_text(span->name);
			check_text(span->status_message);
			check_attributes(&span->attributes);
			for (uint32_t k = 0; k < span->event_count; k++)
				check_attributes(&span->events[k].attributes);
			if (span->end_ns < span->start_ns)
				abort();
		}
		wf_batch_unref(batch);
	}
}

static void feed(struct wf_assembler *assembler, const uint8_t *data, size_t size)
{
	static _Alignas(8) unsigned char room[WF_WIRE_BYTES_MAX];

	while (size >= sizeof(struct wf_rec_head)) {
		struct wf_rec_head head;
		size_t step;

		memcpy(&head, data, sizeof(head));
		step = wf_wire_padded(&head);
		if (step < sizeof(head) || step > size)
			return;
		/* the copy ends where the record does, so that reads beyond it are seen */
		memcpy(room + sizeof(room) - step, data, step);
		if (wf_wire_check((struct wf_rec_head *)(room + sizeof(room) - step), step))
			wf_assembler_record(assembler,
					    (struct wf_rec_head *)(room + sizeof(room) - step));
		take(assembler);
		data += step;
		size -= step;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wf_assembler_config config = {.rules = rules(),
					     .batch_spans = 4,
					     .batch_bytes = 65536,
					     .held_spans_max = 8,
					     .held_ns_max = 1000000};
	const struct wf_assembler_counters *c;
	struct wf_assembler *assembler = NULL;

	if (wf_assembler_new(&config, &assembler, NULL) < 0)
		abort();
	define(assembler, 1, "{\"rule\":0,\"name\":\"serve\"}");
	define(assembler, 2, "{\"rule\":1,\"name\":\"step\",\"source\":\"a.c\",\"line\":3}");
	define(assembler, 3, "{\"rule\":2,\"name\":\"retry\"}");
	feed(assembler, data, size);
	wf_assembler_finish(assembler);
	take(assembler);
	c = wf_assembler_counters(assembler);
	if (c->spans_in != c->spans_out + c->tombstones + c->unknown_span_id + c->malformed +
				   c->batch_full ||
	    c->events_in != c->events_attached + c->events_orphaned + c->events_dropped)
		abort();
	wf_assembler_free(assembler);
	return 0;
}
