/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring.h - the consumer side of the per-CPU rings. Checks each record's size against its kind and
 * hands it on; what does not hold together is counted and skipped. Data thread only.
 */
#ifndef WF_RING_H
#define WF_RING_H

#include <stdint.h>

#include "kernel.h"
#include "userspace/base/cleanup.h"
#include "userspace/base/err.h"

struct wf_ring;

typedef void (*wf_ring_deliver)(void *context, const struct wf_rec_head *record);

int wf_ring_new(struct wf_kernel *kernel, wf_ring_deliver deliver, void *context,
		struct wf_ring **ret, struct wf_err *err);
void wf_ring_free(struct wf_ring *ring);
/* Sleep until a ring fills up, a process event comes, or the time is over. */
void wf_ring_wait(struct wf_ring *ring, int timeout_ms);
/* One round over all rings: everything that was submitted before the call. */
void wf_ring_drain(struct wf_ring *ring);
uint64_t wf_ring_malformed(const struct wf_ring *ring);

WF_DEFINE_FREEP(wf_ring_freep, struct wf_ring, wf_ring_free)

#endif
