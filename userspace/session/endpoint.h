/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint.h - does a receiver answer? An export request without spans is sent to it. */
#ifndef WF_ENDPOINT_H
#define WF_ENDPOINT_H

#include <stdbool.h>

struct wf_endpoint_answer {
	bool accepted;
	char finding[512];
	char cure[200];
};

/* url as --to takes it. Blocks for 10 s at most. */
void wf_endpoint_ask(const char *url, struct wf_endpoint_answer *ret);

#endif
