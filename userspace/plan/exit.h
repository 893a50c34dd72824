/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exit.h - where calls of one function end: by RET, a cheap site before each where there is one,
 * and by jumps to other functions.
 *
 * A branch site is the last jump before the epilogue; it is only used for a RET if every way to
 * that RET passes such a site and nothing but a few instructions lies between. Pure.
 */
#ifndef WF_EXIT_H
#define WF_EXIT_H

#include "graph.h"
#include "source.h"

struct wf_exit_site {
	uint64_t address;
	uint32_t insn;
	uint8_t kind;      /* WF_SITE_BRANCH or WF_SITE_RET */
	uint8_t condition; /* x86 condition code */
	uint8_t direction; /* 1 leaves when taken, 2 when not, 3 always */
	struct wf_cfa cfa;
	struct wf_location value; /* of the return value at this site */
	float passed;             /* other branch sites that a call passes before, on average */
};

/* A jump out of the function, with the stack as at its entry. */
struct wf_leave {
	uint64_t address;
	uint64_t target; /* 0 = through a pointer */
	uint32_t insn;
	uint8_t condition, direction;
	bool self;     /* back to the function's own start */
	bool emulated; /* cost of a probe on it */
	bool unprobed; /* the kernel cannot probe it */
	float passed;  /* as in wf_exit_site */
};

struct wf_exits {
	struct wf_exit_site *exits;
	struct wf_leave *leaves;
	uint32_t exit_count, exit_capacity;
	uint32_t leave_count, leave_capacity;
	bool lost; /* a path jumps away with its frame: calls that take it are not seen to end */
};

struct wf_exit_wants {
	bool ret_only;
	uint32_t sites_max;               /* conditional sites for one RET */
	const struct wf_operand *returns; /* values that each exit must be able to give */
	uint32_t return_count;
};

/* Fills `ret`, which keeps its memory from call to call. -ENOMEM. */
int wf_exit_plan(const struct wf_graph *graph, const struct wf_exit_wants *wants,
		 struct wf_exits *ret);
void wf_exits_done(struct wf_exits *exits);

#endif
