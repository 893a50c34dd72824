/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site.c - the probe sites, and the words that the tracer finds by symbol.
 *
 * A site is a 1-byte nop: a longer one may be rewritten by the kernel into a call that spoils the
 * red zone. The gate is the reference counter of the probes: the kernel raises it while a tracer
 * is attached, in forked children too, and lowers it when the tracer is gone, however it ended. It
 * must lie in file-backed memory, so it has an initial value and a section of its own.
 */
#include "agent.h"

#define EXPORTED __attribute__((visibility("default")))

#define SITE(name)                                                                                 \
	__asm__(".text\n"                                                                          \
		".p2align 4\n"                                                                     \
		".globl " #name "\n"                                                               \
		".type " #name ",%function\n" #name ":\n" MACHINE_NOP "ret\n"                      \
		".size " #name ", . - " #name "\n")

SITE(wf_site_span);
SITE(wf_site_start);
SITE(wf_site_note);

EXPORTED __attribute__((section(".wf_gate"))) volatile uint16_t wf_agent_gate = 0;

EXPORTED __attribute__((section(".data"))) struct wf_agent_anchor wf_agent_anchor = {
	.magic = WF_AGENT_MAGIC,
	.abi = WF_AGENT_ABI,
	.page_bytes = sizeof(struct wf_agent_page),
};
