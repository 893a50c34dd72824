/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rseq.h - restartable sequences: code that the kernel starts again when it is interrupted, so
 * that a probe in it would never let it end. Files list theirs in a section.
 */
#ifndef WF_RSEQ_H
#define WF_RSEQ_H

#include <stdint.h>

#include "reloc.h"
#include "userspace/target/binary.h"

struct wf_rseq_range {
	uint64_t start, end;
};

/* To be freed; NULL and 0 where the file has none, or its list is broken. */
void wf_rseq_load(struct wf_binary *elf, struct wf_relocs *relocs, struct wf_rseq_range **ret,
		  uint32_t *ret_count);

#endif
