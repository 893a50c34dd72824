/* SPDX-License-Identifier: Apache-2.0 */
/*
 * header.h - HTTP headers that the user gives; they hold secrets, so no message repeats a value.
 */
#ifndef WF_HEADER_H
#define WF_HEADER_H

#include <stddef.h>

#include "userspace/base/err.h"

#define WF_HEADERS_MAX 64

struct wf_headers {
	char *items[WF_HEADERS_MAX]; /* "Name: value" */
	unsigned count;
};

void wf_headers_done(struct wf_headers *headers);
/* "NAME=VALUE" or "NAME: VALUE". */
int wf_headers_add(struct wf_headers *headers, const char *text, struct wf_err *err);
/* A file of such lines; empty lines and those that begin with # are left out. */
int wf_headers_read(struct wf_headers *headers, const char *path, struct wf_err *err);
/* The form of OTEL_EXPORTER_OTLP_HEADERS: "k=v,k2=v2", values percent-encoded. */
int wf_headers_parse_list(struct wf_headers *headers, const char *text, struct wf_err *err);

#endif
