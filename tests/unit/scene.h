/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scene.h - small made-up recordings: what the kernel and the collector would have written of a
 * server, of a family of processes, and of short calls.
 */
#ifndef WF_TEST_SCENE_H
#define WF_TEST_SCENE_H

#include <string.h>

#include "stream.h"

typedef void (*scene_put)(void *ctx, const struct wf_rec_head *record);

struct scene {
	scene_put put;
	void *ctx;
};

static const char scene_rules[] = "wftrace: 1\n"
				  "profile: scene\n"
				  "spans:\n"
				  "  - function: serve\n"
				  "    rule: serve\n"
				  "    name: \"serve {arg1:str}\"\n"
				  "    kind: server\n"
				  "    attributes: {http.route: arg1:str, rows: return:i64, "
				  "big: arg2:u64, ratio: arg3->0:f64}\n"
				  "    error: return:i64 < 0\n"
				  "  - function: step\n"
				  "    min_duration: 1ms\n"
				  "events:\n"
				  "  - function: retry\n"
				  "    on: nearest(serve)\n"
				  "    name: retry\n"
				  "    attributes: {attempt: arg1:i32}\n";

static inline void scene_text(struct scene *scene, uint16_t kind, uint32_t span, uint32_t tgid,
			      const char *json)
{
	_Alignas(8) unsigned char room[1024];

	scene->put(scene->ctx, text_record(room, sizeof(room), kind, span, tgid, json));
}

static inline void scene_tick(struct scene *scene, uint64_t now_ns)
{
	struct wf_rec_head head = {.kind = WF_REC_TICK, .size = sizeof(head), .time_ns = now_ns};

	scene->put(scene->ctx, &head);
}

static inline void scene_start(struct scene *scene)
{
	struct wf_rec_clock clock = {
		.head = {.kind = WF_REC_CLOCK, .size = sizeof(clock), .time_ns = 500},
		.realtime_ns = 1700000000000000500ull,
		.monotonic_ns = 500,
	};

	scene->put(scene->ctx, &clock.head);
	scene_text(scene, WF_REC_DEFINE, 1, 0,
		   "{\"rule\":0,\"name\":\"app::serve\",\"symbol\":\"_ZN3app5serveEPKc\","
		   "\"file\":\"/usr/bin/app\",\"source\":\"src/serve.cc\",\"line\":40}");
	scene_text(scene, WF_REC_DEFINE, 2, 0,
		   "{\"rule\":1,\"name\":\"app::step\",\"exit\":\"tail_jump\"}");
	scene_text(scene, WF_REC_DEFINE, 3, 0, "{\"rule\":2,\"name\":\"app::retry\"}");
	scene_text(scene, WF_REC_RESOURCE, 0, 10,
		   "{\"service.name\":\"app\",\"process.pid\":10,"
		   "\"process.command_args\":[\"app\",\"-v\"]}");
}

static inline void scene_serve(struct scene *scene, uint64_t id, uint64_t end_ns, const char *route,
			       int64_t rows)
{
	struct call call = call_make(id, 0, id, end_ns - 3000000, end_ns);
	uint64_t big = UINT64_MAX;
	double ratio = 0.25;

	call_attr(&call, WF_VAL_STRING, 0, route, (uint16_t)strlen(route));
	call_attr(&call, WF_VAL_I64, 1, &rows, 8);
	call_attr(&call, WF_VAL_U64, 2, &big, 8);
	call_attr(&call, WF_VAL_F64, 3, &ratio, 8);
	scene->put(scene->ctx, &call.record.head);
}

static inline void scene_event(struct scene *scene, uint64_t id, uint64_t time_ns, int64_t attempt)
{
	struct call call = call_make(id, 0, id, time_ns, time_ns);

	call.record.head.kind = WF_REC_EVENT;
	call.record.head.span = 3;
	call_attr(&call, WF_VAL_I64, 0, &attempt, 8);
	scene->put(scene->ctx, &call.record.head);
}

static inline void scene_throw(struct scene *scene, uint64_t id, uint64_t end_ns)
{
	struct wf_rec_exception thrown = {
		.head = {.kind = WF_REC_EXCEPTION,
			 .size = sizeof(thrown),
			 .time_ns = end_ns - 10,
			 .tid = 10,
			 .tgid = 10},
		.object = 0x7000,
	};
	struct call call = call_make(id, 0, id, end_ns - 5000, end_ns);

	snprintf(thrown.type[0], sizeof(thrown.type[0]), "N3app7NoStockE");
	snprintf(thrown.type[1], sizeof(thrown.type[1]), "St13runtime_error");
	snprintf(thrown.message, sizeof(thrown.message), "sold out");
	scene->put(scene->ctx, &thrown.head);
	call.record.status = WF_END_THROW;
	call.record.exception = 0x7000;
	scene->put(scene->ctx, &call.record.head);
}

static inline void scene_server(struct scene *scene)
{
	struct call running = call_make(90, 0, 90, 5000000, 20000000);

	scene_start(scene);
	scene_event(scene, 21, 9000000, 1);
	scene_event(scene, 21, 9500000, 2);
	scene_serve(scene, 21, 10000000, "/cart", 3);
	scene_serve(scene, 22, 14000000, "/caf\xe9/x", -1);
	scene_throw(scene, 23, 15000000);
	scene_tick(scene, 16000000);
	running.record.head.kind = WF_REC_OPEN;
	running.record.status = WF_END_OPEN;
	scene->put(scene->ctx, &running.record.head);
	scene_tick(scene, 26000000);
	running.record.head.kind = WF_REC_UNFINISHED;
	running.record.head.time_ns = 30000000;
	running.record.status = WF_END_UNFINISHED;
	scene->put(scene->ctx, &running.record.head);
}

static inline void scene_child(struct scene *scene, uint32_t event, uint64_t time_ns, uint32_t tid,
			       uint32_t tgid)
{
	struct wf_rec_process record = {
		.head = {.kind = WF_REC_PROCESS,
			 .size = sizeof(record),
			 .time_ns = time_ns,
			 .tid = 10,
			 .tgid = 10},
		.span_id = 31,
		.root_id = 31,
		.span_start_ns = 7000000,
		.trace_hi = 0xaaaa,
		.trace_lo = 31,
		.child_tid = tid,
		.child_tgid = tgid,
		.event = event,
	};

	scene->put(scene->ctx, &record.head);
}

static inline void scene_family(struct scene *scene)
{
	static const struct {
		uint32_t tid, tgid;
		uint64_t id, end_ns;
	} children[] = {{11, 10, 41, 8000000}, {20, 20, 42, 9000000}};

	scene_start(scene);
	scene_child(scene, WF_PROC_THREAD, 7100000, 11, 10);
	scene_child(scene, WF_PROC_FORK, 7200000, 20, 20);
	for (size_t i = 0; i < 2; i++) {
		struct call call =
			call_make(children[i].id, 0, children[i].id, 7500000, children[i].end_ns);

		call.record.head.tid = children[i].tid;
		call.record.head.tgid = children[i].tgid;
		scene->put(scene->ctx, &call.record.head);
	}
	scene_serve(scene, 31, 10000000, "/fork", 0);
	scene_tick(scene, 11000000);
	scene_text(scene, WF_REC_RESOURCE, 0, 20,
		   "{\"service.name\":\"child\",\"wftrace.traceparent\":"
		   "\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"}");
	for (size_t i = 0; i < 2; i++) {
		struct call call = call_make(children[i].id + 10, 0, children[i].id + 10, 12000000,
					     13000000 + i);

		call.record.head.tid = children[i].tid;
		call.record.head.tgid = children[i].tgid;
		scene->put(scene->ctx, &call.record.head);
	}
}

static inline void scene_short(struct scene *scene)
{
	static const struct {
		uint16_t kind;
		uint8_t flags;
		uint64_t id, parent_id, end_ns;
		uint32_t span;
	} calls[] = {
		{WF_REC_SPAN, WF_SPAN_HELD, 5, 4, 7000100, 1},
		{WF_REC_TOMBSTONE, WF_SPAN_HELD, 4, 3, 7000200, 2},
		{WF_REC_SPAN, WF_SPAN_HELD, 6, 3, 7000300, 1},
		{WF_REC_TOMBSTONE, 0, 3, 1, 7000400, 2},
		{WF_REC_SPAN, WF_SPAN_HELD, 8, 7, 9000000, 1},
		{WF_REC_SPAN, 0, 7, 1, 9500000, 2},
		{WF_REC_SPAN, WF_SPAN_ROOT, 1, 0, 9600000, 1},
	};

	scene_start(scene);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		struct call call = call_make(calls[i].id, calls[i].parent_id, 1,
					     calls[i].end_ns - 50, calls[i].end_ns);

		call.record.head.kind = calls[i].kind;
		call.record.head.span = calls[i].span;
		call.record.flags = calls[i].flags;
		scene->put(scene->ctx, &call.record.head);
		scene_tick(scene, calls[i].end_ns + 10);
	}
}

#endif
