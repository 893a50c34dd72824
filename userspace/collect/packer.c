/* SPDX-License-Identifier: Apache-2.0 */
#include "packer.h"

#include <errno.h>

int wf_packer_init(struct wf_packer *packer, const struct wf_assembler_config *config,
		   const struct wf_builder *builder, size_t due_max)
{
	packer->builder = *builder;
	packer->outbox = wf_outbox_new(config->batch_spans, config->batch_bytes, due_max);
	return packer->outbox ? 0 : -ENOMEM;
}

void wf_packer_done(struct wf_packer *packer)
{
	wf_outbox_free(packer->outbox);
}

static void count_lost(struct wf_packer *packer, struct wf_outbox_lost lost)
{
	struct wf_assembler_counters *counters = packer->builder.counters;

	counters->spans_out -= lost.spans;
	counters->batch_full += lost.spans;
	counters->logs_out -= lost.logs;
	counters->logs_lost += lost.logs;
}

void wf_packer_close(struct wf_packer *packer)
{
	count_lost(packer, wf_outbox_close(packer->outbox));
}

void wf_packer_tick(struct wf_packer *packer)
{
	count_lost(packer, wf_outbox_tick(packer->outbox));
}

int wf_packer_add(struct wf_packer *packer, const struct wf_builder_input *input,
		  uint32_t *ret_events)
{
	struct wf_batch *batch;
	bool fresh;
	int rc;

	do {
		batch = wf_outbox_open(packer->outbox, &fresh);
		if (!batch)
			return -ENOMEM;
		if (fresh)
			wf_builder_begin(&packer->builder);
		rc = wf_builder_add(&packer->builder, batch, input);
		if (rc == -ENOSPC)
			wf_packer_close(packer);
	} while (rc == -ENOSPC && !fresh);
	if (rc < 0)
		return rc;
	*ret_events = batch->spans[batch->count - 1].event_count;
	if (batch->count == batch->capacity)
		wf_packer_close(packer);
	return 0;
}

struct wf_batch *wf_packer_take(struct wf_packer *packer)
{
	struct wf_batch *batch = wf_outbox_take(packer->outbox);

	if (batch)
		wf_builder_end(&packer->builder, batch);
	return batch;
}
