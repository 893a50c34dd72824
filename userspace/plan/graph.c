/* SPDX-License-Identifier: Apache-2.0 */
#include "graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cycle.h"
#include "dispatch.h"

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

static int resize(void *array, size_t count, size_t item)
{
	void *grown = reallocarray(*(void **)array, count, item);

	if (!grown)
		return -ENOMEM;
	*(void **)array = grown;
	return 0;
}

/* The capacity stays where it finds no memory: the graph is used for the next function. */
static int grow(void *array, uint32_t *capacity, uint32_t want, size_t item)
{
	int rc = resize(array, want, item);

	if (rc == 0)
		*capacity = want;
	return rc;
}

/* Room for one more part; no instruction is shorter than a byte. */
static int reserve(struct wf_graph *graph, uint64_t bytes)
{
	uint64_t want = graph->byte_count + bytes;

	if (!bytes || bytes > WF_CODE_MAX || want > WF_CODE_MAX ||
	    graph->part_count == WF_PARTS_MAX)
		return -E2BIG;
	if (want <= graph->byte_capacity)
		return 0;
	want += want / 2;
	if (resize(&graph->insns, want, sizeof(*graph->insns)) ||
	    resize(&graph->marks, want, sizeof(*graph->marks)) ||
	    resize(&graph->to, want, sizeof(*graph->to)) ||
	    resize(&graph->bytes, want, sizeof(*graph->bytes)))
		return -ENOMEM;
	graph->byte_capacity = (uint32_t)want;
	return 0;
}

static int add_part(struct wf_graph *graph, uint64_t address, uint64_t size, bool own)
{
	struct wf_part *part = &graph->parts[graph->part_count];
	const uint8_t *bytes;
	uint32_t count;
	int rc;

	rc = reserve(graph, size);
	if (rc < 0)
		return rc;
	bytes = wf_binary_bytes(graph->elf, address, size);
	if (!bytes)
		return -ENOENT;
	memcpy(graph->bytes + graph->byte_count, bytes, size);
	rc = wf_decoder_run(graph->decoder, graph->bytes + graph->byte_count, size, address,
			    graph->insns + graph->count, (uint32_t)size, &count);
	if (rc < 0)
		return rc;
	*part = (struct wf_part){.address = address,
				 .size = size,
				 .bytes = graph->byte_count,
				 .first = graph->count,
				 .count = count,
				 .own = own};
	memset(graph->marks + graph->count, 0, count);
	for (uint32_t i = 0; i < count; i++)
		graph->to[graph->count + i] = WF_NO_INSN;
	graph->byte_count += (uint32_t)size;
	graph->count += count;
	graph->part_count++;
	return 0;
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

static const struct wf_part *part_at(const struct wf_graph *graph, uint64_t address)
{
	for (uint32_t i = 0; i < graph->part_count; i++)
		if (address - graph->parts[i].address < graph->parts[i].size)
			return &graph->parts[i];
	return NULL;
}

uint32_t wf_graph_find(const struct wf_graph *graph, uint64_t address)
{
	const struct wf_part *part = part_at(graph, address);

	return part ? find_in(graph, part, address) : WF_NO_INSN;
}

const struct wf_part *wf_graph_part(const struct wf_graph *graph, uint32_t insn)
{
	return part_at(graph, graph->insns[insn].address);
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

	if (part_at(graph, address))
		return wf_graph_find(graph, address) != WF_NO_INSN;
	if (wf_binary_fde(graph->elf, address, &start, &size) < 0 ||
	    wf_graph_is_function(graph->elf, start))
		return false;
	return !wf_binary_cfa(graph->elf, graph->insns[insn].address, &here) &&
	       !wf_binary_cfa(graph->elf, address, &there) && here.reg == there.reg &&
	       here.offset == there.offset;
}

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

	if (!part_at(graph, address)) {
		rc = wf_binary_fde(graph->elf, address, &start, &size);
		if (rc < 0)
			return rc;
		rc = add_part(graph, start, size, !wf_graph_is_function(graph->elf, start));
		if (rc < 0)
			return rc;
	}
	*ret = wf_graph_find(graph, address);
	if (*ret == WF_NO_INSN)
		*ret = find_unlocked(graph, address);
	return *ret == WF_NO_INSN ? -EILSEQ : 0;
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
	if (!part_at(graph, target) && !classify_outside(graph, i))
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
	if (first + count > graph->target_capacity &&
	    grow(&graph->targets, &graph->target_capacity, (first + count) * 2,
		 sizeof(*graph->targets)))
		return -ENOMEM;
	if (graph->switch_count == graph->switch_capacity &&
	    grow(&graph->switches, &graph->switch_capacity, graph->switch_capacity * 2 + 16,
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
static int link_all(struct wf_graph *graph, uint32_t from)
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

		if (part_at(graph, cross[i].source) ||
		    wf_graph_is_function(graph->elf, cross[i].source) ||
		    wf_binary_fde(graph->elf, cross[i].source, &start, &size) < 0)
			continue;
		rc = add_part(graph, start, size, true);
		if (rc < 0)
			return rc;
		if (!leads_to_main(graph, first)) {
			/* The scan took data for a jump. */
			graph->count = first;
			graph->byte_count = graph->parts[--graph->part_count].bytes;
			continue;
		}
		rc = link_all(graph, first);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int count_incoming(struct wf_graph *graph)
{
	uint32_t edges = 0;

	if (graph->count + 2 > graph->in_capacity &&
	    grow(&graph->in_first, &graph->in_capacity, (graph->count + 2) * 2,
		 sizeof(*graph->in_first)))
		return -ENOMEM;
	memset(graph->in_first, 0, (graph->count + 2) * sizeof(*graph->in_first));
	for (uint32_t i = 0; i < graph->count; i++)
		if (graph->insns[i].kind != WF_INSN_JMP_INDIRECT && graph->to[i] != WF_NO_INSN) {
			graph->in_first[graph->to[i] + 2]++;
			edges++;
		}
	if (edges > graph->edge_capacity &&
	    grow(&graph->in_from, &graph->edge_capacity, edges * 2, sizeof(*graph->in_from)))
		return -ENOMEM;
	for (uint32_t i = 2; i < graph->count + 2; i++)
		graph->in_first[i] += graph->in_first[i - 1];
	for (uint32_t i = 0; i < graph->count; i++)
		if (graph->insns[i].kind != WF_INSN_JMP_INDIRECT && graph->to[i] != WF_NO_INSN)
			graph->in_from[graph->in_first[graph->to[i] + 1]++] = i;
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
	rc = add_part(graph, start, size, start == address);
	if (rc < 0)
		return rc;
	graph->entry = wf_graph_find(graph, address);
	if (graph->entry == WF_NO_INSN)
		return -EILSEQ;
	rc = link_all(graph, 0);
	if (rc >= 0)
		rc = add_landing_parts(graph);
	if (rc >= 0)
		rc = count_incoming(graph);
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
