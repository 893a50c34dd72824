/* SPDX-License-Identifier: Apache-2.0 */
/* json_sink.h - the console in a pipe or with --json: one flat object per span. Export thread. */
#ifndef WF_JSON_SINK_H
#define WF_JSON_SINK_H

#include "sink.h"

/* fd is borrowed; name too. When its reader leaves, failed is EPIPE. */
int wf_json_sink_new(const char *name, int fd, size_t waiting_max, struct wf_sink **ret,
		     struct wf_err *err);

#endif
