/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collector.c - what the collector does with a span, on one thread: ring bytes -> order -> assemble
 * -> OTLP -> the body of a POST, in batches of 512. `collector SECONDS [gzip]` prints one JSON
 * object: spans, CPU seconds, the rate of all and of the best ten rounds, and the allocations after
 * warm-up.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exporter/gzip.h"
#include "exporter/otlp.h"
#include "tests/unit/text_record.h"
#include "userspace/collect/assemble.h"
#include "userspace/collect/order.h"
#include "userspace/span/wire.h"

#define RINGS       2
#define TREE_SPANS  8     /* a root and its children */
#define ROUND_SPANS 24000 /* what 50 ms bring at the bar */
#define RECORD_MAX  256
#define BATCH_SPANS 512
#define BODY_MAX    (4u << 20)
#define WARM_ROUNDS 8
#define BEST_OF     10

/* Counted, all of them, whoever asks. */
static unsigned long allocations;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	allocations++;
	return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	allocations++;
	return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	allocations++;
	return __libc_memalign(alignment, size);
}

/* A ring as the kernel leaves it: each record behind eight bytes of its length. */
struct ring {
	unsigned char *bytes;
	size_t len;
};

struct bench {
	struct ring rings[RINGS];
	struct wf_order *order;
	struct wf_assembler *assembler;
	struct wf_otlp *otlp;
	struct wf_gzip *gzip; /* NULL = none */
	struct wf_buf body, packed;
	uint64_t now_ns, next_id, spans, requests, bytes;
};

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void need(int rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "collector: %s: %s\n", what, strerror(-rc));
	exit(1);
}

static void *memory(void *pointer, const char *what)
{
	need(pointer ? 0 : -ENOMEM, what);
	return pointer;
}

static void put_attr(struct wf_rec_span *record, uint8_t slot, const char *text)
{
	unsigned char *at = (unsigned char *)(record + 1) + record->attr_bytes;
	uint16_t len = (uint16_t)strlen(text), padded = (uint16_t)((len + 7) & ~7);
	struct wf_rec_attr attr = {
		.type = WF_VAL_STRING, .slot = slot, .len = len, .full_len = len};

	memcpy(at, &attr, sizeof(attr));
	memset(at + sizeof(attr), 0, padded);
	memcpy(at + sizeof(attr), text, len);
	record->attr_bytes += (uint16_t)(sizeof(attr) + padded);
	record->head.size = (uint16_t)(sizeof(*record) + record->attr_bytes);
}

static void put_span(struct bench *bench, unsigned ring_number, uint64_t root, uint64_t id)
{
	struct ring *ring = &bench->rings[ring_number];
	struct wf_rec_span *record = (struct wf_rec_span *)(ring->bytes + ring->len + 8);
	uint64_t length;

	bench->now_ns += 1900;
	memset(record, 0, sizeof(*record));
	record->head = (struct wf_rec_head){
		.kind = WF_REC_SPAN,
		.size = sizeof(*record),
		.span = 1 + (uint32_t)(id % 3),
		.time_ns = bench->now_ns,
		.tid = 10 + ring_number,
		.tgid = 10,
	};
	record->start_ns = bench->now_ns - 1500;
	record->id = id;
	record->root_id = root;
	record->parent_id = id == root ? 0 : root;
	record->root_start_ns = record->start_ns - 1500;
	record->trace_hi = 0xaaaa;
	record->trace_lo = root;
	record->flags = id == root ? WF_SPAN_ROOT : 0;
	record->depth = id != root;
	put_attr(record, 0, "a twenty byte string");
	put_attr(record, 1, "SELECT name FROM customers");
	length = (record->head.size + 7u) & ~7u;
	memcpy(ring->bytes + ring->len, &length, sizeof(length));
	ring->len += 8 + length;
}

/* Trees of one task after the other; a tree's root ends last. Tasks take turns with the rings. */
static void fill(struct bench *bench)
{
	for (unsigned i = 0; i < RINGS; i++)
		bench->rings[i].len = 0;
	for (unsigned tree = 0; tree < ROUND_SPANS / TREE_SPANS; tree++) {
		uint64_t root = bench->next_id;

		for (unsigned i = 1; i < TREE_SPANS; i++)
			put_span(bench, tree % RINGS, root, root + i);
		put_span(bench, tree % RINGS, root, root);
		bench->next_id += TREE_SPANS;
	}
}

static void encode(struct bench *bench, const struct wf_batch *batch)
{
	const struct wf_otlp_limit limit = {.spans = BATCH_SPANS, .bytes = BODY_MAX};
	struct wf_otlp_part part;

	for (uint32_t from = 0; from < batch->count; from = part.next) {
		wf_buf_reset(&bench->body);
		need(wf_otlp_encode(bench->otlp, batch, from, limit, true, &bench->body, &part),
		     "encode");
		if (bench->gzip) {
			wf_buf_reset(&bench->packed);
			need(wf_gzip_append(bench->gzip, bench->body.data, bench->body.len,
					    &bench->packed),
			     "gzip");
		}
		bench->bytes += bench->gzip ? bench->packed.len : bench->body.len;
		bench->spans += part.spans;
		bench->requests++;
	}
}

static void deliver(void *context, const struct wf_rec_head *record)
{
	struct bench *bench = context;
	struct wf_batch *batch;

	wf_assembler_record(bench->assembler, record);
	while ((batch = wf_assembler_take(bench->assembler))) {
		encode(bench, batch);
		wf_batch_unref(batch);
	}
}

static void drain(struct bench *bench)
{
	wf_order_round_begin(bench->order, bench->now_ns);
	for (unsigned i = 0; i < RINGS; i++) {
		const struct ring *ring = &bench->rings[i];
		uint64_t length;

		for (size_t at = 0; at < ring->len; at += 8 + length) {
			const void *record = ring->bytes + at + 8;

			memcpy(&length, ring->bytes + at, sizeof(length));
			need(wf_wire_check(record, length) ? 0 : -EBADMSG, "record");
			wf_order_add(bench->order, record);
		}
	}
	wf_order_round_end(bench->order);
}

static void put_text(struct bench *bench, uint16_t kind, uint32_t span, uint32_t tgid,
		     const char *json)
{
	_Alignas(8) unsigned char room[1024];

	deliver(bench, text_record(room, sizeof(room), kind, span, tgid, json));
}

/* The facts that every stream begins with. */
static void introduce(struct bench *bench)
{
	struct wf_rec_clock clock = {
		.head = {.kind = WF_REC_CLOCK, .size = sizeof(clock)},
		.realtime_ns = 1700000000000000000ull,
	};

	deliver(bench, &clock.head);
	put_text(bench, WF_REC_DEFINE, 1, 0, "{\"rule\":0,\"name\":\"shop::Cart::checkout\"}");
	put_text(bench, WF_REC_DEFINE, 2, 0, "{\"rule\":1,\"name\":\"shop::Cart::price\"}");
	put_text(bench, WF_REC_DEFINE, 3, 0, "{\"rule\":2,\"name\":\"shop::Store::query\"}");
	put_text(bench, WF_REC_RESOURCE, 0, 10,
		 "{\"service.name\":\"shop\",\"process.pid\":10,\"host.name\":\"h\"}");
}

static struct wf_ruleset *make_rules(void)
{
	static const char *const rules[] = {
		"shop::Cart::checkout(user.name=arg1:str, db.query.text=arg2:str)",
		"shop::Cart::price(user.name=arg1:str, db.query.text=arg2:str)",
		"shop::Store::query(user.name=arg1:str, db.query.text=arg2:str)",
	};
	struct wf_ruleset *ruleset = NULL;

	need(wf_ruleset_new(&ruleset, NULL), "rules");
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		need(wf_ruleset_add_short(ruleset, rules[i], NULL), rules[i]);
	return ruleset;
}

static void bench_init(struct bench *bench, const struct wf_ruleset *rules, bool gzip)
{
	struct wf_assembler_config config = {
		.rules = rules,
		.batch_spans = BATCH_SPANS,
		.batch_bytes = 4 << 20,
		.held_spans_max = 10000,
		.held_ns_max = 30000000000ull,
	};

	memset(bench, 0, sizeof(*bench));
	bench->next_id = TREE_SPANS;
	bench->now_ns = 1000000000;
	for (unsigned i = 0; i < RINGS; i++)
		bench->rings[i].bytes = memory(calloc(ROUND_SPANS, RECORD_MAX), "rings");
	need(wf_order_new(32u << 20, deliver, bench, &bench->order, NULL), "order");
	need(wf_assembler_new(&config, &bench->assembler, NULL), "assembler");
	bench->otlp = memory(wf_otlp_new(16u << 20, WF_SIGNAL_SPANS), "encoder");
	bench->gzip = gzip ? memory(wf_gzip_new(1), "gzip") : NULL;
	wf_buf_init(&bench->body, BODY_MAX);
	wf_buf_init(&bench->packed, 2 * BODY_MAX);
	introduce(bench);
}

/* Nothing may be lost on the way, or the rate means nothing. */
static void check(const struct bench *bench)
{
	const struct wf_assembler_counters *assembler = wf_assembler_counters(bench->assembler);
	const struct wf_order_counters *order = wf_order_counters(bench->order);

	need(assembler->spans_in == assembler->spans_out ? 0 : -EIO, "spans were lost");
	need(order->late || order->forced || order->lost ? -EIO : 0, "records were late or lost");
}

/* Seconds of one round, the filling of the rings not counted. */
static double round_seconds(struct bench *bench)
{
	double begin;

	fill(bench);
	begin = cpu_seconds();
	drain(bench);
	return cpu_seconds() - begin;
}

int main(int argc, char **argv)
{
	double limit = argc > 1 ? strtod(argv[1], NULL) : 2, total = 0, best = 1e9;
	struct wf_ruleset *rules = make_rules();
	static struct bench bench;
	unsigned long before;
	double window = 0;

	bench_init(&bench, rules, argc > 2 && strcmp(argv[2], "gzip") == 0);
	for (unsigned i = 0; i < WARM_ROUNDS; i++)
		round_seconds(&bench);
	bench.spans = bench.requests = bench.bytes = 0;
	before = allocations;
	for (unsigned i = 1; total < limit; i++) {
		double seconds = round_seconds(&bench);

		total += seconds;
		window += seconds;
		if (i % BEST_OF)
			continue;
		best = window < best ? window : best;
		window = 0;
	}
	check(&bench);
	printf("{\"spans\": %lu, \"seconds\": %.4f, \"per_s\": %.0f, \"best_per_s\": %.0f, "
	       "\"allocations\": %lu, \"requests\": %lu, \"bytes_per_span\": %.1f}\n",
	       bench.spans, total, (double)bench.spans / total,
	       (double)ROUND_SPANS * BEST_OF / best, allocations - before, bench.requests,
	       (double)bench.bytes / (double)bench.spans);
	wf_assembler_free(bench.assembler);
	wf_order_free(bench.order);
	wf_otlp_free(bench.otlp);
	wf_gzip_free(bench.gzip);
	wf_buf_done(&bench.body);
	wf_buf_done(&bench.packed);
	for (unsigned i = 0; i < RINGS; i++)
		free(bench.rings[i].bytes);
	wf_ruleset_free(rules);
	return 0;
}
