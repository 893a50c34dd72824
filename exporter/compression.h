/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compression.h - whether bodies are compressed. gzip takes eight times the CPU time of the
 * encoding that comes before it, and saves six bytes of seven: it pays on a network, not within a
 * machine.
 */
#ifndef WF_COMPRESSION_H
#define WF_COMPRESSION_H

#include <stdbool.h>

#include "env.h"
#include "userspace/base/err.h"

enum wf_compression {
	WF_COMPRESSION_OUTSIDE, /* gzip, but to this machine's own loopback */
	WF_COMPRESSION_NONE,
	WF_COMPRESSION_GZIP,
};

/*
 * OTEL_EXPORTER_OTLP_TRACES_COMPRESSION, else OTEL_EXPORTER_OTLP_COMPRESSION: gzip or none, as the
 * OTLP exporter's specification has them. -EOPNOTSUPP for another one.
 */
int wf_compression_from_env(wf_env_lookup lookup, void *context, enum wf_compression *ret,
			    struct wf_err *err);
/* Whether bodies to this URL are to be compressed. */
bool wf_compression_pays(enum wf_compression compression, const char *url);

#endif
