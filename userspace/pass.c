/* SPDX-License-Identifier: Apache-2.0 */
#include "pass.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX (1u << 18) /* instructions walked over for one function */

struct flood {
	const struct wf_graph *graph;
	bool *reached;
	uint32_t *todo;
	uint32_t count;
};

static void reach(struct flood *flood, uint32_t insn)
{
	if (flood->reached[insn])
		return;
	flood->reached[insn] = true;
	flood->todo[flood->count++] = insn;
}

/* All that can run if control stops at `wall`. */
static void run_flood(struct flood *flood, uint32_t wall)
{
	memset(flood->reached, 0, flood->graph->count * sizeof(*flood->reached));
	reach(flood, flood->graph->entry);
	while (flood->count) {
		uint32_t insn = flood->todo[--flood->count], next;

		if (insn == wall)
			continue;
		for (uint32_t n = 0; (next = wf_graph_next(flood->graph, insn, n)) != WF_NO_INSN;
		     n++)
			reach(flood, next);
	}
}

int wf_pass_count(const struct wf_graph *graph, const uint32_t *branches, uint32_t branch_count,
		  const uint32_t *ways, uint32_t way_count, uint32_t *ret)
{
	wf_auto(wf_freep) bool *reached = NULL;
	wf_auto(wf_freep) uint32_t *todo = NULL;
	struct flood flood = {.graph = graph};

	*ret = 0;
	if (!branch_count || way_count < 2 || graph->count > STEPS_MAX / branch_count)
		return 0;
	flood.reached = reached = calloc(graph->count, sizeof(*reached));
	flood.todo = todo = calloc(graph->count, sizeof(*todo));
	if (!reached || !todo)
		return -ENOMEM;
	for (uint32_t i = 0; i < branch_count; i++) {
		run_flood(&flood, branches[i]);
		for (uint32_t k = 0; k < way_count; k++)
			*ret += !reached[ways[k]];
	}
	return 0;
}
