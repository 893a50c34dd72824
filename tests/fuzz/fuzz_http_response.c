/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of an OTLP receiver: the first two bytes choose the status, the rest is the body. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exporter/http.h"
#include "exporter/response.h"
#include "userspace/base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const long statuses[] = {200, 202, 301, 400, 404, 429, 500, 503};
	struct wf_response response;
	uint64_t spans;
	size_t i, len;

	if (size < 2)
		return 0;
	spans = data[1];
	/* No more than is kept of an answer. */
	size = size - 2 < WF_HTTP_KEPT_MAX ? size - 2 : WF_HTTP_KEPT_MAX;
	wf_response_read(statuses[data[0] % 8], data + 2, size, spans, &response);
	len = strnlen(response.message, sizeof(response.message));
	if (len == sizeof(response.message) || response.rejected > spans ||
	    !wf_utf8_valid(response.message, len))
		abort();
	for (i = 0; i < len; i++)
		if ((unsigned char)response.message[i] < 0x20)
			abort();
	if (response.outcome == WF_OUTCOME_REJECTED && response.rejected != spans)
		abort();
	return 0;
}
