/* SPDX-License-Identifier: Apache-2.0 */
#include "jump.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/map.h"
#include "userspace/base/str.h"

#define TARGETS_MAX    (1u << 20) /* functions that are jumped to */
#define CROSS_MAX      (1u << 20)
#define ASSEMBLY_ALIGN 16
#define CALLERS_SIZE   (1u << 20)
#define CHUNK_BYTES    (512u << 10)
#define TAIL_BYTES     6 /* the longest jump: chunks overlap by it */

struct wf_jumps {
	struct wf_map *jumpers; /* function -> last source << 16 | number of sources */
	/* Calls by a hash of the function: a big file has millions. Two may share a counter. */
	uint8_t callers[CALLERS_SIZE];
	struct wf_cross *cross;
	size_t cross_count, cross_capacity;
};

/* Where the scan is: the unwind entry around it, so that jumps within a function cost nothing. */
struct scan {
	struct wf_binary *elf;
	struct wf_jumps *jumps;
	uint64_t start, size;
	uint64_t text, text_size; /* code of an executable segment */
};

void wf_jumps_free(struct wf_jumps *jumps)
{
	if (!jumps)
		return;
	wf_map_free(jumps->jumpers);
	free(jumps->cross);
	free(jumps);
}

static int add_source(struct wf_map *sources, uint64_t function, uint64_t source)
{
	uint64_t value = 0, count;
	int rc;

	wf_map_get(sources, function, &value);
	count = value & 0xffff;
	if (count == 0xffff || (count && value >> 16 == (source & 0xffffffffffffULL)))
		return 0;
	rc = wf_map_put(sources, function, source << 16 | (count + 1));
	return rc == -ENOSPC ? 0 : rc;
}

static size_t bucket(uint64_t function)
{
	return wf_mix64(function) % CALLERS_SIZE;
}

static void count_call(struct wf_jumps *jumps, uint64_t function)
{
	uint8_t *calls = &jumps->callers[bucket(function)];

	*calls = (uint8_t)(*calls + (*calls < UINT8_MAX));
}

static int add_cross(struct wf_jumps *jumps, uint64_t target, uint64_t source)
{
	if (jumps->cross_count == jumps->cross_capacity) {
		size_t capacity = jumps->cross_capacity * 2 + 256;
		struct wf_cross *grown;

		if (capacity > CROSS_MAX)
			return -E2BIG;
		grown = reallocarray(jumps->cross, capacity, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		jumps->cross = grown;
		jumps->cross_capacity = capacity;
	}
	jumps->cross[jumps->cross_count++] = (struct wf_cross){target, source};
	return 0;
}

/* A branch as its bytes look. */
struct shape {
	uint8_t length;
	uint8_t width; /* of the distance, its last bytes */
	bool call;
};

static bool looks_like(const uint8_t *bytes, struct shape *ret)
{
	uint8_t op = bytes[0];

	if (op == 0xe9 || op == 0xe8)
		*ret = (struct shape){5, 4, op == 0xe8};
	else if (op == 0xeb || (op & 0xf0) == 0x70)
		*ret = (struct shape){2, 1, false};
	else if (op == 0x0f && (bytes[1] & 0xf0) == 0x80)
		*ret = (struct shape){6, 4, false};
	else
		return false;
	return true;
}

static uint64_t target_of(const uint8_t *bytes, uint64_t address, const struct shape *shape)
{
	int32_t relative = (int8_t)bytes[shape->length - 1];

	if (shape->width == 4)
		memcpy(&relative, bytes + shape->length - 4, sizeof(relative));
	return address + shape->length + (uint64_t)(int64_t)relative;
}

static int take(struct scan *scan, uint64_t at, uint64_t target, const struct shape *shape)
{
	uint64_t start, size;

	if (at - scan->start >= scan->size &&
	    wf_binary_fde(scan->elf, at, &scan->start, &scan->size) < 0) {
		scan->start = at;
		scan->size = 1;
	}
	if (target - scan->start < scan->size)
		return 0;
	if (shape->call) {
		count_call(scan->jumps, target);
		return 0;
	}
	/* Functions without an unwind entry are assembly, and aligned; the rest is no jump at all.
	 */
	if (wf_binary_fde(scan->elf, target, &start, &size) < 0)
		return target % ASSEMBLY_ALIGN
			       ? 0
			       : add_source(scan->jumps->jumpers, target, scan->start);
	if (start == target)
		return add_source(scan->jumps->jumpers, target, scan->start);
	/* Cold parts lie in a section of their own, out of reach for short jumps. */
	return shape->width == 4 ? add_cross(scan->jumps, target, scan->start) : 0;
}

static int scan_chunk(struct scan *scan, const uint8_t *bytes, uint64_t address, uint64_t size)
{
	for (uint64_t i = 0; i + 2 <= size; i++) {
		struct shape shape;
		uint64_t target;
		int rc;

		if (!looks_like(bytes + i, &shape) || i + shape.length > size)
			continue;
		target = target_of(bytes + i, address + i, &shape);
		if (target - scan->text >= scan->text_size)
			continue;
		rc = take(scan, address + i, target, &shape);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int scan_text(struct scan *scan)
{
	uint64_t at = 0;

	while (at < scan->text_size) {
		uint64_t size = scan->text_size - at;
		const uint8_t *bytes;
		int rc;

		if (size > CHUNK_BYTES)
			size = CHUNK_BYTES;
		bytes = wf_binary_bytes(scan->elf, scan->text + at, size);
		rc = bytes ? scan_chunk(scan, bytes, scan->text + at, size) : 0;
		if (rc < 0)
			return rc;
		at += size == CHUNK_BYTES ? size - TAIL_BYTES + 1 : size;
	}
	return 0;
}

/*
 * The code of the n-th executable segment. Some linkers put all constants into that segment too,
 * and those are full of bytes that look like jumps.
 */
static int code_of(const struct wf_binary *elf, size_t n, uint64_t *ret_start, uint64_t *ret_size)
{
	static const char *const sections[] = {".init", ".plt", ".text", ".fini"};
	uint64_t start, size, first = UINT64_MAX, last = 0, at, bytes;
	int rc = wf_binary_text(elf, n, &start, &size);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		if (wf_binary_section(elf, sections[i], &at, &bytes) < 0 || at < start ||
		    at - start >= size || bytes > size - (at - start))
			continue;
		first = at < first ? at : first;
		last = at + bytes > last ? at + bytes : last;
	}
	*ret_start = last ? first : start;
	*ret_size = last ? last - first : size;
	return 0;
}

static int compare_cross(const void *a, const void *b)
{
	const struct wf_cross *x = a, *y = b;

	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	return x->source < y->source ? -1 : x->source > y->source;
}

int wf_jumps_new(struct wf_binary *elf, struct wf_jumps **ret, struct wf_err *err)
{
	wf_auto(wf_jumps_freep) struct wf_jumps *jumps = calloc(1, sizeof(*jumps));
	struct scan scan = {.elf = elf, .jumps = jumps};
	int rc = 0;

	if (!jumps)
		return wf_err_set(err, ENOMEM, "out of memory");
	jumps->jumpers = wf_map_new(TARGETS_MAX);
	if (!jumps->jumpers)
		return wf_err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; !rc && !code_of(elf, i, &scan.text, &scan.text_size); i++)
		rc = scan_text(&scan);
	if (rc == -ENOMEM)
		return wf_err_set(err, ENOMEM, "out of memory");
	if (rc < 0)
		return wf_err_set(err, -rc, "'%s': too many jumps between functions",
				  wf_binary_shown(elf));
	if (jumps->cross_count)
		qsort(jumps->cross, jumps->cross_count, sizeof(*jumps->cross), compare_cross);
	*ret = wf_take(jumps);
	return 0;
}

uint32_t wf_jumps_jumpers(const struct wf_jumps *jumps, uint64_t function)
{
	uint64_t value = 0;

	wf_map_get(jumps->jumpers, function, &value);
	return value & 0xffff;
}

uint32_t wf_jumps_calls(const struct wf_jumps *jumps, uint64_t function)
{
	return jumps->callers[bucket(function)];
}

const struct wf_cross *wf_jumps_into(const struct wf_jumps *jumps, uint64_t from, uint64_t to,
				     size_t *ret_count)
{
	size_t low = 0, high = jumps->cross_count, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (jumps->cross[middle].target < from)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < jumps->cross_count && jumps->cross[end].target < to;)
		end++;
	*ret_count = end - low;
	return *ret_count ? jumps->cross + low : NULL;
}
