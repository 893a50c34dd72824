/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offsets.h - the table that CPython publishes at the start of _PyRuntime, from 3.13 on: its
 * cookie, its version, and from 3.14 on where a debugger leaves a request (PEP 768). Parsing is
 * pure; the bytes are the target's, so every offset is capped. Control thread.
 *
 * Two things are needed that it does not name: they stand beside what it does name.
 */
#ifndef WF_PYTHON_OFFSETS_H
#define WF_PYTHON_OFFSETS_H

#include <stdbool.h>
#include <stdint.h>

#include "userspace/base/err.h"

#define WF_OFFSETS_BYTES 888

struct wf_offsets {
	uint32_t version; /* as in PY_VERSION_HEX */
	bool free_threaded;
	/* 3.14 on: */
	uint32_t finalizing, interpreters_head;        /* in _PyRuntime */
	uint32_t interp_id, interp_next, threads_head; /* in the interpreter */
	uint32_t enabled;                              /* in the interpreter: int */
	uint32_t thread_previous, thread_next, thread_interp;
	uint32_t breaker;    /* in the thread: word with bits of requests */
	uint32_t pending;    /* in the thread: int */
	uint32_t path;       /* in the thread: text */
	uint32_t path_bytes; /* with its end */
	/* Not in the table: */
	uint32_t initialized;  /* in _PyRuntime: int */
	uint32_t thread_depth; /* in the thread: int of calls left, int of calls allowed */
};

/* -ENOENT: no such table; -EBADMSG: one that cannot be right. */
int wf_offsets_parse(const uint8_t bytes[WF_OFFSETS_BYTES], struct wf_offsets *ret,
		     struct wf_err *err);

#endif
