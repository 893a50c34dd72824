/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enrich.h - facts about a process, as resource attributes of the stable semantic conventions.
 *
 * Of the target's environment only OTEL_SERVICE_NAME, service.name in OTEL_RESOURCE_ATTRIBUTES and
 * TRACEPARENT are used; nothing else of it leaves this module. Control thread.
 */
#ifndef WF_ENRICH_H
#define WF_ENRICH_H

#include <stddef.h>

#include "userspace/target/target.h"

/*
 * One JSON object in one line, to be freed: strings, but integers for PIDs, and the process's
 * TRACEPARENT under WF_FACTS_TRACEPARENT. service_name (may be NULL) and the count attributes
 * "key=value" come from the user and win. What cannot be read is left out. -ENOMEM, -EINVAL for an
 * attribute without '='.
 */
int wf_enrich_resource_json(const struct wf_target *target, const char *service_name,
			    const char *const *attributes, size_t count, char **ret);
/* The same for facts that were recorded: what the user says now wins. -EBADMSG: no JSON object. */
int wf_enrich_override_json(const char *json, size_t len, const char *service_name,
			    const char *const *attributes, size_t count, char **ret);

/* Pure parts, for tests. The container's ID in /proc/PID/cgroup; false = there is none. */
bool wf_enrich_container_id(const char *cgroup, char *out, size_t size);
/* Value of a key in OTEL_RESOURCE_ATTRIBUTES, decoded, to be freed; NULL = none, or bad text. */
char *wf_enrich_attribute(const char *list, const char *key);

#endif
