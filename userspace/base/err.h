/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.h - why something failed, for a person to read.
 *
 * Functions return 0 or a negative errno. Where a person must learn the reason, the last argument
 * is a struct wf_err, which may be NULL. The deepest function sets it; callers wrap at most once
 * per module; only main and run print. Plain data, no ownership, any thread.
 */
#ifndef WF_BASE_ERR_H
#define WF_BASE_ERR_H

struct wf_err {
	int code; /* positive errno, 0 = no error */
	char msg[480];
};

/* Set the first cause. Returns -code. */
int wf_err_set(struct wf_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "context: " in front of the message. Returns rc unchanged. */
int wf_err_wrap(struct wf_err *err, int rc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
