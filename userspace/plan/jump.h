/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jump.h - direct jumps and calls between the functions of one file.
 *
 * One linear scan of the text. It looks at bytes, not at instructions, so it may list jumps that
 * do not exist: users check what they act on.
 */
#ifndef WF_JUMP_H
#define WF_JUMP_H

#include <stdint.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/err.h"
#include "userspace/target/binary.h"

struct wf_jumps;

/* A jump into the middle of a function from outside of it. */
struct wf_cross {
	uint64_t target;
	uint64_t source; /* start of the unwind entry that it comes from */
};

int wf_jumps_new(struct wf_binary *elf, struct wf_jumps **ret, struct wf_err *err);
void wf_jumps_free(struct wf_jumps *jumps);

/* How many functions jump to this function's start. */
uint32_t wf_jumps_jumpers(const struct wf_jumps *jumps, uint64_t function);
/* How many calls of it there are: at most 255, and now and then too many. */
uint32_t wf_jumps_calls(const struct wf_jumps *jumps, uint64_t function);
/* Jumps to from <= target < to, by target. */
const struct wf_cross *wf_jumps_into(const struct wf_jumps *jumps, uint64_t from, uint64_t to,
				     size_t *ret_count);

WF_DEFINE_FREEP(wf_jumps_freep, struct wf_jumps, wf_jumps_free)

#endif
