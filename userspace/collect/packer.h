/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packer.h - spans and logs into batches: what was built goes into the batch being filled, which
 * becomes due when it is full or time has passed. Data thread only.
 */
#ifndef WF_PACKER_H
#define WF_PACKER_H

#include "builder.h"
#include "outbox.h"

struct wf_packer {
	struct wf_builder builder;
	struct wf_outbox *outbox;
};

/* -ENOMEM. */
int wf_packer_init(struct wf_packer *packer, const struct wf_assembler_config *config,
		   const struct wf_builder *builder, size_t due_max);
void wf_packer_done(struct wf_packer *packer);

/*
 * Build it into the batch being filled, or where it does not fit, into an empty one. On success
 * *ret_events is how many events it has. -ENOSPC, -ENOMEM, -EBADMSG.
 */
int wf_packer_add(struct wf_packer *packer, const struct wf_builder_input *input,
		  uint32_t *ret_events);
/* The batch being filled becomes due. */
void wf_packer_close(struct wf_packer *packer);
/* The same with one that was begun before the last tick. */
void wf_packer_tick(struct wf_packer *packer);
/* As wf_assembler_take. */
struct wf_batch *wf_packer_take(struct wf_packer *packer);

#endif
