/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assemble.h - from the ordered record stream to spans. A pure state machine: no clock, no I/O;
 * time comes in as records. Data thread only.
 *
 * A span streams out at once unless an ancestor may still become a tombstone (WF_SPAN_HELD), or
 * an event or exception it needs has not come. Held spans have caps; hitting one is counted.
 */
#ifndef WF_ASSEMBLE_H
#define WF_ASSEMBLE_H

#include "assembly.h"
#include "userspace/base/err.h"
#include "userspace/span/span.h"

struct wf_assembler;

int wf_assembler_new(const struct wf_assembler_config *config, struct wf_assembler **ret,
		     struct wf_err *err);
void wf_assembler_free(struct wf_assembler *assembler);

/* Take the next record of the stream, any kind; size was checked against the buffer. */
void wf_assembler_record(struct wf_assembler *assembler, const struct wf_rec_head *record);
/* A batch that is due (full, or partial after a TICK), or NULL. The caller owns one reference. */
struct wf_batch *wf_assembler_take(struct wf_assembler *assembler);
/* End of stream: release everything that is held; then take until NULL. */
void wf_assembler_finish(struct wf_assembler *assembler);
const struct wf_assembler_counters *wf_assembler_counters(const struct wf_assembler *assembler);

#endif
