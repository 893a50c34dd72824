/* SPDX-License-Identifier: Apache-2.0 */
/*
 * otlp.h - spans or logs to the bytes of an OTLP request (protobuf). Pure: no clock, no I/O.
 *
 * The encoder owns scratch memory that stays warm, so that it allocates nothing per request. One
 * thread at a time. Two encodings one after the other in a buffer are one valid request: that is
 * how protobuf merges, and how small batches share a POST.
 */
#ifndef WF_OTLP_H
#define WF_OTLP_H

#include "userspace/base/buf.h"
#include "userspace/span/span.h"

struct wf_otlp;

/* For one signal, whose items are `spans` below. NULL when memory is out. scratch_max bounds the
 * encoder's own memory. */
struct wf_otlp *wf_otlp_new(size_t scratch_max, enum wf_signal signal);
void wf_otlp_free(struct wf_otlp *otlp);

struct wf_otlp_limit {
	uint32_t spans;
	size_t bytes; /* of what this call appends */
};

struct wf_otlp_part {
	uint32_t next;      /* where to go on; batch->count when all is encoded */
	uint32_t spans;     /* spans appended */
	uint32_t too_large; /* skipped: alone over the limit of an empty request */
};

/*
 * Append spans of the batch, beginning with `from`, until a limit is met. A span that does not fit
 * ends the part; if `whole` says that the request was empty before, it is skipped as too large.
 * 0; -ENOMEM or -E2BIG when the scratch memory or the buffer ends (nothing is appended; ret->next
 * and ret->spans tell what was to be).
 */
int wf_otlp_encode(struct wf_otlp *otlp, const struct wf_batch *batch, uint32_t from,
		   struct wf_otlp_limit limit, bool whole, struct wf_buf *out,
		   struct wf_otlp_part *ret);

WF_DEFINE_FREEP(wf_otlp_freep, struct wf_otlp, wf_otlp_free)

#endif
