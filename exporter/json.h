/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - what both JSON forms (OTLP lines and flat lines) share. Pure; failures stay in the
 * buffer. */
#ifndef WF_JSON_H
#define WF_JSON_H

#include "userspace/base/buf.h"
#include "userspace/span/span.h"

/* A string that ends at its NUL. */
void wf_json_text(struct wf_buf *buf, const char *text);
/* "00af..." in quotes. */
void wf_json_hex(struct wf_buf *buf, const uint8_t *bytes, size_t len);
/* A number that reads back as the same double; NaN and infinities are strings, as in proto3. */
void wf_json_double(struct wf_buf *buf, double value);
/* "2023-11-14T22:13:20.123456789Z" in quotes. */
void wf_json_time(struct wf_buf *buf, uint64_t realtime_ns);
/* A plain JSON value: string, number, boolean or array. */
void wf_json_value(struct wf_buf *buf, const struct wf_value *value);
/* {"key": value, ...}; absent values are left out. */
void wf_json_attributes(struct wf_buf *buf, const struct wf_attributes *attributes);

#endif
