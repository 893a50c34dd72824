/* SPDX-License-Identifier: Apache-2.0 */
#include "rseq.h"

#include <stdlib.h>

#include "reloc.h"

#define ENTRY_BYTES 32 /* struct rseq_cs of <linux/rseq.h> */
#define START_AT    8
#define LENGTH_AT   16
#define ENTRIES_MAX 4096

void wf_rseq_load(struct wf_binary *elf, struct wf_relocs *relocs, struct wf_rseq_range **ret,
		  uint32_t *ret_count)
{
	struct wf_rseq_range *ranges;
	uint64_t address, size, length;
	uint32_t count;

	*ret = NULL;
	*ret_count = 0;
	if (wf_binary_section(elf, "__rseq_cs", &address, &size) < 0)
		return;
	count = size / ENTRY_BYTES < ENTRIES_MAX ? (uint32_t)(size / ENTRY_BYTES) : ENTRIES_MAX;
	ranges = calloc(count + 1, sizeof(*ranges));
	for (uint32_t i = 0; ranges && i < count; i++) {
		uint64_t at = address + (uint64_t)i * ENTRY_BYTES;

		if (!wf_relocs_pointer(relocs, at + START_AT, &ranges[i].start) ||
		    !wf_relocs_pointer(relocs, at + LENGTH_AT, &length))
			ranges[i].start = length = 0;
		ranges[i].end = ranges[i].start + length;
	}
	*ret = ranges;
	*ret_count = ranges ? count : 0;
}
