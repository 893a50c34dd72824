/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbolic.h - the target of an indirect jump as a sum of constants, unknowns and one load.
 *
 * A window of straight-line code before the jump is run on symbolic values. Unknowns are numbered:
 * 1..16 are the registers (enum wf_reg + 1) at the window's start, higher ones appear on the way.
 * Pure.
 */
#ifndef WF_SYMBOLIC_H
#define WF_SYMBOLIC_H

#include "graph.h"

/* constant + scale[0] * unknown[0] + scale[1] * unknown[1]; id 0 = absent */
struct wf_linear {
	int64_t constant;
	uint32_t id[2];
	uint8_t scale[2];
};

/* sum + load of `load_width` bytes at load_at; no load where load_width is 0 */
struct wf_target_value {
	struct wf_linear sum;
	struct wf_linear load_at;
	uint8_t load_width;
	bool load_signed;
	uint32_t limit; /* the load's scaled unknown is below this on the way here; 0 = unknown */
	bool limit_checked; /* by a compare; else it only has no more bits */
};

/* False where the jump's target does not have this form. */
bool wf_symbolic_target(const struct wf_graph *graph, uint32_t insn, struct wf_target_value *ret);

#endif
