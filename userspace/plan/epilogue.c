/* SPDX-License-Identifier: Apache-2.0 */
#include "epilogue.h"

#include <string.h>

#define LENGTH_MAX 96 /* instructions: more than an epilogue, still far below a microsecond */

struct walk {
	const struct wf_graph *graph;
	struct wf_edge *edges;
	uint32_t count;
};

static bool add_edge(struct walk *walk, uint32_t insn, uint32_t landing, uint8_t direction)
{
	if (walk->count == WF_EDGES_MAX)
		return false;
	walk->edges[walk->count++] = (struct wf_edge){insn, landing, direction};
	return true;
}

static bool add_jumps_to(struct walk *walk, uint32_t landing)
{
	const struct wf_graph *graph = walk->graph;

	for (uint32_t k = graph->in_first[landing]; k < graph->in_first[landing + 1]; k++) {
		uint32_t from = graph->in_from[k];

		if (!(graph->marks[from] & WF_MARK_REACHED))
			continue;
		if (graph->insns[from].kind == WF_INSN_LOOP ||
		    !add_edge(walk, from, landing, graph->insns[from].kind == WF_INSN_JMP ? 3 : 1))
			return false;
	}
	return true;
}

static bool goes_on(uint8_t kind)
{
	return kind == WF_INSN_OTHER || kind == WF_INSN_PUSH || kind == WF_INSN_NOP1 ||
	       kind == WF_INSN_NOP_LONG || kind == WF_INSN_NOP5;
}

static bool is_first(const struct wf_graph *graph, uint32_t i)
{
	const struct wf_insn *insn = &graph->insns[i];

	return i == 0 || insn[-1].address + insn[-1].size != insn->address;
}

static bool is_padding(uint8_t kind)
{
	return kind == WF_INSN_NOP1 || kind == WF_INSN_NOP_LONG || kind == WF_INSN_NOP5;
}

/*
 * The straight code begins at `first`, and nothing falls into it. Jumps lead there, or to behind
 * some padding; a block that no jump leads to is entered by the unwinder.
 */
static bool begins_with_jumps(const struct walk *walk, uint32_t first)
{
	while (is_padding(walk->graph->insns[first].kind) &&
	       (!walk->count || walk->edges[walk->count - 1].landing != first))
		first++;
	return walk->count && walk->edges[walk->count - 1].landing == first;
}

/* One instruction of the straight code. 1 = go on, 0 = all ways are known, -1 = give up. */
static int step_back(struct walk *walk, uint32_t i)
{
	const struct wf_graph *graph = walk->graph;
	const struct wf_insn *previous = &graph->insns[i - 1];

	if (i == graph->entry || graph->marks[i] & WF_MARK_TABLE || !add_jumps_to(walk, i))
		return -1;
	if (is_first(graph, i) || wf_insn_ends(previous))
		return begins_with_jumps(walk, i) ? 0 : -1;
	if (previous->kind == WF_INSN_JCC)
		return add_edge(walk, i - 1, i, 2) ? 0 : -1;
	return goes_on(previous->kind) ? 1 : -1;
}

bool wf_epilogue_edges(const struct wf_graph *graph, uint32_t ret, struct wf_edge *edges,
		       uint32_t *ret_count)
{
	struct walk walk = {graph, edges, 0};
	int rc = 1;

	*ret_count = 0;
	if (graph->unresolved)
		return false;
	for (uint32_t i = ret; rc > 0 && ret - i < LENGTH_MAX; i--)
		rc = step_back(&walk, i);
	*ret_count = walk.count;
	return rc == 0;
}

/* State of the walk from the landing to the RET. */
struct flow {
	uint32_t written; /* registers */
	bool stored;
};

static bool intact(const struct flow *flow, uint8_t reg)
{
	return reg < 16 && !(flow->written & 1u << reg);
}

static void load(const struct flow *flow, const struct wf_detail *detail, struct wf_location *place)
{
	const struct wf_memory *memory = &detail->memory;

	if (!memory->valid || memory->index != WF_REG_NONE || !intact(flow, memory->base) ||
	    flow->stored || memory->disp < INT32_MIN || memory->disp > INT32_MAX)
		return;
	place->kind = WF_AT_MEMORY;
	place->reg = memory->base;
	place->width = detail->width;
	place->disp = (int32_t)memory->disp;
}

static void move(const struct flow *flow, const struct wf_detail *detail,
		 const struct wf_location *before, struct wf_location *place)
{
	if (detail->src == WF_REG_RAX) {
		*place = *before;
		if (place->kind != WF_AT_CONSTANT && detail->width < place->width)
			place->width = detail->width;
		if (place->kind == WF_AT_CONSTANT && detail->width < 8)
			place->kind = WF_AT_UNKNOWN;
		return;
	}
	if (!intact(flow, detail->src))
		return;
	place->kind = WF_AT_REGISTER;
	place->reg = detail->src;
	place->width = detail->width;
}

/* The instruction writes rax: where does the new value come from? */
static void replace(const struct flow *flow, const struct wf_detail *detail,
		    struct wf_location *place)
{
	struct wf_location before = *place;

	*place = (struct wf_location){.kind = WF_AT_UNKNOWN};
	if (detail->dst != WF_REG_RAX)
		return;
	switch (detail->form) {
	case WF_FORM_CONSTANT:
		place->kind = WF_AT_CONSTANT;
		place->constant = detail->imm;
		break;
	case WF_FORM_MOVE:
	case WF_FORM_ZERO_EXTEND:
	case WF_FORM_SIGN_EXTEND:
		move(flow, detail, &before, place);
		break;
	case WF_FORM_LOAD:
	case WF_FORM_LOAD_SIGNED:
		load(flow, detail, place);
		break;
	default:
		break;
	}
}

void wf_epilogue_value(const struct wf_graph *graph, uint32_t landing, uint32_t ret,
		       struct wf_location *place)
{
	struct flow flow = {0};
	struct wf_detail detail;

	*place = (struct wf_location){.kind = WF_AT_REGISTER, .reg = WF_REG_RAX, .width = 8};
	for (uint32_t i = landing; i < ret; i++) {
		if (wf_graph_detail(graph, i, &detail) < 0) {
			place->kind = WF_AT_UNKNOWN;
			return;
		}
		if (detail.written & 1u << WF_REG_RAX)
			replace(&flow, &detail, place);
		flow.written |= detail.written;
		flow.stored = flow.stored || detail.writes_memory;
	}
	place->stored = flow.stored;
}

/* Where the stack pointer is, seen from the landing: reg + offset. */
struct stack {
	uint8_t reg;
	int32_t offset;
};

/* pop of a register other than the stack pointer */
static bool is_pop(const struct wf_insn *insn, const uint8_t *bytes)
{
	if (insn->size == 1)
		return (bytes[0] & 0xf8) == 0x58 && bytes[0] != 0x5c;
	return insn->size == 2 && bytes[0] == 0x41 && (bytes[1] & 0xf8) == 0x58;
}

/* pop, push, add or sub of a constant: how far the stack pointer moves. */
static bool moves_stack(const struct wf_insn *insn, const uint8_t *bytes, int32_t *ret)
{
	if (is_pop(insn, bytes)) {
		*ret = 8;
		return true;
	}
	if (insn->kind == WF_INSN_PUSH) {
		*ret = -8;
		return true;
	}
	if (insn->size < 4 || bytes[0] != 0x48 || (bytes[2] != 0xc4 && bytes[2] != 0xec))
		return false;
	if (bytes[1] == 0x83 && insn->size == 4)
		*ret = (int8_t)bytes[3];
	else if (bytes[1] == 0x81 && insn->size == 7)
		memcpy(ret, bytes + 3, sizeof(*ret));
	else
		return false;
	if (bytes[2] == 0xec)
		*ret = -*ret;
	return true;
}

/* An address that is a register plus a constant of a stack frame's size. */
static bool is_near(const struct wf_memory *memory)
{
	return memory->valid && memory->index == WF_REG_NONE && memory->disp >= INT16_MIN * 4096 &&
	       memory->disp <= INT16_MAX * 4096;
}

/* leave, and rsp from rsp or rbp plus a constant. */
static bool sets_stack(const struct wf_insn *insn, const uint8_t *bytes,
		       const struct wf_detail *detail, uint32_t written, struct stack *stack)
{
	bool has_rbp = !(written & 1u << WF_REG_RBP);
	const struct wf_memory *memory = &detail->memory;

	if (insn->size == 1 && bytes[0] == 0xc9 && has_rbp) {
		*stack = (struct stack){WF_REG_RBP, 8};
		return true;
	}
	if (detail->dst != WF_REG_RSP || detail->width != 8)
		return false;
	if (detail->form == WF_FORM_MOVE && detail->src == WF_REG_RBP && has_rbp) {
		*stack = (struct stack){WF_REG_RBP, 0};
		return true;
	}
	if (detail->form != WF_FORM_ADDRESS || !is_near(memory))
		return false;
	if (memory->base == WF_REG_RSP)
		stack->offset += (int32_t)memory->disp;
	else if (memory->base == WF_REG_RBP && has_rbp)
		*stack = (struct stack){WF_REG_RBP, (int32_t)memory->disp};
	else
		return false;
	return true;
}

bool wf_epilogue_frame(const struct wf_graph *graph, uint32_t landing, uint32_t ret,
		       struct wf_cfa *cfa)
{
	struct stack stack = {WF_REG_RSP, 0};
	struct wf_detail detail;
	uint32_t written = 0;
	int32_t moved;

	for (uint32_t i = landing; i < ret; i++) {
		const struct wf_insn *insn = &graph->insns[i];
		const uint8_t *bytes = wf_graph_bytes(graph, i);

		if (wf_graph_detail(graph, i, &detail) < 0)
			return false;
		if (moves_stack(insn, bytes, &moved))
			stack.offset += moved;
		else if (!sets_stack(insn, bytes, &detail, written, &stack) &&
			 detail.written & 1u << WF_REG_RSP)
			return false;
		written |= detail.written;
	}
	*cfa = (struct wf_cfa){stack.reg, stack.offset + 8};
	return true;
}
