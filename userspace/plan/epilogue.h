/* SPDX-License-Identifier: Apache-2.0 */
/*
 * epilogue.h - the straight code before a RET: which jumps lead into it, and what it does to the
 * stack pointer and to the return value. Pure.
 */
#ifndef WF_EPILOGUE_H
#define WF_EPILOGUE_H

#include "graph.h"
#include "source.h"

#define WF_EDGES_MAX 64

struct wf_edge {
	uint32_t insn;     /* the jump */
	uint32_t landing;  /* where it enters the straight code */
	uint8_t direction; /* 1 enters when taken, 2 when not, 3 always */
};

/*
 * All ways into the straight code that ends at `ret`. False where one of them is no plain jump: a
 * call, the function's start, a switch, a landing pad.
 */
bool wf_epilogue_edges(const struct wf_graph *graph, uint32_t ret, struct wf_edge *edges,
		       uint32_t *ret_count);

/* Where the value that rax has at `ret` lies when control enters at `landing`. */
void wf_epilogue_value(const struct wf_graph *graph, uint32_t landing, uint32_t ret,
		       struct wf_location *place);

/* The frame at `landing`, from what the code does until `ret`; false where that cannot be told. */
bool wf_epilogue_frame(const struct wf_graph *graph, uint32_t landing, uint32_t ret,
		       struct wf_cfa *cfa);

#endif
