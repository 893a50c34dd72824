/* SPDX-License-Identifier: Apache-2.0 */
/* url.h - the parts of a URL, for a filter. Pure; NONE where the arena is full. */
#ifndef WF_URL_H
#define WF_URL_H

#include <stddef.h>

#include "userspace/base/arena.h"
#include "userspace/span/value.h"

/* WHOLE leaves out user info, query and fragment. */
enum wf_url_part {
	WF_URL_WHOLE,
	WF_URL_SCHEME,
	WF_URL_HOST,
	WF_URL_PORT,
	WF_URL_PATH,
};
struct wf_value wf_url_part(const char *url, size_t len, enum wf_url_part part,
			    struct wf_arena *arena);

#endif
