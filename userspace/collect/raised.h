/* SPDX-License-Identifier: Apache-2.0 */
/* raised.h - the exception that left a Python call, as its agent told it. Pure. Data thread only.
 */
#ifndef WF_RAISED_H
#define WF_RAISED_H

#include "bpf/agent.h"
#include "userspace/base/arena.h"
#include "userspace/span/span.h"

/*
 * The event of an exception: exception.type first, then message and stacktrace where they are
 * known. *repaired is raised by texts that were no UTF-8. -ENOSPC, -EBADMSG.
 */
int wf_raised_event(const struct wf_rec_span *record, struct wf_arena *arena, struct wf_event *ret,
		    uint32_t *repaired);

#endif
