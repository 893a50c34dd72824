/* SPDX-License-Identifier: Apache-2.0 */
/* near.h - the few names closest to what the user asked for: "did you mean". Pure. */
#ifndef WF_NEAR_H
#define WF_NEAR_H

#include <stddef.h>

#define WF_NEAR_NAMES    5
#define WF_NEAR_NAME_MAX 128 /* longer names are not suggested */

struct wf_near {
	char core[WF_NEAR_NAME_MAX]; /* the pattern without wildcards */
	char names[WF_NEAR_NAMES][WF_NEAR_NAME_MAX];
	unsigned distances[WF_NEAR_NAMES];
	size_t count;
};

void wf_near_init(struct wf_near *near, const char *pattern);
/* Keep the name if it is closer than what is kept. Equal names are kept once. */
void wf_near_offer(struct wf_near *near, const char *name);
/* "'a', 'b'", closest first; "" where none is close. */
void wf_near_print(const struct wf_near *near, char *out, size_t size);

#endif
