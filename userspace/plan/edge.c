/* SPDX-License-Identifier: Apache-2.0 */
#include "edge.h"

#include <errno.h>
#include <string.h>

#include "dispatch.h"
#include "part.h"
#include "userspace/base/grow.h"

/* A jump over a lock prefix leads to the same instruction. */
static uint32_t find_unlocked(const struct wf_graph *graph, uint64_t address)
{
	uint32_t i = wf_graph_find(graph, address - 1);

	return i != WF_NO_INSN && *wf_graph_bytes(graph, i) == 0xf0 ? i : WF_NO_INSN;
}

/* Find the instruction at address, adding the range that it lies in where it is new. The graph's
 * arrays may move: ret must not point into them. */
static int reach(struct wf_graph *graph, uint64_t address, uint32_t *ret)
{
	uint64_t start, size;
	int rc;

	if (!wf_graph_part_at(graph, address)) {
		rc = wf_binary_fde(graph->elf, address, &start, &size);
		if (rc < 0)
			return rc;
		rc = wf_part_add(graph, start, size, !wf_graph_is_function(graph->elf, start));
		if (rc < 0)
			return rc;
	}
	*ret = wf_graph_find(graph, address);
	if (*ret == WF_NO_INSN)
		*ret = find_unlocked(graph, address);
	return *ret == WF_NO_INSN ? -EILSEQ : 0;
}

/*
 * A stub of the linkage table, or any function that is one jump through a pointer. Many functions
 * share it, so it is never made part of one.
 */
static bool is_stub(const struct wf_graph *graph, uint64_t address)
{
	struct wf_insn insns[2];
	uint32_t count = wf_graph_peek(graph->elf, graph->decoder, address, insns, 2);

	return (count > 0 && insns[0].kind == WF_INSN_JMP_INDIRECT) ||
	       (count > 1 && insns[0].kind == WF_INSN_OTHER && insns[0].size == 4 &&
		insns[1].kind == WF_INSN_JMP_INDIRECT && insns[1].size >= 6);
}

/* Behind a call that does not return compilers let code fall, or jump, off the end. */
static bool is_end(const struct wf_graph *graph, uint64_t address)
{
	for (uint32_t i = 0; i < graph->part_count; i++)
		if (address == graph->parts[i].address + graph->parts[i].size)
			return true;
	return false;
}

/* A branch out of all parts so far. 1 = it leads into another part of the function. */
static int classify_outside(struct wf_graph *graph, uint32_t i)
{
	uint64_t target = graph->insns[i].target, start, size;
	bool known = !wf_binary_fde(graph->elf, target, &start, &size), stub;

	if (!known && is_end(graph, target))
		return 0;
	if (!wf_binary_is_text(graph->elf, target)) {
		graph->marks[i] |= WF_MARK_LOST;
		return 0;
	}
	stub = is_stub(graph, target);
	if (known && !stub && (start != target || !wf_graph_is_function(graph->elf, start)))
		return 1;
	graph->marks[i] |= wf_graph_at_return(graph->elf, graph->insns[i].address) ? WF_MARK_LEAVES
										   : WF_MARK_LOST;
	if (stub)
		graph->marks[i] |= WF_MARK_STUB;
	return 0;
}

static int link_branch(struct wf_graph *graph, uint32_t i)
{
	uint64_t target = graph->insns[i].target;
	uint32_t found = WF_NO_INSN;
	int rc;

	if (target == graph->insns[graph->entry].address && graph->insns[i].kind != WF_INSN_LOOP &&
	    wf_graph_at_return(graph->elf, graph->insns[i].address)) {
		graph->marks[i] |= WF_MARK_SELF;
		return 0;
	}
	if (!wf_graph_part_at(graph, target) && !classify_outside(graph, i))
		return 0;
	rc = reach(graph, target, &found);
	graph->to[i] = found;
	return rc;
}

static int add_switch(struct wf_graph *graph, uint32_t i, const uint64_t *addresses, uint32_t count)
{
	uint32_t first = graph->target_count, found = WF_NO_INSN;
	int rc;

	if (first + count > WF_TARGETS_MAX)
		return -E2BIG;
	if (wf_grow(&graph->targets, &graph->target_capacity, first + count,
		    sizeof(*graph->targets)) ||
	    wf_grow(&graph->switches, &graph->switch_capacity, graph->switch_count + 1,
		    sizeof(*graph->switches)))
		return -ENOMEM;
	for (uint32_t k = 0; k < count; k++) {
		rc = reach(graph, addresses[k], &found);
		graph->targets[first + k] = found;
		if (rc < 0)
			return rc;
		graph->marks[graph->targets[first + k]] |= WF_MARK_TABLE;
	}
	graph->target_count += count;
	graph->switches[graph->switch_count] = (struct wf_switch){first, count};
	graph->to[i] = graph->switch_count++;
	return 0;
}

static int link_indirect(struct wf_graph *graph, uint32_t i)
{
	uint64_t targets[WF_TABLE_MAX];
	uint32_t count = 0;

	switch (wf_dispatch_resolve(graph, i, targets, &count)) {
	case WF_DISPATCH_RESOLVED:
		if (!add_switch(graph, i, targets, count))
			return 0;
		graph->to[i] = WF_NO_INSN;
		graph->unresolved = true;
		return 0;
	case WF_DISPATCH_UNKNOWN:
		graph->unresolved = true;
		return 0;
	default:
		graph->marks[i] |= WF_MARK_LEAVES;
		return 0;
	}
}

/* Parts that are added on the way are linked in the same pass. */
int wf_edge_link(struct wf_graph *graph, uint32_t from)
{
	int rc = 0;

	for (uint32_t i = from; i < graph->count && rc >= 0; i++) {
		switch (graph->insns[i].kind) {
		case WF_INSN_JMP:
		case WF_INSN_JCC:
		case WF_INSN_LOOP:
			rc = link_branch(graph, i);
			break;
		case WF_INSN_JMP_INDIRECT:
			rc = link_indirect(graph, i);
			break;
		default:
			break;
		}
	}
	return rc;
}

int wf_edge_index(struct wf_graph *graph)
{
	uint32_t edges = 0;

	if (wf_grow(&graph->in_first, &graph->in_capacity, graph->count + 2,
		    sizeof(*graph->in_first)))
		return -ENOMEM;
	memset(graph->in_first, 0, (graph->count + 2) * sizeof(*graph->in_first));
	for (uint32_t i = 0; i < graph->count; i++)
		if (graph->insns[i].kind != WF_INSN_JMP_INDIRECT && graph->to[i] != WF_NO_INSN) {
			graph->in_first[graph->to[i] + 2]++;
			edges++;
		}
	if (wf_grow(&graph->in_from, &graph->edge_capacity, edges, sizeof(*graph->in_from)))
		return -ENOMEM;
	for (uint32_t i = 2; i < graph->count + 2; i++)
		graph->in_first[i] += graph->in_first[i - 1];
	for (uint32_t i = 0; i < graph->count; i++)
		if (graph->insns[i].kind != WF_INSN_JMP_INDIRECT && graph->to[i] != WF_NO_INSN)
			graph->in_from[graph->in_first[graph->to[i] + 1]++] = i;
	return 0;
}
