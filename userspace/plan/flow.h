/* SPDX-License-Identifier: Apache-2.0 */
/* flow.h - how many probed branches a call passes before it gets to an instruction. */
#ifndef WF_FLOW_H
#define WF_FLOW_H

#include "graph.h"

/*
 * Every branch is taken as likely as not, and a loop is left the first time. passed[i] is the mean
 * number of `sites` on the way from the entry to at[i], itself not counted. -ENOMEM.
 */
int wf_flow_passed(const struct wf_graph *graph, const uint32_t *sites, uint32_t site_count,
		   const uint32_t *at, uint32_t count, float *passed);

#endif
