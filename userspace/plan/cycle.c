/* SPDX-License-Identifier: Apache-2.0 */
#include "cycle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Arrays of one run, carved from the graph's scratch memory. */
struct tarjan {
	uint32_t *index, *low; /* index 0 = not seen; low UINT32_MAX = component closed */
	uint32_t *stack, *work, *turn;
	uint32_t depth, work_depth, clock;
};

static int carve(struct wf_graph *graph, uint32_t arrays)
{
	uint32_t *grown;

	if (graph->scratch_capacity < graph->count * arrays) {
		grown = reallocarray(graph->scratch, graph->count, arrays * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		graph->scratch = grown;
		graph->scratch_capacity = graph->count * arrays;
	}
	memset(graph->scratch, 0, (size_t)graph->count * arrays * sizeof(*graph->scratch));
	return 0;
}

static void close_component(struct wf_graph *graph, struct tarjan *t, uint32_t root)
{
	bool many = t->stack[t->depth - 1] != root;
	uint32_t v;

	do {
		v = t->stack[--t->depth];
		t->low[v] = UINT32_MAX;
		if (many)
			graph->marks[v] |= WF_MARK_CYCLE;
	} while (v != root);
}

static void enter(struct tarjan *t, uint32_t v)
{
	t->index[v] = t->low[v] = ++t->clock;
	t->stack[t->depth++] = v;
	t->turn[v] = 0;
	t->work[t->work_depth++] = v;
}

static void visit(struct wf_graph *graph, struct tarjan *t, uint32_t root)
{
	enter(t, root);
	while (t->work_depth) {
		uint32_t v = t->work[t->work_depth - 1];
		uint32_t next = wf_graph_next(graph, v, t->turn[v]++);

		if (next == WF_NO_INSN) {
			uint32_t low = t->low[v];

			t->work_depth--;
			if (low == t->index[v])
				close_component(graph, t, v);
			if (t->work_depth && low < t->low[t->work[t->work_depth - 1]])
				t->low[t->work[t->work_depth - 1]] = low;
		} else if (!t->index[next]) {
			enter(t, next);
		} else if (t->low[next] != UINT32_MAX && t->index[next] < t->low[v]) {
			t->low[v] = t->index[next];
		}
		if (next == v)
			graph->marks[v] |= WF_MARK_CYCLE;
	}
}

/* Without a jump backwards there is no cycle; most functions are done here. */
static bool only_forward(const struct wf_graph *graph)
{
	for (uint32_t i = 0; i < graph->count; i++) {
		const struct wf_switch *table;

		if (graph->to[i] == WF_NO_INSN)
			continue;
		if (graph->insns[i].kind != WF_INSN_JMP_INDIRECT) {
			if (graph->to[i] <= i)
				return false;
			continue;
		}
		table = &graph->switches[graph->to[i]];
		for (uint32_t k = 0; k < table->count; k++)
			if (graph->targets[table->first + k] <= i)
				return false;
	}
	return true;
}

int wf_cycle_mark(struct wf_graph *graph)
{
	struct tarjan t = {0};
	int rc;

	if (only_forward(graph))
		return 0;
	rc = carve(graph, 5);
	if (rc < 0)
		return rc;
	t.index = graph->scratch;
	t.low = t.index + graph->count;
	t.stack = t.low + graph->count;
	t.work = t.stack + graph->count;
	t.turn = t.work + graph->count;
	for (uint32_t i = 0; i < graph->count; i++)
		if (!t.index[i])
			visit(graph, &t, i);
	return 0;
}

int wf_reach_mark(struct wf_graph *graph)
{
	uint32_t *work, depth = 0;
	bool foreign = false;
	int rc;

	for (uint32_t p = 0; p < graph->part_count; p++)
		if (graph->parts[p].own)
			for (uint32_t i = 0; i < graph->parts[p].count; i++)
				graph->marks[graph->parts[p].first + i] |= WF_MARK_REACHED;
		else
			foreign = true;
	if (!foreign)
		return 0;
	rc = carve(graph, 1);
	if (rc < 0)
		return rc;
	work = graph->scratch;
	graph->marks[graph->entry] |= WF_MARK_REACHED;
	/* Everything reached so far may lead on; each instruction is queued once. */
	for (uint32_t i = 0; i < graph->count; i++)
		if (graph->marks[i] & WF_MARK_REACHED)
			work[depth++] = i;
	while (depth) {
		uint32_t v = work[--depth], next;

		for (uint32_t n = 0; (next = wf_graph_next(graph, v, n)) != WF_NO_INSN; n++)
			if (!(graph->marks[next] & WF_MARK_REACHED)) {
				graph->marks[next] |= WF_MARK_REACHED;
				work[depth++] = next;
			}
	}
	return 0;
}
