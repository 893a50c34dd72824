/* SPDX-License-Identifier: Apache-2.0 */
/*
 * response.h - what an OTLP/HTTP answer means for the spans of its request. Pure. The body is
 * foreign bytes: it may be cut, empty, or no protobuf at all.
 */
#ifndef WF_RESPONSE_H
#define WF_RESPONSE_H

#include <stddef.h>
#include <stdint.h>

enum wf_outcome {
	WF_OUTCOME_ACCEPTED, /* but for `rejected` spans */
	WF_OUTCOME_RETRY,
	WF_OUTCOME_REJECTED, /* for good */
};

struct wf_response {
	enum wf_outcome outcome;
	uint64_t rejected;
	char message[200]; /* for people: printable UTF-8, "" = none */
};

/* spans: how many the request held; `rejected` never says more. body may be NULL. */
void wf_response_read(long http_status, const void *body, size_t len, uint64_t spans,
		      struct wf_response *ret);

#endif
