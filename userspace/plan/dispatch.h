/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dispatch.h - where an indirect jump leads: the switch tables of gcc and clang.
 *
 * The instructions before the jump are evaluated on symbolic values; the jump is a switch if its
 * target turns out to be an entry of a read-only table (absolute, or relative to an address).
 */
#ifndef WF_DISPATCH_H
#define WF_DISPATCH_H

#include "graph.h"

enum wf_dispatch_answer {
	WF_DISPATCH_RESOLVED,
	WF_DISPATCH_UNKNOWN, /* a switch, but its table was not understood */
	WF_DISPATCH_NONE,    /* no switch: a jump to a function through a pointer */
};

/* targets holds WF_TABLE_MAX addresses. */
enum wf_dispatch_answer wf_dispatch_resolve(const struct wf_graph *graph, uint32_t insn,
					    uint64_t *targets, uint32_t *ret_count);

#endif
