/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - POST requests, many at a time, from one thread; the only user of libcurl.
 *
 * The owner runs wf_http_perform() and then wf_http_wait(); results come as calls from
 * wf_http_perform(), and must start nothing themselves. Connections are kept and reused,
 * certificates are verified, redirects are not followed, and an answer is read up to 4 MiB, of
 * which 64 KiB are kept. All on the export thread, but wf_http_wake() from any.
 */
#ifndef WF_HTTP_H
#define WF_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/err.h"

#define WF_HTTP_ANSWER_MAX (4u << 20)
#define WF_HTTP_KEPT_MAX   (64u << 10)

struct wf_http;          /* all transfers */
struct wf_http_endpoint; /* where to, with which headers */

enum wf_http_failure {
	WF_HTTP_ANSWERED,  /* there is a status */
	WF_HTTP_UNREACHED, /* no connection, cut, or timed out: may be tried again */
	WF_HTTP_WRONG,     /* not HTTP, bad certificate, answer too long: will not get better */
};

struct wf_http_result {
	enum wf_http_failure failure;
	long status;
	uint64_t retry_after_ns; /* 0 = none */
	const void *body;        /* lent for the call */
	size_t body_len;
	char reason[320]; /* for people, when there is no status */
};

typedef void (*wf_http_done)(void *owner, const struct wf_http_result *result);

struct wf_http_post {
	const struct wf_http_endpoint *endpoint;
	const void *body; /* stays where it is until done */
	size_t len;
	bool gzip; /* the body is */
	uint64_t timeout_ns;
	wf_http_done done;
	void *owner;
};

int wf_http_new(struct wf_http **ret, struct wf_err *err);
/* Requests under way are dropped without a call. */
void wf_http_free(struct wf_http *http);

/* headers: "Name: value" each. The endpoint outlives its requests. */
int wf_http_endpoint_new(const char *url, const char *const *headers, unsigned count,
			 struct wf_http_endpoint **ret, struct wf_err *err);
void wf_http_endpoint_free(struct wf_http_endpoint *endpoint);

/* 0 or -ENOMEM; done is called later, never from here. */
int wf_http_start(struct wf_http *http, const struct wf_http_post *post);
/* Drop all requests of an owner, without a call. */
void wf_http_abort(struct wf_http *http, const void *owner);
/* Move all transfers on; calls `done` of those that ended. Never blocks. */
void wf_http_perform(struct wf_http *http);
/* Sleep until there is something to do, wf_http_wake(), or timeout_ms. */
void wf_http_wait(struct wf_http *http, int timeout_ms);
void wf_http_wake(struct wf_http *http);

WF_DEFINE_FREEP(wf_http_freep, struct wf_http, wf_http_free)
WF_DEFINE_FREEP(wf_http_endpoint_freep, struct wf_http_endpoint, wf_http_endpoint_free)

#endif
