/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch.h"

#include <string.h>

#include "symbolic.h"

#define HOIST_MAX      8 /* constants tried for one register */
#define MOVE_SCAN_MAX  16
#define HOIST_SCAN_MAX 4000 /* instructions looked at for them */

/* A table as the jump describes it. */
struct shape {
	uint64_t table;
	uint64_t base; /* added to each entry */
	uint8_t width;
	bool is_signed;
	uint32_t limit; /* at most so many entries, 0 = unknown */
	bool exact;     /* and not fewer */
};

static bool read_entry(const struct wf_graph *graph, const struct shape *shape, uint32_t i,
		       uint64_t *ret)
{
	uint64_t at = shape->table + (uint64_t)i * shape->width, value = 0;
	const uint8_t *bytes = wf_binary_bytes(graph->elf, at, shape->width);

	if (bytes)
		memcpy(&value, bytes, shape->width);
	else if (shape->width != 8 || !wf_relocs_pointer(graph->relocs, at, &value))
		return false;
	if (shape->is_signed && shape->width == 4)
		value = (uint64_t)(int64_t)(int32_t)value;
	*ret = shape->base + value;
	return true;
}

/*
 * With a known bound every entry must be good. Without one the table ends at the first entry that
 * cannot be a target; entries too many only make the plan more careful.
 */
static bool read_table(const struct wf_graph *graph, uint32_t insn, const struct shape *shape,
		       uint64_t *targets, uint32_t *ret_count)
{
	uint32_t max = shape->limit && shape->limit < WF_TABLE_MAX ? shape->limit : WF_TABLE_MAX;
	uint32_t count = 0;

	while (count < max && read_entry(graph, shape, count, &targets[count]) &&
	       wf_graph_accepts(graph, insn, targets[count]))
		count++;
	*ret_count = count;
	return shape->exact ? count == shape->limit : count >= 2;
}

static bool constant_written(const struct wf_detail *detail, uint8_t reg, uint64_t *ret)
{
	if (detail->dst != reg)
		return false;
	if (detail->form == WF_FORM_CONSTANT) {
		*ret = (uint64_t)detail->imm;
		return true;
	}
	if (detail->form != WF_FORM_ADDRESS || !detail->memory.valid ||
	    detail->memory.base != WF_REG_NONE || detail->memory.index != WF_REG_NONE)
		return false;
	*ret = (uint64_t)detail->memory.disp;
	return true;
}

/* A register gets the constant that another one got shortly before. */
static bool constant_moved(const struct wf_graph *graph, uint32_t insn, uint8_t from, uint64_t *ret)
{
	uint32_t first = wf_graph_part(graph, insn)->first;
	struct wf_detail detail;

	for (uint32_t i = insn; i > first && insn - i < MOVE_SCAN_MAX; i--)
		if (graph->insns[i - 1].kind == WF_INSN_OTHER &&
		    wf_graph_detail(graph, i - 1, &detail) >= 0 && detail.written & 1u << from)
			return constant_written(&detail, from, ret);
	return false;
}

static bool constant_at(const struct wf_graph *graph, uint32_t insn, uint8_t reg, uint64_t *ret)
{
	struct wf_detail detail;

	if (graph->insns[insn].kind != WF_INSN_OTHER || wf_graph_detail(graph, insn, &detail) < 0 ||
	    detail.dst != reg)
		return false;
	if (detail.form == WF_FORM_MOVE && detail.width == 8)
		return constant_moved(graph, insn, detail.src, ret);
	return constant_written(&detail, reg, ret);
}

/* Constants that the function puts into a register anywhere, nearest before the jump first. */
static uint32_t hoisted(const struct wf_graph *graph, uint32_t insn, uint8_t reg,
			uint64_t values[HOIST_MAX])
{
	const struct wf_part *part = wf_graph_part(graph, insn);
	uint32_t count = 0, span = part->count < HOIST_SCAN_MAX ? part->count : HOIST_SCAN_MAX;
	uint32_t at = insn - part->first;

	for (uint32_t k = 1; k <= span && count < HOIST_MAX; k++) {
		/* Walk back to the start, then around from the end. */
		uint32_t i = part->first + (at + part->count - k % part->count) % part->count;
		uint64_t value;
		bool known = false;

		if (!constant_at(graph, i, reg, &value))
			continue;
		for (uint32_t c = 0; c < count; c++)
			known = known || values[c] == value;
		if (!known)
			values[count++] = value;
	}
	return count;
}

/* The one term that is not the index: a register that was set outside of the window. */
static uint32_t free_term(const struct wf_linear *linear, uint32_t index_id)
{
	for (unsigned k = 0; k < 2; k++)
		if (linear->id[k] && linear->id[k] != index_id && linear->scale[k] == 1)
			return linear->id[k];
	return 0;
}

static uint32_t index_of(const struct wf_linear *linear, uint8_t width)
{
	for (unsigned k = 0; k < 2; k++)
		if (linear->id[k] && linear->scale[k] == width)
			return linear->id[k];
	return 0;
}

static bool try_shape(const struct wf_graph *graph, uint32_t insn, const struct wf_target_value *v,
		      uint32_t unknown, struct shape *shape, uint64_t *targets, uint32_t *ret_count)
{
	uint64_t values[HOIST_MAX];
	uint32_t count;
	bool in_table = free_term(&v->load_at, index_of(&v->load_at, v->load_width)) == unknown;
	bool in_base = free_term(&v->sum, 0) == unknown;

	if (!unknown)
		return read_table(graph, insn, shape, targets, ret_count);
	count = hoisted(graph, insn, (uint8_t)(unknown - 1), values);
	for (uint32_t i = 0; i < count; i++) {
		struct shape with = *shape;

		if (in_table)
			with.table += values[i];
		if (in_base)
			with.base += values[i];
		if (read_table(graph, insn, &with, targets, ret_count))
			return true;
	}
	return false;
}

/* Without a table: a function through a pointer, unless the frame still stands. */
static enum wf_dispatch_answer without_table(const struct wf_graph *graph, uint32_t insn)
{
	const struct wf_insn *jump = &graph->insns[insn];

	if (jump->flags & WF_INSN_NOTRACK || !wf_graph_at_return(graph->elf, jump->address))
		return WF_DISPATCH_UNKNOWN;
	return WF_DISPATCH_NONE;
}

enum wf_dispatch_answer wf_dispatch_resolve(const struct wf_graph *graph, uint32_t insn,
					    uint64_t *targets, uint32_t *ret_count)
{
	struct wf_target_value value;
	struct shape shape;
	uint32_t index, in_table, in_base;

	if (!wf_symbolic_target(graph, insn, &value) || !value.load_width)
		return without_table(graph, insn);
	index = index_of(&value.load_at, value.load_width);
	if (!index)
		return without_table(graph, insn);
	in_table = free_term(&value.load_at, index);
	in_base = free_term(&value.sum, 0);
	shape = (struct shape){.table = (uint64_t)value.load_at.constant,
			       .base = (uint64_t)value.sum.constant,
			       .width = value.load_width,
			       .is_signed = value.load_signed,
			       .limit = value.limit,
			       .exact = value.limit_checked};
	/* Two registers that nothing is known about, or one that is not an initial register. */
	if ((in_table && in_base && in_table != in_base) || in_table > 16 || in_base > 16)
		return value.load_width == 4 ? WF_DISPATCH_UNKNOWN : without_table(graph, insn);
	if (try_shape(graph, insn, &value, in_table ? in_table : in_base, &shape, targets,
		      ret_count))
		return WF_DISPATCH_RESOLVED;
	return value.load_width == 4 ? WF_DISPATCH_UNKNOWN : without_table(graph, insn);
}
