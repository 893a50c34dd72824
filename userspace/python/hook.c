/* SPDX-License-Identifier: Apache-2.0 */
#include "hook.h"

#include <errno.h>
#include <string.h>

#include "memory.h"

#define SHIFT_MAX 256 /* bytes that fields have moved within a minor version */

/* What must stand beside a place for it to be the right one. */
enum proof {
	PROOF_NONE,
	PROOF_COUNTS,    /* before: two small numbers, the allocator's arenas */
	PROOF_POINTER,   /* before: a pointer, to the allocator's state */
	PROOF_RING,      /* 32 bytes before: a list linked both ways, of asyncio's tasks */
	PROOF_FORMATS,   /* after: the float formats; found within SHIFT_MAX bytes */
	PROOF_PRECONFIG, /* 64 bytes before: the ten numbers of PyPreConfig */
};

/* Native hooks are a list in _PyRuntime, those of Python a list object in the interpreter. */
static const struct place {
	unsigned minor;
	uint32_t native;
	enum proof native_proof;
	uint32_t own;
	enum proof own_proof;
} places[] = {
	{8, 1456, PROOF_NONE, 2704, PROOF_NONE},
	{9, 648, PROOF_NONE, 3536, PROOF_NONE},
	{10, 648, PROOF_NONE, 3504, PROOF_NONE},
	{11, 656, PROOF_NONE, 3552, PROOF_NONE},
	{12, 3064, PROOF_FORMATS, 267208, PROOF_COUNTS},
	{12, 3064, PROOF_FORMATS, 3968, PROOF_POINTER},
	{13, 10424, PROOF_FORMATS, 10808, PROOF_POINTER},
	{14, 10640, PROOF_FORMATS, 10912, PROOF_RING},
	{15, 10760, PROOF_PRECONFIG, 10888, PROOF_RING},
};

static bool reads(const struct wf_python *python, uint64_t address, uint64_t *ret)
{
	return wf_memory_read_u64(python->pid, address, ret) == 0;
}

/* No other two words look so. */
static bool is_ring(const struct wf_python *python, uint64_t head)
{
	uint64_t next, previous, back, forth;

	return reads(python, head, &next) && reads(python, head + 8, &previous) &&
	       reads(python, next + 8, &back) && back == head && reads(python, previous, &forth) &&
	       forth == head;
}

static bool is_counts(uint64_t word)
{
	uint32_t low = (uint32_t)word, high = (uint32_t)(word >> 32);

	return low && high && low <= 1U << 20 && high <= 1U << 20;
}

static bool is_preconfig(const struct wf_python *python, uint64_t address)
{
	int32_t numbers[10];

	if (wf_memory_read(python->pid, address, numbers, sizeof(numbers)) < 0 || numbers[0] < 1 ||
	    numbers[0] > 3 || numbers[1] < 0 || numbers[1] > 1)
		return false;
	for (size_t i = 2; i < 10; i++) {
		if (numbers[i] < -1 || numbers[i] > 9)
			return false;
	}
	return true;
}

static bool is_proven(const struct wf_python *python, uint64_t address, enum proof proof)
{
	uint64_t word, ignored;

	switch (proof) {
	case PROOF_COUNTS:
		return reads(python, address - 8, &word) && is_counts(word);
	case PROOF_POINTER:
		return reads(python, address - 8, &word) && word && word % 8 == 0 &&
		       reads(python, word, &ignored);
	case PROOF_RING:
		return is_ring(python, address - 32);
	case PROOF_PRECONFIG:
		return is_preconfig(python, address - 64);
	default:
		return true;
	}
}

/* A number that is 0, and twice "IEEE, little end first"; the nearest such place counts. */
static bool find_formats(const struct wf_python *python, uint64_t *address)
{
	static const uint32_t formats[] = {0, 2, 2};
	uint8_t window[2 * SHIFT_MAX + 32];

	if (wf_memory_read(python->pid, *address - SHIFT_MAX, window, sizeof(window)) < 0)
		return false;
	for (int i = 0; i <= 2 * SHIFT_MAX / 8; i++) {
		int shift = (i + 1) / 2 * 8 * (i % 2 ? 1 : -1);

		if (memcmp(window + SHIFT_MAX + shift + 8, formats, sizeof(formats)) == 0) {
			*address += (uint64_t)(int64_t)shift;
			return true;
		}
	}
	return false;
}

/* The first word of the list of native hooks; -ENOENT where it cannot be told. */
static int look_native(const struct wf_python *python, const struct place *place, uint64_t *ret)
{
	uint64_t address = python->runtime + place->native;
	bool found = place->native_proof == PROOF_FORMATS
			     ? find_formats(python, &address)
			     : is_proven(python, address, place->native_proof);

	return found && reads(python, address, ret) ? 0 : -ENOENT;
}

/* The list object, or 0. What is neither is not where hooks are. */
static int look_own(const struct wf_python *python, const struct place *place, uint64_t interp,
		    uint64_t *ret)
{
	uint64_t type;

	if (!is_proven(python, interp + place->own, place->own_proof) ||
	    !reads(python, interp + place->own, ret))
		return -ENOENT;
	if (*ret && python->list_type &&
	    (*ret % 8 || !reads(python, *ret + 8, &type) || type != python->list_type))
		return -ENOENT;
	return 0;
}

int wf_hook_check(const struct wf_python *python, uint64_t interp, struct wf_err *err)
{
	uint64_t native, own;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (places[i].minor != python->minor ||
		    look_native(python, &places[i], &native) < 0 ||
		    look_own(python, &places[i], interp, &own) < 0)
			continue;
		if (!native && !own)
			return 0;
		return wf_err_set(err, ENOTSUP,
				  "process %d has audit hooks (sys.addaudithook): they would see "
				  "wftrace and may end the program; --force goes in all the same",
				  (int)python->pid);
	}
	return wf_err_set(
		err, ENOTSUP,
		"it cannot be told whether process %d has audit hooks: its build of Python "
		"3.%u is laid out in a way that wftrace does not know; --force goes in all "
		"the same",
		(int)python->pid, python->minor);
}
