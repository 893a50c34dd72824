/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/buf.h"

#define NS_PER_MS 1000000u
#define NS_PER_S  1000000000ull

/* Load balancers and changed addresses are followed by not keeping a connection for ever. */
#define CONNECTION_IDLE_S 60L
#define CONNECTION_LIFE_S 600L

struct wf_http_endpoint {
	char *url;
	struct curl_slist *plain, *gzip; /* headers for either body */
};

struct transfer {
	struct transfer *next;
	CURL *easy;
	bool busy;
	size_t answered; /* bytes of the answer's body */
	struct wf_buf kept;
	struct wf_http_post post;
	char error[CURL_ERROR_SIZE];
};

struct wf_http {
	CURLM *multi;
	struct transfer *transfers;
};

int wf_http_new(struct wf_http **ret, struct wf_err *err)
{
	wf_auto(wf_http_freep) struct wf_http *http = calloc(1, sizeof(*http));

	if (!http || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return wf_err_set(err, ENOMEM, "cannot start the HTTP library");
	http->multi = curl_multi_init();
	if (!http->multi)
		return wf_err_set(err, ENOMEM, "cannot start the HTTP library");
	*ret = wf_take(http);
	return 0;
}

static void transfer_free(struct transfer *transfer)
{
	curl_easy_cleanup(transfer->easy);
	wf_buf_done(&transfer->kept);
	free(transfer);
}

void wf_http_free(struct wf_http *http)
{
	struct transfer *next;

	if (!http)
		return;
	while (http->transfers) {
		next = http->transfers->next;
		if (http->transfers->busy)
			curl_multi_remove_handle(http->multi, http->transfers->easy);
		transfer_free(http->transfers);
		http->transfers = next;
	}
	if (http->multi)
		curl_multi_cleanup(http->multi);
	free(http);
	/* No curl_global_cleanup: another user in the process may still be at work. */
}

static int header_add(struct curl_slist **list, const char *header)
{
	struct curl_slist *longer = curl_slist_append(*list, header);

	if (!longer)
		return -ENOMEM;
	*list = longer;
	return 0;
}

static int headers_make(struct curl_slist **list, const char *const *headers, unsigned count,
			bool gzip)
{
	/* An empty Expect keeps libcurl from waiting for "100 Continue" before long bodies. */
	int rc = header_add(list, "Content-Type: application/x-protobuf");
	unsigned i;

	if (!rc)
		rc = header_add(list, "Expect:");
	if (!rc && gzip)
		rc = header_add(list, "Content-Encoding: gzip");
	for (i = 0; i < count && !rc; i++)
		rc = header_add(list, headers[i]);
	return rc;
}

int wf_http_endpoint_new(const char *url, const char *const *headers, unsigned count,
			 struct wf_http_endpoint **ret, struct wf_err *err)
{
	wf_auto(wf_http_endpoint_freep) struct wf_http_endpoint *endpoint =
		calloc(1, sizeof(*endpoint));

	if (endpoint)
		endpoint->url = strdup(url);
	if (!endpoint || !endpoint->url ||
	    headers_make(&endpoint->plain, headers, count, false) < 0 ||
	    headers_make(&endpoint->gzip, headers, count, true) < 0)
		return wf_err_set(err, ENOMEM, "out of memory");
	*ret = wf_take(endpoint);
	return 0;
}

void wf_http_endpoint_free(struct wf_http_endpoint *endpoint)
{
	if (!endpoint)
		return;
	curl_slist_free_all(endpoint->plain);
	curl_slist_free_all(endpoint->gzip);
	free(endpoint->url);
	free(endpoint);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	size_t len = size * count, room = WF_HTTP_KEPT_MAX - transfer->kept.len;

	if (len > WF_HTTP_ANSWER_MAX - transfer->answered)
		return 0; /* libcurl ends the transfer with CURLE_WRITE_ERROR */
	transfer->answered += len;
	/* A body that cannot be kept is only a message less. */
	wf_buf_append(&transfer->kept, bytes, len < room ? len : room);
	return len;
}

/* What is the same for every request of a handle. */
static void easy_setup(struct transfer *transfer)
{
	CURL *easy = transfer->easy;

	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* Leaving must not wait for a name server that does not answer. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "wftrace/" WF_VERSION);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, CONNECTION_IDLE_S);
	curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, CONNECTION_LIFE_S);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
}

static struct transfer *transfer_get(struct wf_http *http)
{
	struct transfer *transfer;

	for (transfer = http->transfers; transfer; transfer = transfer->next)
		if (!transfer->busy)
			return transfer;
	transfer = calloc(1, sizeof(*transfer));
	if (!transfer)
		return NULL;
	wf_buf_init(&transfer->kept, WF_HTTP_KEPT_MAX);
	transfer->easy = curl_easy_init();
	if (!transfer->easy) {
		transfer_free(transfer);
		return NULL;
	}
	easy_setup(transfer);
	transfer->next = http->transfers;
	http->transfers = transfer;
	return transfer;
}

int wf_http_start(struct wf_http *http, const struct wf_http_post *post)
{
	struct transfer *transfer = transfer_get(http);
	CURL *easy;

	if (!transfer)
		return -ENOMEM;
	easy = transfer->easy;
	transfer->post = *post;
	transfer->answered = 0;
	transfer->error[0] = '\0';
	wf_buf_reset(&transfer->kept);
	curl_easy_setopt(easy, CURLOPT_URL, post->endpoint->url);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER,
			 post->gzip ? post->endpoint->gzip : post->endpoint->plain);
	/* From memory, so that libcurl can send it again when a kept connection was stale. */
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, post->body);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->len);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(post->timeout_ns / NS_PER_MS));
	if (curl_multi_add_handle(http->multi, easy) != CURLM_OK)
		return -ENOMEM;
	transfer->busy = true;
	return 0;
}

void wf_http_abort(struct wf_http *http, const void *owner)
{
	struct transfer *transfer;

	for (transfer = http->transfers; transfer; transfer = transfer->next) {
		if (!transfer->busy || transfer->post.owner != owner)
			continue;
		curl_multi_remove_handle(http->multi, transfer->easy);
		transfer->busy = false;
	}
}

static const char *wrong_reason(CURLcode code)
{
	switch (code) {
	case CURLE_UNSUPPORTED_PROTOCOL: /* "Received HTTP/0.9 when not allowed" */
	case CURLE_WEIRD_SERVER_REPLY:
		return "the answer is not HTTP/1.1: if this is a gRPC port (4317), use the one of "
		       "OTLP/HTTP: http://HOST:4318";
	case CURLE_WRITE_ERROR:
		return "the answer is longer than 4 MiB: this is no OTLP receiver";
	case CURLE_PEER_FAILED_VERIFICATION:
		return "the server's certificate is not trusted";
	case CURLE_URL_MALFORMAT:
		return "the address is no valid URL";
	default:
		return NULL;
	}
}

static void result_make(struct transfer *transfer, CURLcode code, struct wf_http_result *ret)
{
	const char *detail = transfer->error[0] ? transfer->error : curl_easy_strerror(code);
	const char *wrong = wrong_reason(code);
	curl_off_t after = 0;

	*ret = (struct wf_http_result){.body = transfer->kept.data, .body_len = transfer->kept.len};
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &ret->status);
	curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &after);
	if (after > 0 && (uint64_t)after < UINT64_MAX / NS_PER_S)
		ret->retry_after_ns = (uint64_t)after * NS_PER_S;
	if (code == CURLE_OK && ret->status > 0)
		return;
	ret->failure = wrong ? WF_HTTP_WRONG : WF_HTTP_UNREACHED;
	if (wrong)
		snprintf(ret->reason, sizeof(ret->reason), "%s (%.120s)", wrong, detail);
	else
		snprintf(ret->reason, sizeof(ret->reason), "%.250s", detail);
}

void wf_http_perform(struct wf_http *http)
{
	struct wf_http_result result;
	struct transfer *transfer;
	int running, left;
	CURLMsg *message;
	CURLcode code;

	curl_multi_perform(http->multi, &running);
	while ((message = curl_multi_info_read(http->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		code = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		curl_multi_remove_handle(http->multi, transfer->easy);
		result_make(transfer, code, &result);
		transfer->busy = false;
		transfer->post.done(transfer->post.owner, &result);
	}
}

void wf_http_wait(struct wf_http *http, int timeout_ms)
{
	curl_multi_poll(http->multi, NULL, 0, timeout_ms, NULL);
}

void wf_http_wake(struct wf_http *http)
{
	curl_multi_wakeup(http->multi);
}
