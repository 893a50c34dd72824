/* SPDX-License-Identifier: Apache-2.0 */
/* flow.h - one function of a built file as a loaded graph, for the tests of what reads graphs. */
#ifndef WF_TEST_FLOW_H
#define WF_TEST_FLOW_H

#include "compile.h"
#include "userspace/plan/loader.h"

struct flow {
	struct wf_binary *elf;
	struct wf_decoder *decoder;
	struct wf_jumps *jumps;
	struct wf_relocs *relocs;
	struct wf_graph *graph;
};

static inline void flow_close(struct flow *flow)
{
	wf_graph_free(flow->graph);
	wf_relocs_free(flow->relocs);
	wf_jumps_free(flow->jumps);
	wf_decoder_free(flow->decoder);
	wf_binary_free(flow->elf);
	*flow = (struct flow){0};
}

static inline bool flow_begin(struct flow *flow)
{
	if (!flow->elf || wf_decoder_new(&flow->decoder, NULL) < 0 ||
	    wf_jumps_new(flow->elf, &flow->jumps, NULL) < 0)
		return false;
	flow->relocs = wf_relocs_new(flow->elf);
	return wf_graph_new(flow->elf, flow->decoder, flow->jumps, flow->relocs, &flow->graph,
			    NULL) == 0;
}

static inline bool flow_open(struct flow *flow, const char *compiler, const char *language,
			     const char *text)
{
	*flow = (struct flow){.elf = compile_open(compiler, language, text, "flow")};
	return flow_begin(flow);
}

static inline bool flow_open_file(struct flow *flow, const char *path)
{
	*flow = (struct flow){0};
	return wf_binary_open(path, path, NULL, &flow->elf, NULL) == 0 && flow_begin(flow);
}

static inline int flow_load(struct flow *flow, const char *function, struct wf_err *err)
{
	const struct wf_symbol *symbol = compile_symbol(flow->elf, function);

	return symbol ? wf_graph_load(flow->graph, symbol->address, symbol->size, err) : -ENOENT;
}

/* A file with one assembly function `f`, and `other` and `third` to jump to. */
static inline bool flow_assemble(struct flow *flow, const char *body)
{
	char text[4096];

	snprintf(text, sizeof(text),
		 ".text\n.globl f,other,third\n.type f,@function\n.type other,@function\n"
		 ".type third,@function\n.p2align 4\nf:\n.cfi_startproc\n%s\n.cfi_endproc\n"
		 ".size f,.-f\n.p2align 4\nother:\n.cfi_startproc\nxor %%eax,%%eax\nret\n"
		 ".cfi_endproc\n.size other,.-other\n.p2align 4\nthird:\n.cfi_startproc\n"
		 "call other\nret\n.cfi_endproc\n.size third,.-third\n"
		 ".section .note.GNU-stack,\"\",@progbits\n",
		 body);
	return flow_open(flow, "gcc -shared -nostdlib -Wl,-Bsymbolic", "assembler", text);
}

#endif
