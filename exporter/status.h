/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.h - the last line of a live terminal: what was seen, what is not shown, what still runs.
 * Pure.
 *
 * The line has no end: the cursor goes back to its begin, and WF_STATUS_ERASE makes room for what
 * comes next.
 */
#ifndef WF_STATUS_H
#define WF_STATUS_H

#include "render.h"

#define WF_STATUS_ERASE "\r\033[K"

struct wf_status {
	uint64_t passed_ns; /* since tracing began */
	uint64_t spans, traces, failed;
	uint64_t hidden; /* traces that were not shown */
	uint32_t open;   /* calls that run for longer than a second */
	uint64_t oldest_ns;
	const char *oldest; /* name of that call; NULL where none is open */
};

void wf_status_put(const struct wf_style *style, const struct wf_status *status,
		   struct wf_buf *out);

#endif
