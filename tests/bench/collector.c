/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collector: ring bytes -> order -> assemble -> batches, on one thread. Prints one line a figure,
 * "ID VALUE UNIT": spans per second, the share of the reorder buffer, and how often memory was
 * allocated once everything was warm.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/assemble.h"
#include "userspace/base/clock.h"
#include "userspace/order.h"

#define RINGS        2
#define ROUND_SPANS  20000 /* 400,000 spans/s in rounds of 50 ms */
#define WARM_ROUNDS  20
#define ROUNDS       100
#define RECORD_BYTES 192
#define TREE_SPANS   4 /* a root and three inner calls */

static atomic_ullong allocations;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size)
{
	atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
	return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
	return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
	return __libc_memalign(alignment, size);
}

struct bench {
	struct wf_assembler *assembler;
	struct wf_order *order;
	uint64_t spans, sink;
	/* What the kernel would have left in each ring during one round. */
	_Alignas(8) unsigned char ring[RINGS][(ROUND_SPANS / RINGS + TREE_SPANS) * RECORD_BYTES];
	size_t used[RINGS];
};

static void consume(void *ctx, const struct wf_rec_head *record)
{
	struct bench *bench = ctx;
	struct wf_batch *batch;

	wf_assembler_record(bench->assembler, record);
	while ((batch = wf_assembler_take(bench->assembler))) {
		bench->spans += batch->count;
		bench->sink += batch->spans[0].end_ns;
		wf_batch_unref(batch);
	}
}

static void no_assembler(void *ctx, const struct wf_rec_head *record)
{
	struct bench *bench = ctx;

	bench->spans += record->kind == WF_REC_SPAN;
	bench->sink += record->time_ns;
}

static void put_string(struct wf_rec_span *record, uint8_t slot, const char *text)
{
	struct wf_rec_attr attr = {.type = WF_VAL_STRING, .slot = slot, .len = 20, .full_len = 20};
	unsigned char *at = (unsigned char *)(record + 1) + record->attr_bytes;

	memcpy(at, &attr, sizeof(attr));
	memset(at + sizeof(attr), 0, 24);
	memcpy(at + sizeof(attr), text, 20);
	record->attr_bytes += sizeof(attr) + 24;
	record->head.size += sizeof(attr) + 24;
}

static void write_round(struct bench *bench, uint64_t begin_ns, uint64_t first_id)
{
	memset(bench->used, 0, sizeof(bench->used));
	for (uint64_t i = 0; i < ROUND_SPANS; i++) {
		uint64_t root = first_id + i / TREE_SPANS * TREE_SPANS + TREE_SPANS - 1;
		uint64_t id = first_id + i;
		unsigned ring = (unsigned)(i / TREE_SPANS % RINGS);
		struct wf_rec_span *record =
			(struct wf_rec_span *)(bench->ring[ring] + bench->used[ring]);

		*record = (struct wf_rec_span){
			.head = {.kind = WF_REC_SPAN,
				 .size = sizeof(*record),
				 .span = 1,
				 .time_ns = begin_ns + i * 2500,
				 .tid = 10,
				 .tgid = 10},
			.start_ns = begin_ns + i * 2500 - 2000,
			.id = id,
			.parent_id = id == root ? 0 : root,
			.trace_hi = 1,
			.trace_lo = root,
			.root_id = root,
			.root_start_ns = begin_ns,
			.depth = id != root,
		};
		put_string(record, 0, "SELECT 1 FROM orders");
		put_string(record, 1, "customer-0123456789x");
		bench->used[ring] += RECORD_BYTES;
	}
}

static void drain(struct bench *bench, uint64_t now_ns)
{
	wf_order_round_begin(bench->order, now_ns);
	for (unsigned ring = 0; ring < RINGS; ring++) {
		for (size_t at = 0; at < bench->used[ring]; at += RECORD_BYTES)
			wf_order_add(bench->order,
				     (const struct wf_rec_head *)(bench->ring[ring] + at));
	}
	wf_order_round_end(bench->order);
}

static void describe(struct bench *bench)
{
	static const char define[] = "{\"rule\":0,\"name\":\"exec_query\"}";
	static const char facts[] = "{\"service.name\":\"bench\",\"process.pid\":10}";
	_Alignas(8) unsigned char room[256] = {0};
	struct wf_rec_text *record = (struct wf_rec_text *)room;

	record->head = (struct wf_rec_head){.kind = WF_REC_DEFINE, .size = 128, .span = 1};
	record->len = sizeof(define) - 1;
	memcpy(record + 1, define, sizeof(define));
	wf_assembler_record(bench->assembler, &record->head);
	record->head = (struct wf_rec_head){.kind = WF_REC_RESOURCE, .size = 128, .tgid = 10};
	record->len = sizeof(facts) - 1;
	memcpy(record + 1, facts, sizeof(facts));
	wf_assembler_record(bench->assembler, &record->head);
}

/* Nanoseconds a span, and allocations a thousand spans, of the rounds after the warm ones. */
static double run(struct bench *bench, double *ret_allocations)
{
	uint64_t busy_ns = 0, spans = 0, counted = 0;

	for (uint64_t round = 0; round < WARM_ROUNDS + ROUNDS; round++) {
		uint64_t begin_ns = (round + 1) * ROUND_SPANS * 2500;
		uint64_t started, before, spans_before = bench->spans;

		write_round(bench, begin_ns, 1 + round * ROUND_SPANS);
		before = atomic_load(&allocations);
		started = wf_clock_monotonic_ns();
		drain(bench, begin_ns + ROUND_SPANS * 2500);
		if (round < WARM_ROUNDS)
			continue;
		busy_ns += wf_clock_monotonic_ns() - started;
		counted += atomic_load(&allocations) - before;
		spans += bench->spans - spans_before;
	}
	*ret_allocations = (double)counted * 1000 / (double)spans;
	return (double)busy_ns / (double)spans;
}

int main(void)
{
	static struct bench bench;
	struct wf_ruleset *rules = NULL;
	struct wf_assembler_config config = {
		.batch_spans = 512,
		.batch_bytes = 4 << 20,
		.held_spans_max = 10000,
		.held_ns_max = 30000000000ull,
	};
	struct wf_err err = {0};
	double order_ns, all_ns, allocated;

	if (wf_ruleset_new(&rules, &err) < 0 ||
	    wf_ruleset_add_short(rules, "exec_query(db.query.text=arg1:str, customer=arg2:str)",
				 &err) < 0)
		return fprintf(stderr, "collector: %s\n", err.msg), 1;
	config.rules = rules;
	if (wf_order_new(32 << 20, no_assembler, &bench, &bench.order, &err) < 0)
		return fprintf(stderr, "collector: %s\n", err.msg), 1;
	order_ns = run(&bench, &allocated);
	wf_order_free(bench.order);
	if (wf_order_new(32 << 20, consume, &bench, &bench.order, &err) < 0 ||
	    wf_assembler_new(&config, &bench.assembler, &err) < 0)
		return fprintf(stderr, "collector: %s\n", err.msg), 1;
	describe(&bench);
	all_ns = run(&bench, &allocated);
	printf("order.ns_per_record %.1f ns\n", order_ns);
	printf("assemble.ns_per_span %.1f ns\n", all_ns - order_ns);
	printf("collector.to_batch_spans_per_s %.0f 1/s\n", 1e9 / all_ns);
	printf("collector.allocs_per_1000 %.3f 1\n", allocated);
	wf_order_free(bench.order);
	wf_assembler_free(bench.assembler);
	wf_ruleset_free(rules);
	return 0;
}
