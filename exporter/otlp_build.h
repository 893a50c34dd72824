/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_build.h - the parts of a request that spans and logs have in common. Inside the encoder. */
#ifndef WF_OTLP_BUILD_H
#define WF_OTLP_BUILD_H

#include "group.h"
#include "otlp.pb-c.h"

/* The tree's memory; a failed allocation is remembered, and the tree is not packed then. */
struct wf_otlp_builder {
	struct wf_arena *arena;
	bool failed;
};

/* NULL when memory is out. */
void *wf_otlp_take(struct wf_otlp_builder *builder, size_t bytes);
void wf_otlp_value(struct wf_otlp_builder *builder, const struct wf_value *value,
		   Wf__AnyValue *ret);
Wf__KeyValue **wf_otlp_attributes(struct wf_otlp_builder *builder, const struct wf_attributes *from,
				  size_t *ret_count);
void wf_otlp_resource(struct wf_otlp_builder *builder, const struct wf_resource *from,
		      Wf__Resource *ret);
/* No encoding of them has more bytes. */
size_t wf_otlp_attributes_bound(const struct wf_attributes *attributes);

/* otlp_log.c: the logs of one resource; NULL when memory is out. */
Wf__ResourceLogs *wf_otlp_logs(struct wf_otlp_builder *builder, const struct wf_group *first);

#endif
