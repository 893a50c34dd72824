/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_sink.h - OTLP JSON lines to a file or stdout, one TracesData object a line. Export thread.
 *
 * A regular file is made anew with mode 0600 and only ever holds whole lines: after a failed
 * write it is cut back, the spans count as lost_write, and the next batch is tried again.
 */
#ifndef WF_FILE_SINK_H
#define WF_FILE_SINK_H

#include "sink.h"

/* path "-" is stdout. name is borrowed and outlives the sink. */
int wf_file_sink_new(const char *name, const char *path, struct wf_sink **ret, struct wf_err *err);

#endif
