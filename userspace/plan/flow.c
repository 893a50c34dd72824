/* SPDX-License-Identifier: Apache-2.0 */
#include "flow.h"

#include <errno.h>
#include <stdlib.h>

/* Arrays with one element for each instruction. */
struct flow {
	uint32_t *order; /* after all that it may be reached from, but for loops; last first */
	uint32_t *rank;  /* place in order + 1, 0 = not seen, UINT32_MAX = on the way */
	uint32_t *work, *turn;
	double *share;  /* of all calls, that come here */
	double *passed; /* sum over those */
	uint8_t *site;
	uint32_t count;
};

static void flow_done(struct flow *flow)
{
	free(flow->order);
	free(flow->share);
	free(flow->site);
}

static int flow_init(struct flow *flow, uint32_t count)
{
	*flow = (struct flow){.order = calloc(count, 4 * sizeof(*flow->order)),
			      .share = calloc(count, 2 * sizeof(*flow->share)),
			      .site = calloc(count, 1)};
	if (!flow->order || !flow->share || !flow->site)
		return -ENOMEM;
	flow->rank = flow->order + count;
	flow->work = flow->rank + count;
	flow->turn = flow->work + count;
	flow->passed = flow->share + count;
	return 0;
}

/* Depth first; an instruction is ordered when all behind it are. */
static void sort(const struct wf_graph *graph, struct flow *flow)
{
	uint32_t depth = 0;

	flow->work[depth++] = graph->entry;
	flow->rank[graph->entry] = UINT32_MAX;
	while (depth) {
		uint32_t v = flow->work[depth - 1];
		uint32_t next = wf_graph_next(graph, v, flow->turn[v]++);

		if (next == WF_NO_INSN) {
			flow->order[flow->count++] = v;
			flow->rank[v] = flow->count;
			depth--;
		} else if (!flow->rank[next]) {
			flow->rank[next] = UINT32_MAX;
			flow->work[depth++] = next;
		}
	}
}

/* Ways that do not lead back in a loop: those ordered before it. */
static bool leads_on(const struct flow *flow, uint32_t from, uint32_t to)
{
	return flow->rank[to] < flow->rank[from];
}

static void spread(const struct wf_graph *graph, struct flow *flow, uint32_t v)
{
	uint32_t ways = 0, next;

	for (uint32_t n = 0; (next = wf_graph_next(graph, v, n)) != WF_NO_INSN; n++)
		ways += leads_on(flow, v, next);
	for (uint32_t n = 0; ways && (next = wf_graph_next(graph, v, n)) != WF_NO_INSN; n++) {
		if (!leads_on(flow, v, next))
			continue;
		flow->share[next] += flow->share[v] / ways;
		flow->passed[next] +=
			(flow->passed[v] + (flow->site[v] ? flow->share[v] : 0)) / ways;
	}
}

int wf_flow_passed(const struct wf_graph *graph, const uint32_t *sites, uint32_t site_count,
		   const uint32_t *at, uint32_t count, float *passed)
{
	struct flow flow;
	int rc = flow_init(&flow, graph->count);

	if (rc < 0) {
		flow_done(&flow);
		return rc;
	}
	for (uint32_t i = 0; i < site_count; i++)
		flow.site[sites[i]] = 1;
	sort(graph, &flow);
	flow.share[graph->entry] = 1;
	for (uint32_t i = flow.count; i-- > 0;)
		spread(graph, &flow, flow.order[i]);
	for (uint32_t i = 0; i < count; i++)
		passed[i] =
			flow.share[at[i]] > 0 ? (float)(flow.passed[at[i]] / flow.share[at[i]]) : 0;
	flow_done(&flow);
	return 0;
}
