/* SPDX-License-Identifier: Apache-2.0 */
#include "graph.h"

#include <errno.h>
#include <stdlib.h>

#define PEEK_BYTES 16

int wf_graph_new(struct wf_binary *elf, struct wf_decoder *decoder, const struct wf_jumps *jumps,
		 struct wf_relocs *relocs, struct wf_graph **ret, struct wf_err *err)
{
	struct wf_graph *graph = calloc(1, sizeof(*graph));

	if (!graph)
		return wf_err_set(err, ENOMEM, "out of memory");
	graph->elf = elf;
	graph->decoder = decoder;
	graph->jumps = jumps;
	graph->relocs = relocs;
	*ret = graph;
	return 0;
}

void wf_graph_free(struct wf_graph *graph)
{
	if (!graph)
		return;
	free(graph->bytes);
	free(graph->insns);
	free(graph->marks);
	free(graph->to);
	free(graph->switches);
	free(graph->targets);
	free(graph->in_first);
	free(graph->in_from);
	free(graph->scratch);
	free(graph);
}

const struct wf_part *wf_graph_part_at(const struct wf_graph *graph, uint64_t address)
{
	for (uint32_t i = 0; i < graph->part_count; i++)
		if (address - graph->parts[i].address < graph->parts[i].size)
			return &graph->parts[i];
	return NULL;
}

static uint32_t find_in(const struct wf_graph *graph, const struct wf_part *part, uint64_t address)
{
	uint32_t low = part->first, high = part->first + part->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (graph->insns[middle].address == address)
			return middle;
		if (graph->insns[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return WF_NO_INSN;
}

uint32_t wf_graph_find(const struct wf_graph *graph, uint64_t address)
{
	const struct wf_part *part = wf_graph_part_at(graph, address);

	return part ? find_in(graph, part, address) : WF_NO_INSN;
}

const struct wf_part *wf_graph_part(const struct wf_graph *graph, uint32_t insn)
{
	return wf_graph_part_at(graph, graph->insns[insn].address);
}

const uint8_t *wf_graph_bytes(const struct wf_graph *graph, uint32_t insn)
{
	const struct wf_part *part = wf_graph_part(graph, insn);

	return graph->bytes + part->bytes + (graph->insns[insn].address - part->address);
}

int wf_graph_detail(const struct wf_graph *graph, uint32_t insn, struct wf_detail *ret)
{
	return wf_decoder_detail(graph->decoder, wf_graph_bytes(graph, insn), &graph->insns[insn],
				 ret);
}

static uint32_t following(const struct wf_graph *graph, uint32_t insn)
{
	const struct wf_insn *at = &graph->insns[insn], *next = at + 1;

	if (insn + 1 == graph->count || next->address != at->address + at->size)
		return WF_NO_INSN;
	return insn + 1;
}

uint32_t wf_graph_next(const struct wf_graph *graph, uint32_t insn, uint32_t n)
{
	const struct wf_switch *table;
	uint32_t to = graph->to[insn];

	switch (graph->insns[insn].kind) {
	case WF_INSN_RET:
	case WF_INSN_TRAP:
		return WF_NO_INSN;
	case WF_INSN_JMP:
		return n ? WF_NO_INSN : to;
	case WF_INSN_JMP_INDIRECT:
		if (to == WF_NO_INSN)
			return WF_NO_INSN;
		table = &graph->switches[to];
		return n < table->count ? graph->targets[table->first + n] : WF_NO_INSN;
	case WF_INSN_JCC:
	case WF_INSN_LOOP:
		if (n > 1)
			return WF_NO_INSN;
		/* Where one of the two leaves, the other one comes first. */
		if (following(graph, insn) == WF_NO_INSN || to == WF_NO_INSN)
			return n ? WF_NO_INSN : (to == WF_NO_INSN ? following(graph, insn) : to);
		return n ? to : following(graph, insn);
	default:
		return n ? WF_NO_INSN : following(graph, insn);
	}
}

bool wf_graph_at_return(struct wf_binary *elf, uint64_t address)
{
	struct wf_cfa cfa;

	if (wf_binary_cfa(elf, address, &cfa) < 0)
		return true;
	return cfa.reg == WF_REG_RSP && cfa.offset == 8;
}

bool wf_graph_is_function(struct wf_binary *elf, uint64_t start)
{
	const struct wf_symbol *symbol = wf_binary_symbol_at(elf, start);

	if (symbol && symbol->address == start && (symbol->flags & WF_SYM_COLD))
		return false;
	return wf_graph_at_return(elf, start);
}

bool wf_graph_accepts(const struct wf_graph *graph, uint32_t insn, uint64_t address)
{
	struct wf_cfa here, there;
	uint64_t start, size;

	if (wf_graph_part_at(graph, address))
		return wf_graph_find(graph, address) != WF_NO_INSN;
	if (wf_binary_fde(graph->elf, address, &start, &size) < 0 ||
	    wf_graph_is_function(graph->elf, start))
		return false;
	return !wf_binary_cfa(graph->elf, graph->insns[insn].address, &here) &&
	       !wf_binary_cfa(graph->elf, address, &there) && here.reg == there.reg &&
	       here.offset == there.offset;
}

uint32_t wf_graph_peek(struct wf_binary *elf, struct wf_decoder *decoder, uint64_t address,
		       struct wf_insn *out, uint32_t max)
{
	const uint8_t *bytes = NULL;
	size_t size = PEEK_BYTES;
	uint32_t count = 0;

	while (size && !(bytes = wf_binary_bytes(elf, address, size)))
		size--;
	if (bytes)
		wf_decoder_run(decoder, bytes, size, address, out, max, &count);
	return count;
}
