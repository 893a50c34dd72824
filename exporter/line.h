/* SPDX-License-Identifier: Apache-2.0 */
/* line.h - a span as one flat JSON object on one line, for pipes and --json. Pure. */
#ifndef WF_LINE_H
#define WF_LINE_H

#include "userspace/base/buf.h"
#include "userspace/span/span.h"

/* Appends the object and a line feed. A log says "type":"log". */
void wf_line_put(struct wf_buf *out, const struct wf_span *span);

/* "internal", "server" ...; "unset", "ok", "error". */
const char *wf_span_kind_name(uint8_t kind);
const char *wf_span_status_name(uint8_t status);
/* service.name of the span's resource, or NULL. */
const char *wf_span_service(const struct wf_span *span);

#endif
