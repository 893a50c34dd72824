/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

#include <inttypes.h>
#include <string.h>

#include "text.h"
#include "userspace/base/str.h"

#define DIM   "\033[2m"
#define PLAIN "\033[0m"

#define TEXT_MAX 512

static void put_count(struct wf_buf *out, uint64_t count, const char *one, const char *many)
{
	if (count)
		wf_buf_printf(out, "  %" PRIu64 " %s", count, count == 1 ? one : many);
}

static void put_age(struct wf_buf *out, uint64_t ns)
{
	uint64_t s = ns / 1000000000u;

	if (s < 3600)
		wf_buf_printf(out, "%" PRIu64 ":%02" PRIu64, s / 60, s % 60);
	else
		wf_buf_printf(out, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, s / 3600, s / 60 % 60,
			      s % 60);
}

void wf_status_put(const struct wf_style *style, const struct wf_status *status, struct wf_buf *out)
{
	unsigned width = style->width ? style->width - 1 : 79;
	struct wf_buf text;
	char age[32];

	wf_buf_init(&text, TEXT_MAX);
	put_age(&text, status->passed_ns);
	if (status->spans)
		put_count(&text, status->traces, "trace", "traces");
	else
		wf_buf_puts(&text, "  no call has ended yet");
	put_count(&text, status->spans, "span", "spans");
	put_count(&text, status->failed, "trace failed", "traces failed");
	put_count(&text, status->hidden, "not shown", "not shown");
	put_count(&text, status->open, "call open", "calls open");
	if (status->oldest) {
		wf_format_duration(status->oldest_ns, age, sizeof(age));
		wf_buf_printf(&text, ", the oldest for %s: %.80s", age, status->oldest);
	}
	if (text.data) {
		if (style->colour)
			wf_buf_puts(out, DIM);
		wf_text_put(out, text.data, text.len, width, false);
		wf_buf_puts(out, style->colour ? PLAIN "\r" : "\r");
	}
	wf_buf_done(&text);
}
