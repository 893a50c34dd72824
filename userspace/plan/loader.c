/* SPDX-License-Identifier: Apache-2.0 */
#include "loader.h"

#include <errno.h>

#include "cycle.h"
#include "edge.h"
#include "part.h"

static bool leads_to_main(const struct wf_graph *graph, uint32_t from)
{
	const struct wf_part *main = &graph->parts[0];

	for (uint32_t i = from; i < graph->count; i++)
		if (graph->insns[i].target - main->address < main->size)
			return true;
	return false;
}

/*
 * Cold parts that only the unwinder enters (landing pads): nothing jumps to them, but they jump
 * back into the function, often straight to its epilogue.
 */
static int add_landing_parts(struct wf_graph *graph)
{
	const struct wf_part *main = &graph->parts[0];
	const struct wf_cross *cross;
	size_t count;
	int rc;

	if (!graph->jumps)
		return 0;
	cross = wf_jumps_into(graph->jumps, main->address, main->address + main->size, &count);
	for (size_t i = 0; i < count; i++) {
		uint32_t first = graph->count;
		uint64_t start, size;

		if (wf_graph_part_at(graph, cross[i].source) ||
		    wf_graph_is_function(graph->elf, cross[i].source) ||
		    wf_binary_fde(graph->elf, cross[i].source, &start, &size) < 0)
			continue;
		rc = wf_part_add(graph, start, size, true);
		if (rc < 0)
			return rc;
		if (!leads_to_main(graph, first)) {
			/* The scan took data for a jump. */
			wf_part_drop(graph);
			continue;
		}
		rc = wf_edge_link(graph, first);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void clear(struct wf_graph *graph)
{
	graph->part_count = graph->count = graph->byte_count = 0;
	graph->switch_count = graph->target_count = 0;
	graph->unresolved = false;
}

static int load(struct wf_graph *graph, uint64_t address, uint64_t size)
{
	uint64_t start = address, fde_start, fde_size;
	int rc;

	clear(graph);
	if (!wf_binary_fde(graph->elf, address, &fde_start, &fde_size)) {
		start = fde_start;
		size = fde_size;
	}
	rc = wf_part_add(graph, start, size, start == address);
	if (rc < 0)
		return rc;
	graph->entry = wf_graph_find(graph, address);
	if (graph->entry == WF_NO_INSN)
		return -EILSEQ;
	rc = wf_edge_link(graph, 0);
	if (rc >= 0)
		rc = add_landing_parts(graph);
	if (rc >= 0)
		rc = wf_edge_index(graph);
	if (rc >= 0)
		rc = wf_cycle_mark(graph);
	if (rc >= 0)
		rc = wf_reach_mark(graph);
	return rc;
}

int wf_graph_load(struct wf_graph *graph, uint64_t address, uint64_t size, struct wf_err *err)
{
	int rc = load(graph, address, size);

	switch (rc) {
	case 0:
		return 0;
	case -EILSEQ:
		return wf_err_set(err, EILSEQ, "its machine code does not decode to its end");
	case -E2BIG:
		return wf_err_set(err, E2BIG, "it is too large or jumps through too many places");
	case -ENOENT:
		return wf_err_set(err, ENOENT, "its code is not in the file");
	default:
		return wf_err_set(err, -rc, "its control flow could not be read");
	}
}
