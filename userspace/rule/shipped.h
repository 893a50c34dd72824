/* SPDX-License-Identifier: Apache-2.0 */
/* shipped.h - the profiles that are embedded in the binary (profiles/embed.sh makes the table). */
#ifndef WF_SHIPPED_H
#define WF_SHIPPED_H

#include <stddef.h>

struct wf_shipped_profile {
	const char *name;
	const char *text; /* YAML */
	size_t len;
};

extern const struct wf_shipped_profile wf_shipped_profiles[];
extern const unsigned wf_shipped_profile_count;

#endif
