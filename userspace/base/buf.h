/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf.h - a growing byte buffer with a maximum.
 *
 * Once an append fails (maximum or memory), the buffer is `failed` and later appends do nothing,
 * so a writer checks once at the end. `data` is always NUL-ended where it is not NULL.
 */
#ifndef WF_BASE_BUF_H
#define WF_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct wf_buf {
	char *data;
	size_t len, cap, max;
	bool failed;
};

void wf_buf_init(struct wf_buf *buf, size_t max_bytes);
void wf_buf_done(struct wf_buf *buf);
/* Empty it and clear `failed`; keeps the memory. */
void wf_buf_reset(struct wf_buf *buf);

/* All return 0, -ENOMEM, or -E2BIG when the maximum is met. */
int wf_buf_append(struct wf_buf *buf, const void *bytes, size_t len);
int wf_buf_puts(struct wf_buf *buf, const char *text);
int wf_buf_putc(struct wf_buf *buf, char c);
int wf_buf_printf(struct wf_buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A JSON string with quotes; invalid UTF-8 becomes U+FFFD. */
int wf_buf_json_string(struct wf_buf *buf, const char *text, size_t len);

#endif
