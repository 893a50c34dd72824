/* SPDX-License-Identifier: Apache-2.0 */
#include "response.h"

#include <stdio.h>
#include <string.h>

#include "otlp.pb-c.h"
#include "retry.h"
#include "userspace/base/str.h"

/* Room to clean a message in; more of it is never shown. */
#define RAW_MESSAGE_MAX 600

/* One line of printable text: a server's words end on a terminal. */
static void message_set(struct wf_response *ret, const char *text, size_t len)
{
	char clean[3 * RAW_MESSAGE_MAX + 1];
	size_t i;

	len = wf_utf8_clean(clean, text, len < RAW_MESSAGE_MAX ? len : RAW_MESSAGE_MAX);
	len = wf_utf8_truncate(clean, len, sizeof(ret->message) - 1);
	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)clean[i];
		/* C1 controls are C2 80 .. C2 9F in UTF-8. */
		bool c1 = i && (unsigned char)clean[i - 1] == 0xc2 && c >= 0x80 && c <= 0x9f;

		if (c1)
			ret->message[i - 1] = ' ';
		ret->message[i] = c < 0x20 || c == 0x7f || c1 ? ' ' : (char)c;
	}
	ret->message[len] = '\0';
}

static void accepted_read(const uint8_t *body, size_t len, uint64_t spans, struct wf_response *ret)
{
	Wf__TraceResponse *response = wf__trace_response__unpack(NULL, len, body);

	ret->outcome = WF_OUTCOME_ACCEPTED;
	/* Some receivers answer 200 with their own words; a web page is no receiver's. */
	if (!response) {
		if (len && body[0] == '<')
			snprintf(ret->message, sizeof(ret->message),
				 "the answer is a web page: is this an OTLP receiver?");
		return;
	}
	if (response->partial_success) {
		const Wf__PartialSuccess *partial = response->partial_success;

		if (partial->rejected_spans > 0)
			ret->rejected = (uint64_t)partial->rejected_spans;
		if (ret->rejected > spans)
			ret->rejected = spans;
		message_set(ret, partial->error_message, strlen(partial->error_message));
	}
	wf__trace_response__free_unpacked(response, NULL);
}

static bool is_text(const uint8_t *body, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (body[i] < 0x20 && body[i] != '\n' && body[i] != '\r' && body[i] != '\t')
			return false;
	return len > 0;
}

static void refusal_read(const uint8_t *body, size_t len, struct wf_response *ret)
{
	Wf__ErrorStatus *status = NULL;

	/* A protobuf Status begins with tag 0x08 or 0x12, which no text does. */
	if (!is_text(body, len))
		status = wf__error_status__unpack(NULL, len, body);
	if (status)
		message_set(ret, status->message, strlen(status->message));
	else if (is_text(body, len))
		message_set(ret, (const char *)body, len);
	if (status)
		wf__error_status__free_unpacked(status, NULL);
}

void wf_response_read(long http_status, const void *body, size_t len, uint64_t spans,
		      struct wf_response *ret)
{
	static const uint8_t empty[1];

	*ret = (struct wf_response){.rejected = 0};
	if (!body) {
		body = empty;
		len = 0;
	}
	if (http_status >= 200 && http_status < 300) {
		accepted_read(body, len, spans, ret);
		return;
	}
	ret->outcome = wf_retry_status(http_status) ? WF_OUTCOME_RETRY : WF_OUTCOME_REJECTED;
	if (ret->outcome == WF_OUTCOME_REJECTED)
		ret->rejected = spans;
	refusal_read(body, len, ret);
}
