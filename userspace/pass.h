/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pass.h - exit sites that a call passes without leaving there: each costs a trap. Pure.
 */
#ifndef WF_PASS_H
#define WF_PASS_H

#include "graph.h"

/*
 * `branches` are conditional exit sites, `ways` the instructions where calls end (the branches
 * among them). Counts the pairs of a branch and another way out to which every path leads by that
 * branch. 0 where the function is too large to tell. -ENOMEM.
 */
int wf_pass_count(const struct wf_graph *graph, const uint32_t *branches, uint32_t branch_count,
		  const uint32_t *ways, uint32_t way_count, uint32_t *ret);

#endif
