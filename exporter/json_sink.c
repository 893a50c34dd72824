/* SPDX-License-Identifier: Apache-2.0 */
#include "json_sink.h"

#include <errno.h>
#include <stdlib.h>

#include "line.h"
#include "stream.h"

#define WAITING_MAX (128u << 20) /* text that a slow reader may leave waiting */
#define RETRY_NS    10000000u

struct json_sink {
	struct wf_sink base;
	struct wf_stream stream;
};

/* Why the line was not taken, or NULL. */
static uint64_t *put_line(struct json_sink *sink, const struct wf_span *span)
{
	struct wf_buf *text = &sink->stream.text;
	size_t before = text->len;

	if (sink->base.failed)
		return &sink->base.counters.lost_write;
	if (!wf_stream_room(&sink->stream))
		return &sink->base.counters.lost_queue_full;
	wf_line_put(text, span);
	if (!text->failed)
		return NULL;
	text->len = before;
	text->failed = false;
	return &sink->base.counters.lost_encode;
}

static void push(struct wf_sink *base, struct wf_batch *batch)
{
	struct json_sink *sink = (struct json_sink *)base;
	uint64_t spans = 0, logs = 0;

	for (uint32_t i = 0; i < batch->count; i++) {
		const struct wf_span *span = &batch->spans[i];
		bool log = wf_span_is(span, WF_SIGNAL_LOGS);
		uint64_t *lost;

		if (span->state == WF_SPAN_OPEN)
			continue;
		*(log ? &base->counters.logs_in : &base->counters.spans_in) += 1;
		lost = put_line(sink, span);
		if (lost)
			*(log ? &base->counters.logs_lost : lost) += 1;
		else
			*(log ? &logs : &spans) += 1;
	}
	wf_stream_commit(&sink->stream, base, spans, logs);
}

static uint64_t work(struct wf_sink *base, uint64_t now_ns)
{
	struct json_sink *sink = (struct json_sink *)base;

	return wf_stream_flush(&sink->stream, base) ? UINT64_MAX : now_ns + RETRY_NS;
}

static bool drain(struct wf_sink *base, uint64_t now_ns, uint64_t deadline_ns)
{
	struct json_sink *sink = (struct json_sink *)base;

	if (now_ns >= deadline_ns)
		wf_stream_abandon(&sink->stream, base);
	return wf_stream_flush(&sink->stream, base);
}

static void sink_free(struct wf_sink *base)
{
	struct json_sink *sink = (struct json_sink *)base;

	if (!sink)
		return;
	wf_stream_done(&sink->stream);
	free(sink);
}

static const struct wf_sink_ops json_ops = {
	.kind = "console",
	.push = push,
	.work = work,
	.drain = drain,
	.free = sink_free,
};

int wf_json_sink_new(const char *name, int fd, size_t waiting_max, struct wf_sink **ret,
		     struct wf_err *err)
{
	struct json_sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return wf_err_set(err, ENOMEM, "out of memory");
	sink->base.ops = &json_ops;
	sink->base.name = name;
	wf_stream_init(&sink->stream, fd, waiting_max ? waiting_max : WAITING_MAX);
	*ret = &sink->base;
	return 0;
}
