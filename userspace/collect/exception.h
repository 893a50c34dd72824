/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exception.h - thrown C++ objects, remembered until the calls that they unwound have come.
 *
 * One per (process, object address), the newest wins, the oldest leaves at the maximum. Counted
 * references, so that a span that is held keeps the one it was unwound by. Data thread only.
 */
#ifndef WF_EXCEPTION_H
#define WF_EXCEPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"
#include "userspace/base/cleanup.h"

struct wf_exception;
struct wf_exceptions;

/* NULL when memory is out. */
struct wf_exceptions *wf_exceptions_new(size_t max);
void wf_exceptions_free(struct wf_exceptions *exceptions);

/* Copy a checked record. False where there was no room. */
bool wf_exceptions_add(struct wf_exceptions *exceptions, const struct wf_rec_exception *record);
/* A new reference, or NULL. */
struct wf_exception *wf_exceptions_find(struct wf_exceptions *exceptions, uint32_t tgid,
					uint64_t object);
/* NULL is fine. */
void wf_exceptions_unref(struct wf_exceptions *exceptions, struct wf_exception *exception);

/* The type as in the source, or as in the binary where it cannot be demangled; never NULL. Valid
 * until the next call. */
const char *wf_exceptions_type(struct wf_exceptions *exceptions,
			       const struct wf_exception *exception);
/* The text of what(), where the type is known to keep a string there; else NULL. Raw bytes. */
const char *wf_exception_message(const struct wf_exception *exception, size_t *ret_len);

WF_DEFINE_FREEP(wf_exceptions_freep, struct wf_exceptions, wf_exceptions_free)

#endif
