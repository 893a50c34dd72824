/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outcome.h - how a call ended, in OpenTelemetry's words: status, error type, exception event, and
 * the events that happened on the way. Pure. Data thread only.
 */
#ifndef WF_OUTCOME_H
#define WF_OUTCOME_H

#include "builder.h"

/* Attributes that are not the rule's: builder and outcome together. */
#define WF_OUTCOME_ATTRIBUTES 11

/* Value of wftrace.end, NULL where the exit was seen, or an exception tells it. */
const char *wf_outcome_end(const struct wf_rec_span *record);
/* Did an exception leave it, so that its last event is that one? */
bool wf_outcome_raised(const struct wf_builder_input *in);
/* Value of error.type of a span with error status. */
const char *wf_outcome_error_type(const struct wf_builder_input *in, const struct wf_span *span);
/* Set status, message and events; rule may be NULL. 0, -ENOSPC or -EBADMSG. */
int wf_outcome_set(struct wf_builder *builder, struct wf_arena *arena,
		   const struct wf_builder_input *in, const struct wf_rule *rule,
		   struct wf_span *span);

#endif
