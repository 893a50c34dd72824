/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint.h"

#include <stdio.h>
#include <string.h>

#include "exporter/destination.h"
#include "exporter/http.h"
#include "userspace/base/clock.h"

#define TIMEOUT_NS 10000000000ull

static void on_answer(void *owner, const struct wf_http_result *result)
{
	*(struct wf_http_result *)owner = *result;
}

static void judge(const struct wf_destination *destination, const struct wf_http_result *result,
		  struct wf_endpoint_answer *ret)
{
	if (result->failure != WF_HTTP_ANSWERED) {
		snprintf(ret->finding, sizeof(ret->finding), "%s: %s", destination->name,
			 result->reason);
		snprintf(ret->cure, sizeof(ret->cure),
			 "is a receiver listening there, with OTLP over HTTP (port 4318)?");
		return;
	}
	ret->accepted = result->status >= 200 && result->status < 300;
	snprintf(ret->finding, sizeof(ret->finding), "%s: HTTP status %ld", destination->name,
		 result->status);
	if (result->status == 401 || result->status == 403)
		snprintf(ret->cure, sizeof(ret->cure),
			 "give its key with --header or --header-file");
	else if (!ret->accepted)
		snprintf(ret->cure, sizeof(ret->cure), "the path of OTLP traces is /v1/traces");
}

static int ask(const struct wf_destination *destination, struct wf_http_result *result,
	       struct wf_err *err)
{
	uint64_t end_ns = wf_clock_monotonic_ns() + TIMEOUT_NS;
	struct wf_http_endpoint *endpoint = NULL;
	struct wf_http *http = NULL;
	struct wf_http_post post = {
		.body = "", .timeout_ns = TIMEOUT_NS, .done = on_answer, .owner = result};
	int rc = wf_http_new(&http, err);

	result->status = -1;
	if (rc == 0)
		rc = wf_http_endpoint_new(destination->target,
					  (const char *const *)destination->headers.items,
					  destination->headers.count, &endpoint, err);
	post.endpoint = endpoint;
	if (rc == 0)
		rc = wf_http_start(http, &post);
	while (rc == 0 && result->status == -1 && wf_clock_monotonic_ns() < end_ns) {
		wf_http_perform(http);
		if (result->status == -1)
			wf_http_wait(http, 100);
	}
	wf_http_free(http);
	wf_http_endpoint_free(endpoint);
	return rc;
}

void wf_endpoint_ask(const char *url, struct wf_endpoint_answer *ret)
{
	struct wf_destination destination = {0};
	struct wf_http_result result = {0};
	struct wf_err err = {0};

	memset(ret, 0, sizeof(*ret));
	if (wf_destination_parse(url, &destination, &err) < 0 ||
	    destination.kind != WF_DESTINATION_OTLP) {
		snprintf(ret->finding, sizeof(ret->finding), "%s",
			 err.code ? err.msg : "this is no network destination");
		snprintf(ret->cure, sizeof(ret->cure), "write it as http://HOST:4318");
	} else if (ask(&destination, &result, &err) < 0) {
		snprintf(ret->finding, sizeof(ret->finding), "%s", err.msg);
	} else {
		judge(&destination, &result, ret);
	}
	wf_destination_done(&destination);
}
