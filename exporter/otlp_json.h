/* SPDX-License-Identifier: Apache-2.0 */
/*
 * otlp_json.h - spans or logs as OTLP JSON: one TracesData or LogsData object, without line breaks.
 * Pure.
 *
 * Ids are hex, enums numbers, 64-bit integers strings, keys lowerCamelCase, as OTLP departs from
 * proto3 JSON. Zero fields are left out.
 */
#ifndef WF_OTLP_JSON_H
#define WF_OTLP_JSON_H

#include "userspace/base/arena.h"
#include "userspace/base/buf.h"
#include "userspace/span/span.h"

/*
 * Append what belongs to the signal in [from, to) of the batch, which may be nothing. scratch is
 * used and not reset. 0, -ENOMEM, -E2BIG (the buffer is failed then).
 */
int wf_otlp_json_encode(struct wf_arena *scratch, const struct wf_batch *batch, uint32_t from,
			uint32_t to, enum wf_signal signal, struct wf_buf *out);

#endif
