/* SPDX-License-Identifier: Apache-2.0 */
#include "entry.h"

#include <errno.h>

#define SCAN_MAX 16 /* instructions; what is behind is no entry any more */

/* A probe may sit here at all, whatever it costs. */
static bool may_probe(const struct wf_insn *insn, const struct wf_entry_wants *wants)
{
	if (insn->flags & WF_INSN_REFUSED || insn->kind == WF_INSN_TRAP)
		return false;
	/* A single-stepped or emulated call may leave the shadow stack behind. */
	if (insn->kind == WF_INSN_CALL || insn->kind == WF_INSN_CALL_INDIRECT)
		return false;
	return !(insn->kind == WF_INSN_NOP5 && wants->nop5_unsafe);
}

/* Something else than the instruction before may lead here, or callers may enter here. */
static bool is_joined(const struct wf_graph *graph, uint32_t i)
{
	uint64_t address = graph->insns[i].address;
	const struct wf_symbol *symbol;
	size_t count = 0;

	if (graph->in_first[i] != graph->in_first[i + 1] || graph->marks[i] & WF_MARK_TABLE)
		return true;
	symbol = wf_binary_symbol_at(graph->elf, address);
	if (symbol && symbol->address == address)
		return true;
	if (graph->jumps)
		wf_jumps_into(graph->jumps, address, address + 1, &count);
	return count != 0;
}

static bool goes_straight(const struct wf_insn *insn)
{
	return insn->kind == WF_INSN_OTHER || insn->kind == WF_INSN_PUSH ||
	       insn->kind == WF_INSN_NOP1 || insn->kind == WF_INSN_NOP_LONG ||
	       insn->kind == WF_INSN_NOP5;
}

/* The instruction leaves everything that the probe wants as it was. */
static bool keeps(const struct wf_graph *graph, uint32_t i, const struct wf_entry_wants *wants)
{
	struct wf_detail detail;

	if (graph->insns[i].kind == WF_INSN_PUSH || wf_graph_detail(graph, i, &detail) < 0)
		return false;
	if (detail.written & (wants->registers | 1u << WF_REG_RSP))
		return false;
	return !(wants->memory && detail.writes_memory);
}

static int refuse(const struct wf_graph *graph, struct wf_err *err)
{
	const struct wf_insn *first = &graph->insns[graph->entry];

	if (first->kind == WF_INSN_NOP5)
		return wf_err_set(err, ENOTSUP,
				  "its only site is a 5-byte NOP, and this kernel's way of probing "
				  "those corrupts programs");
	if (first->kind == WF_INSN_TRAP)
		return wf_err_set(err, ENOTSUP, "it starts with a trap instruction");
	return wf_err_set(err, ENOTSUP, "the kernel cannot probe the instruction it starts with");
}

int wf_entry_plan(const struct wf_graph *graph, const struct wf_entry_wants *wants,
		  struct wf_entry *ret, struct wf_err *err)
{
	uint32_t fallback = WF_NO_INSN, end = graph->entry + SCAN_MAX;
	const struct wf_part *part = wf_graph_part(graph, graph->entry);

	if (end > part->first + part->count)
		end = part->first + part->count;
	for (uint32_t i = graph->entry; i < end; i++) {
		const struct wf_insn *insn = &graph->insns[i];

		if (i != graph->entry && is_joined(graph, i))
			break;
		if (wf_insn_is_emulated(insn)) {
			*ret = (struct wf_entry){i, true};
			return 0;
		}
		if (fallback == WF_NO_INSN && may_probe(insn, wants))
			fallback = i;
		if (wants->stay || !goes_straight(insn) || !keeps(graph, i, wants))
			break;
	}
	if (fallback == WF_NO_INSN)
		return refuse(graph, err);
	*ret = (struct wf_entry){fallback, false};
	return 0;
}
