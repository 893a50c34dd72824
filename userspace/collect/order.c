/* SPDX-License-Identifier: Apache-2.0 */
#include "order.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "userspace/span/wire.h"

#define MAX_BYTES_MIN (1024 * 1024)
#define CHUNK_BYTES   (256 * 1024) /* also its alignment: a record's address names its chunk */
#define RUNS_MAX      1024
#define SHIFT_MAX     16 /* small disorder inside one ring is sorted in while adding */
#define FIRST_ENTRIES 4096

struct chunk {
	struct chunk *next;
	uint32_t used, live; /* bytes given out, records not delivered yet */
	unsigned char data[];
};

struct entry {
	uint64_t time_ns;
	const struct wf_rec_head *record;
};

struct wf_order {
	wf_order_deliver deliver;
	void *ctx;
	struct wf_order_counters counters;
	uint64_t this_round_ns, watermark_ns, previous_round_ns;
	uint64_t passed_ns;   /* the stream has come so far: what is older comes late */
	struct chunk *chunks; /* all of them, by next; the first is being filled */
	struct chunk *empty;
	size_t bytes, max; /* of chunks and entries */
	struct entry *entries, *scratch;
	size_t count, capacity;
	size_t runs[RUNS_MAX + 1]; /* where each ascending run starts; the first at 0 */
	size_t run_count;
};

int wf_order_new(size_t max_bytes, wf_order_deliver deliver, void *ctx, struct wf_order **ret,
		 struct wf_err *err)
{
	struct wf_order *order = calloc(1, sizeof(*order));

	if (!order)
		return wf_err_set(err, ENOMEM, "out of memory");
	order->deliver = deliver;
	order->ctx = ctx;
	order->max = max_bytes < MAX_BYTES_MIN ? MAX_BYTES_MIN : max_bytes;
	*ret = order;
	return 0;
}

static void free_chunks(struct chunk *chunk)
{
	while (chunk) {
		struct chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
}

void wf_order_free(struct wf_order *order)
{
	if (!order)
		return;
	free_chunks(order->chunks);
	free_chunks(order->empty);
	free(order->entries);
	free(order->scratch);
	free(order);
}

/* Rank among records of one moment, lower first. */
static unsigned rank(const struct wf_rec_head *record)
{
	uint32_t event;

	switch (record->kind) {
	case WF_REC_SPAN:
	case WF_REC_UNFINISHED:
	case WF_REC_TOMBSTONE:
		return 0x20000u - ((const struct wf_rec_span *)record)->depth;
	case WF_REC_PROCESS:
		event = ((const struct wf_rec_process *)record)->event;
		return event == WF_PROC_EXIT || event == WF_PROC_EXEC ? 0x30000 : 0;
	case WF_REC_LEDGER:
		return 0x30000;
	default:
		return 0;
	}
}

static bool comes_after(const struct entry *a, const struct entry *b)
{
	if (a->time_ns != b->time_ns)
		return a->time_ns > b->time_ns;
	return rank(a->record) > rank(b->record);
}

/* Merge two neighbouring runs of `from` into `to`; equal ones keep their order. */
static void merge_pair(const struct entry *from, struct entry *to, size_t start, size_t middle,
		       size_t end)
{
	size_t a = start, b = middle, out = start;

	while (a < middle && b < end)
		to[out++] = comes_after(&from[a], &from[b]) ? from[b++] : from[a++];
	memcpy(&to[out], &from[a], (middle - a) * sizeof(*from));
	out += middle - a;
	memcpy(&to[out], &from[b], (end - b) * sizeof(*from));
}

/* One pass of pairwise merges from entries to scratch, then the two change places. */
static void merge_pass(struct wf_order *order)
{
	size_t kept = 0;
	struct entry *swap;

	order->runs[order->run_count] = order->count;
	for (size_t i = 0; i < order->run_count; i += 2) {
		size_t start = order->runs[i], middle = order->runs[i + 1];
		size_t end = i + 1 < order->run_count ? order->runs[i + 2] : middle;

		merge_pair(order->entries, order->scratch, start, middle, end);
		order->runs[kept++] = start;
	}
	order->run_count = kept;
	swap = order->entries;
	order->entries = order->scratch;
	order->scratch = swap;
}

static void sort(struct wf_order *order)
{
	while (order->run_count > 1)
		merge_pass(order);
}

static struct chunk *chunk_of(const struct wf_rec_head *record)
{
	return (struct chunk *)((uintptr_t)record & ~(uintptr_t)(CHUNK_BYTES - 1));
}

/* Chunks without a live record, but for the one being filled, become empty ones. */
static void recycle(struct wf_order *order)
{
	struct chunk **at = order->chunks ? &order->chunks->next : NULL;

	while (at && *at) {
		struct chunk *chunk = *at;

		if (chunk->live) {
			at = &chunk->next;
			continue;
		}
		*at = chunk->next;
		chunk->next = order->empty;
		order->empty = chunk;
	}
	if (order->chunks && !order->chunks->live)
		order->chunks->used = sizeof(struct chunk);
}

/* Hand out the first n entries, which are sorted. */
static void deliver(struct wf_order *order, size_t n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n; i++) {
		const struct wf_rec_head *record = order->entries[i].record;

		if (record->time_ns > order->passed_ns)
			order->passed_ns = record->time_ns;
		order->deliver(order->ctx, record);
		chunk_of(record)->live--;
	}
	order->count -= n;
	memmove(order->entries, order->entries + n, order->count * sizeof(*order->entries));
	order->run_count = order->count ? 1 : 0;
	recycle(order);
}

/* The buffer is full: the older half leaves before its time. */
static void force(struct wf_order *order)
{
	size_t n = (order->count + 1) / 2;

	sort(order);
	order->counters.forced += n;
	deliver(order, n);
}

static bool grow_entries(struct wf_order *order)
{
	size_t capacity = order->capacity ? order->capacity * 2 : FIRST_ENTRIES;
	size_t added = (capacity - order->capacity) * 2 * sizeof(struct entry);
	struct entry *entries, *scratch;

	if (added > order->max - order->bytes)
		return false;
	entries = realloc(order->entries, capacity * sizeof(*entries));
	if (entries)
		order->entries = entries;
	scratch = realloc(order->scratch, capacity * sizeof(*scratch));
	if (scratch)
		order->scratch = scratch;
	if (!entries || !scratch)
		return false;
	order->capacity = capacity;
	order->bytes += added;
	return true;
}

static struct chunk *chunk_new(struct wf_order *order)
{
	struct chunk *chunk = order->empty;

	if (chunk) {
		order->empty = chunk->next;
	} else {
		if (CHUNK_BYTES > order->max - order->bytes)
			return NULL;
		chunk = aligned_alloc(CHUNK_BYTES, CHUNK_BYTES);
		if (!chunk)
			return NULL;
		order->bytes += CHUNK_BYTES;
	}
	chunk->used = sizeof(*chunk);
	chunk->live = 0;
	chunk->next = order->chunks;
	order->chunks = chunk;
	return chunk;
}

static struct wf_rec_head *reserve(struct wf_order *order, size_t bytes)
{
	struct chunk *chunk = order->chunks;
	struct wf_rec_head *ret;

	if (order->count == order->capacity && !grow_entries(order))
		return NULL;
	if (!chunk || CHUNK_BYTES - chunk->used < bytes)
		chunk = chunk_new(order);
	if (!chunk)
		return NULL;
	ret = (struct wf_rec_head *)((unsigned char *)chunk + chunk->used);
	chunk->used += bytes;
	chunk->live++;
	return ret;
}

/* Append to the last run, or begin a new one where the record lies too far back. */
static void insert(struct wf_order *order, struct entry entry)
{
	size_t start = order->run_count ? order->runs[order->run_count - 1] : 0;
	size_t at = order->count, steps = 0;

	if (!order->run_count)
		order->runs[order->run_count++] = 0;
	while (at > start && steps < SHIFT_MAX && comes_after(&order->entries[at - 1], &entry)) {
		at--;
		steps++;
	}
	if (at > start && comes_after(&order->entries[at - 1], &entry)) {
		if (order->run_count == RUNS_MAX)
			sort(order);
		at = order->count;
		order->runs[order->run_count++] = at;
	}
	memmove(&order->entries[at + 1], &order->entries[at], (order->count - at) * sizeof(entry));
	order->entries[at] = entry;
	order->count++;
}

void wf_order_round_begin(struct wf_order *order, uint64_t now_ns)
{
	order->previous_round_ns = order->this_round_ns;
	order->this_round_ns = now_ns;
}

void wf_order_add(struct wf_order *order, const struct wf_rec_head *record)
{
	size_t bytes = wf_wire_padded(record);
	struct wf_rec_head *copy = reserve(order, bytes);

	order->counters.records++;
	while (!copy && order->count) {
		force(order);
		copy = reserve(order, bytes);
	}
	if (!copy) {
		if (wf_wire_is_span(record))
			order->counters.lost++;
		else
			order->counters.lost_other++;
		return;
	}
	memcpy(copy, record, record->size);
	memset((unsigned char *)copy + record->size, 0, bytes - record->size);
	if (copy->time_ns < order->passed_ns)
		order->counters.late++;
	insert(order, (struct entry){copy->time_ns, copy});
}

static size_t count_due(const struct wf_order *order)
{
	size_t low = 0, high = order->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (order->entries[middle].time_ns <= order->watermark_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void tick(struct wf_order *order)
{
	struct wf_rec_head head = {.kind = WF_REC_TICK, .size = sizeof(head)};

	head.time_ns = order->watermark_ns;
	if (order->passed_ns < order->watermark_ns)
		order->passed_ns = order->watermark_ns;
	order->deliver(order->ctx, &head);
}

void wf_order_round_end(struct wf_order *order)
{
	if (!order->previous_round_ns)
		return;
	order->watermark_ns = order->previous_round_ns;
	sort(order);
	deliver(order, count_due(order));
	tick(order);
}

void wf_order_flush(struct wf_order *order, uint64_t now_ns)
{
	if (order->watermark_ns < now_ns)
		order->watermark_ns = now_ns;
	sort(order);
	deliver(order, order->count);
	tick(order);
}

const struct wf_order_counters *wf_order_counters(const struct wf_order *order)
{
	return &order->counters;
}
