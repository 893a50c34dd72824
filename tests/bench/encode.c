/* SPDX-License-Identifier: Apache-2.0 */
/*
 * encode: what the step from a batch to bytes costs, on one core. Prints one JSON object: spans a
 * second and bytes a span for OTLP plain and gzipped, OTLP JSON and flat JSON, and the allocations
 * per 1,000 spans of the OTLP forms after warm-up.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "exporter/gzip.h"
#include "exporter/line.h"
#include "exporter/otlp.h"
#include "exporter/otlp_json.h"
#include "tests/unit/sample.h"
#include "userspace/base/clock.h"

#define SPANS   512
#define WARM_UP 20
#define ROUNDS  400
#define TRIES   5

static unsigned long allocations;

/* Counted; glibc keeps its own under these names. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
void *malloc(size_t bytes);
void *calloc(size_t count, size_t bytes);
void *realloc(void *memory, size_t bytes);

void *malloc(size_t bytes)
{
	allocations++;
	return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
	allocations++;
	return __libc_calloc(count, bytes);
}

void *realloc(void *memory, size_t bytes)
{
	allocations++;
	return __libc_realloc(memory, bytes);
}

struct bench {
	struct wf_batch *batch;
	struct wf_otlp *otlp;
	struct wf_gzip *gzip;
	struct wf_arena *scratch;
	struct wf_buf raw, packed;
};

static size_t otlp_run(struct bench *bench)
{
	struct wf_otlp_limit limit = {.spans = SPANS, .bytes = 4u << 20};
	struct wf_otlp_part part;

	wf_buf_reset(&bench->raw);
	if (wf_otlp_encode(bench->otlp, bench->batch, 0, limit, true, &bench->raw, &part) < 0 ||
	    part.spans != SPANS)
		abort();
	return bench->raw.len;
}

static size_t gzip_run(struct bench *bench)
{
	otlp_run(bench);
	wf_buf_reset(&bench->packed);
	if (wf_gzip_append(bench->gzip, bench->raw.data, bench->raw.len, &bench->packed) < 0)
		abort();
	return bench->packed.len;
}

static size_t json_run(struct bench *bench)
{
	wf_buf_reset(&bench->raw);
	wf_arena_reset(bench->scratch);
	if (wf_otlp_json_encode(bench->scratch, bench->batch, 0, SPANS, &bench->raw) < 0)
		abort();
	return bench->raw.len;
}

static size_t line_run(struct bench *bench)
{
	wf_buf_reset(&bench->raw);
	for (unsigned i = 0; i < SPANS; i++)
		wf_line_put(&bench->raw, &bench->batch->spans[i]);
	return bench->raw.len;
}

/* The best of some tries: others share the machine. */
static void measure(struct bench *bench, const char *name, size_t (*run)(struct bench *),
		    unsigned rounds)
{
	uint64_t best = UINT64_MAX, begin, took;
	unsigned long before;
	size_t bytes = 0;
	unsigned i, try;

	for (i = 0; i < WARM_UP; i++)
		bytes = run(bench);
	before = allocations;
	for (try = 0; try < TRIES; try++) {
		begin = wf_clock_monotonic_ns();
		for (i = 0; i < rounds; i++)
			run(bench);
		took = wf_clock_monotonic_ns() - begin;
		best = took < best ? took : best;
	}
	printf("\"%s\": {\"spans_per_s\": %.0f, \"ns_per_span\": %.1f, \"bytes_per_span\": %.1f, "
	       "\"allocs_per_1000\": %.3f}",
	       name, 1e9 * rounds * SPANS / (double)best, (double)best / rounds / SPANS,
	       (double)bytes / SPANS,
	       1000.0 * (double)(allocations - before) / ((double)TRIES * rounds * SPANS));
}

int main(void)
{
	struct bench bench = {
		.batch = sample_batch(SPANS, 1),
		.otlp = wf_otlp_new(16u << 20),
		.gzip = wf_gzip_new(1),
		.scratch = wf_arena_new(16u << 20),
	};
	cpu_set_t one;

	/* On the core where it happens to run. */
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	wf_buf_init(&bench.raw, 16u << 20);
	wf_buf_init(&bench.packed, 16u << 20);
	printf("{");
	measure(&bench, "otlp", otlp_run, ROUNDS);
	printf(",\n ");
	measure(&bench, "otlp_gzip", gzip_run, ROUNDS / 4);
	printf(",\n ");
	measure(&bench, "otlp_json", json_run, ROUNDS / 4);
	printf(",\n ");
	measure(&bench, "json_lines", line_run, ROUNDS / 4);
	printf("}\n");
	wf_buf_done(&bench.raw);
	wf_buf_done(&bench.packed);
	wf_arena_free(bench.scratch);
	wf_gzip_free(bench.gzip);
	wf_otlp_free(bench.otlp);
	wf_batch_unref(bench.batch);
	return 0;
}
