/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry.h - where to probe the entry of a function: the first cheap instruction at which the
 * stack pointer and the wanted arguments are still as the caller left them. Pure.
 */
#ifndef WF_ENTRY_H
#define WF_ENTRY_H

#include "graph.h"

struct wf_entry_wants {
	uint32_t registers; /* 1 << enum wf_reg: must be intact */
	bool memory;        /* values behind pointers are read: nothing may be stored before */
	bool stay;          /* hand-written assembly: only the first instruction */
	bool nop5_unsafe;   /* never a 5-byte NOP */
};

struct wf_entry {
	uint32_t insn;
	bool emulated; /* the kernel emulates the instruction there */
};

/* -ENOTSUP with a reason where no instruction will do. */
int wf_entry_plan(const struct wf_graph *graph, const struct wf_entry_wants *wants,
		  struct wf_entry *ret, struct wf_err *err);

#endif
