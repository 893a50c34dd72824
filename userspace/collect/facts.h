/* SPDX-License-Identifier: Apache-2.0 */
/* facts.h - resources of processes, made from JSON or from a parent's. Pure, any thread. */
#ifndef WF_FACTS_H
#define WF_FACTS_H

#include <jansson.h>
#include <stdint.h>

#include "userspace/span/span.h"

/* Not an attribute: the TRACEPARENT variable of the process. */
#define WF_FACTS_TRACEPARENT "wftrace.traceparent"

/* What cannot be an attribute is left out and counted as dropped. NULL when memory is out. */
struct wf_resource *wf_facts_from_json(json_t *object);
/* The parent's facts, without what is true of the parent alone, under the child's pid. */
struct wf_resource *wf_facts_of_child(const struct wf_resource *parent, uint32_t tgid,
				      uint32_t child_tgid);

#endif
