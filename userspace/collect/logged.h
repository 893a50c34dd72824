/* SPDX-License-Identifier: Apache-2.0 */
/* logged.h - a log record of a Python process as an item of a batch. Pure. */
#ifndef WF_LOGGED_H
#define WF_LOGGED_H

#include "bpf/record.h"
#include "userspace/span/span.h"

/* The span it was written in, 0 = none: that of the agent, else the native call around. */
uint64_t wf_logged_owner(const struct wf_rec_span *record);
/*
 * Message, logger, severity, attributes and time of a checked record, by the clock's offset; the
 * rest is the caller's. 0, -ENOSPC or -EBADMSG. *repaired is raised for each text that was broken.
 */
int wf_logged_fill(const struct wf_rec_span *record, uint64_t clock_offset_ns,
		   struct wf_arena *arena, struct wf_span *ret, uint32_t *repaired);

#endif
