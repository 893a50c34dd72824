/* SPDX-License-Identifier: Apache-2.0 */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int wf_err_set(struct wf_err *err, int code, const char *fmt, ...)
{
	va_list args;

	if (code < 0)
		code = -code;
	if (err) {
		err->code = code;
		va_start(args, fmt);
		vsnprintf(err->msg, sizeof(err->msg), fmt, args);
		va_end(args);
	}
	return -code;
}

int wf_err_wrap(struct wf_err *err, int rc, const char *fmt, ...)
{
	char cause[sizeof(err->msg)];
	va_list args;
	int len;

	if (!err || rc >= 0)
		return rc;
	/* A failure nobody explained still gets a sentence. */
	if (err->code == 0)
		wf_err_set(err, -rc, "%s", strerror(-rc));
	memcpy(cause, err->msg, sizeof(cause));
	va_start(args, fmt);
	len = vsnprintf(err->msg, sizeof(err->msg), fmt, args);
	va_end(args);
	if (len >= 0 && (size_t)len < sizeof(err->msg))
		snprintf(err->msg + len, sizeof(err->msg) - len, ": %s", cause);
	return rc;
}
