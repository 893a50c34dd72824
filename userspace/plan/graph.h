/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph.h - the control-flow graph of one function, instruction by instruction.
 *
 * A function is its own range, its cold parts, and foreign ranges that it jumps into the middle
 * of. A graph is loaded again and again, and keeps its memory. It borrows the file, the decoder,
 * the jump index and the relocations. One thread.
 */
#ifndef WF_GRAPH_H
#define WF_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "decode.h"
#include "jump.h"
#include "reloc.h"
#include "userspace/base/cleanup.h"
#include "userspace/base/err.h"
#include "userspace/target/binary.h"

#define WF_PARTS_MAX   16
#define WF_CODE_MAX    (1u << 20) /* bytes of one function with its parts */
#define WF_TABLE_MAX   4096       /* entries of one switch table */
#define WF_TARGETS_MAX 400000     /* of all switch tables of one function */
#define WF_NO_INSN     UINT32_MAX

struct wf_part {
	uint64_t address, size;
	uint32_t bytes;        /* where its bytes begin in the graph's */
	uint32_t first, count; /* instructions */
	bool own;              /* the function itself or a cold part: all of it may run */
};

#define WF_MARK_CYCLE   0x01 /* may run more than once per call */
#define WF_MARK_TABLE   0x02 /* a switch leads here */
#define WF_MARK_LEAVES  0x04 /* jumps to another function with the stack as at the entry */
#define WF_MARK_LOST    0x08 /* jumps away with its frame on the stack */
#define WF_MARK_REACHED 0x10
#define WF_MARK_STUB    0x20 /* jumps to a stub, that is through a pointer */
#define WF_MARK_SELF    0x40 /* jumps back to the entry with the stack as there: a new call */

struct wf_switch {
	uint32_t first, count; /* in targets */
};

struct wf_graph {
	struct wf_binary *elf;
	struct wf_decoder *decoder;
	const struct wf_jumps *jumps; /* may be NULL */
	struct wf_relocs *relocs;

	struct wf_part parts[WF_PARTS_MAX];
	uint32_t part_count;
	uint8_t *bytes; /* of all parts */
	uint32_t byte_count, byte_capacity;
	struct wf_insn *insns;
	uint8_t *marks; /* WF_MARK_* */
	uint32_t *to;   /* direct branches: instruction; resolved switches: index of switch */
	uint32_t count;
	uint32_t entry;

	struct wf_switch *switches;
	uint32_t switch_count, switch_capacity;
	uint32_t *targets; /* instructions that switches lead to */
	uint32_t target_count, target_capacity;

	uint32_t *in_first,
		*in_from; /* direct branches to i: in_from[in_first[i]..in_first[i+1]) */
	uint32_t in_capacity, edge_capacity;
	uint32_t *scratch; /* of cycle.c */
	uint32_t scratch_capacity;
	bool unresolved; /* a switch whose table is not understood */
};

int wf_graph_new(struct wf_binary *elf, struct wf_decoder *decoder, const struct wf_jumps *jumps,
		 struct wf_relocs *relocs, struct wf_graph **ret, struct wf_err *err);
void wf_graph_free(struct wf_graph *graph);

/* The part that holds an address, or NULL. */
const struct wf_part *wf_graph_part_at(const struct wf_graph *graph, uint64_t address);
const struct wf_part *wf_graph_part(const struct wf_graph *graph, uint32_t insn);
const uint8_t *wf_graph_bytes(const struct wf_graph *graph, uint32_t insn);
int wf_graph_detail(const struct wf_graph *graph, uint32_t insn, struct wf_detail *ret);
/* The instruction that begins at address, or WF_NO_INSN. */
uint32_t wf_graph_find(const struct wf_graph *graph, uint64_t address);
/* The n-th instruction that may run next, WF_NO_INSN behind the last. */
uint32_t wf_graph_next(const struct wf_graph *graph, uint32_t insn, uint32_t n);
/*
 * The first instructions at an address, at most max of 16 bytes together; the end of the text may
 * be nearer. Returns how many.
 */
uint32_t wf_graph_peek(struct wf_binary *elf, struct wf_decoder *decoder, uint64_t address,
		       struct wf_insn *out, uint32_t max);
/* True where the unwind entry at start describes a function and not a cold part. */
bool wf_graph_is_function(struct wf_binary *elf, uint64_t start);
/* The stack pointer points at the return address here, or nothing is known about it. */
bool wf_graph_at_return(struct wf_binary *elf, uint64_t address);
/* A switch may lead from `insn` to this address. */
bool wf_graph_accepts(const struct wf_graph *graph, uint32_t insn, uint64_t address);

WF_DEFINE_FREEP(wf_graph_freep, struct wf_graph, wf_graph_free)

#endif
