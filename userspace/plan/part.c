/* SPDX-License-Identifier: Apache-2.0 */
#include "part.h"

#include <errno.h>
#include <string.h>

#include "userspace/base/grow.h"

/* Room for one more part; no instruction is shorter than a byte. */
static int reserve(struct wf_graph *graph, uint64_t bytes)
{
	uint32_t capacity = graph->byte_capacity;
	uint32_t insns = capacity, marks = capacity, to = capacity, code = capacity;
	uint64_t want = graph->byte_count + bytes;

	if (!bytes || bytes > WF_CODE_MAX || want > WF_CODE_MAX ||
	    graph->part_count == WF_PARTS_MAX)
		return -E2BIG;
	if (wf_grow(&graph->insns, &insns, (uint32_t)want, sizeof(*graph->insns)) ||
	    wf_grow(&graph->marks, &marks, (uint32_t)want, sizeof(*graph->marks)) ||
	    wf_grow(&graph->to, &to, (uint32_t)want, sizeof(*graph->to)) ||
	    wf_grow(&graph->bytes, &code, (uint32_t)want, sizeof(*graph->bytes)))
		return -ENOMEM;
	graph->byte_capacity = code;
	return 0;
}

int wf_part_add(struct wf_graph *graph, uint64_t address, uint64_t size, bool own)
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

void wf_part_drop(struct wf_graph *graph)
{
	const struct wf_part *last = &graph->parts[--graph->part_count];

	graph->count = last->first;
	graph->byte_count = last->bytes;
}
