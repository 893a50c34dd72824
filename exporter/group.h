/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group.h - the spans of a batch by resource and scope, as both OTLP encodings want them.
 *
 * Pure; everything lies in the caller's arena. Order within a group is that of the batch. Notices
 * of open calls (WF_SPAN_OPEN) are left out.
 */
#ifndef WF_GROUP_H
#define WF_GROUP_H

#include "userspace/base/arena.h"
#include "userspace/span/span.h"

/* The scope of a span that names none. */
#define WF_GROUP_SCOPE "wftrace"

struct wf_group {
	const struct wf_resource *resource; /* may be NULL */
	const char *scope;
	const struct wf_span **spans;
	uint32_t count;
	struct wf_group *next_scope; /* the next scope of the same resource */
};

struct wf_groups {
	struct wf_group **resources; /* the first scope of each resource */
	uint32_t resource_count;
	uint32_t spans;
};

/* What belongs to the signal in [from, to) of the batch. 0 or -ENOMEM. */
int wf_group_spans(struct wf_arena *arena, const struct wf_batch *batch, uint32_t from, uint32_t to,
		   enum wf_signal signal, struct wf_groups *ret);

/* How many of [from, to) belong to the signal. */
uint32_t wf_group_count(const struct wf_batch *batch, uint32_t from, uint32_t to,
			enum wf_signal signal);

#endif
