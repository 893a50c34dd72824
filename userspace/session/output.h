/* SPDX-License-Identifier: Apache-2.0 */
/* output.h - the exporter that a command line asks for. Control thread only. */
#ifndef WF_OUTPUT_H
#define WF_OUTPUT_H

#include "exporter/exporter.h"
#include "userspace/cli/config.h"

/*
 * An exporter with its destinations, not started: --to, else the OTEL_ variables, else the
 * console. What was ignored is said as a warning. on_failed: called on the export thread when a
 * sink cannot go on. -EINVAL, -EOPNOTSUPP for a wrong destination, -errno where a file fails.
 */
int wf_output_new(const struct wf_config *config,
		  void (*on_failed)(void *context, const struct wf_sink *sink), void *context,
		  struct wf_exporter **ret, struct wf_err *err);

#endif
