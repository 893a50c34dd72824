/* SPDX-License-Identifier: Apache-2.0 */
/*
 * builder.h - one record, with all that is known about it, becomes one span of a batch: captured
 * values to attributes, the rule's templates and expressions, status, exception, events, link.
 * Pure. Data thread only.
 */
#ifndef WF_BUILDER_H
#define WF_BUILDER_H

#include <stdint.h>

#include "assembly.h"
#include "catalog.h"
#include "event.h"
#include "exception.h"
#include "trace.h"

/* The limits of OpenTelemetry SDKs. */
#define WF_ATTRIBUTES_MAX 128

struct wf_builder {
	/* All borrowed. */
	const struct wf_ruleset *rules;
	struct wf_catalog *catalog;
	struct wf_exceptions *exceptions;
	struct wf_assembler_counters *counters;
	/* Of the batch being filled. */
	uint64_t batch_serial;
	const char *profile, *scope; /* the profile whose scope was made last */
};

struct wf_builder_input {
	const struct wf_rec_span *record;
	const struct wf_trace_context *context;
	uint64_t parent_id;
	struct wf_definition *definition;      /* NULL for a LOG record */
	const struct wf_exception *exception;  /* may be NULL */
	const struct wf_waiting_event *events; /* may be NULL */
};

/* Call when a batch is begun: what was copied into the last one is not used again. */
void wf_builder_begin(struct wf_builder *builder);
/* Append the span, or the log. 0, -ENOSPC where it does not fit, -EBADMSG where the record does not
 * hold together; on error the batch is as before. */
int wf_builder_add(struct wf_builder *builder, struct wf_batch *batch,
		   const struct wf_builder_input *input);
/* A batch leaves: spans whose process became known meanwhile get their resource. */
void wf_builder_end(struct wf_builder *builder, struct wf_batch *batch);

#endif
