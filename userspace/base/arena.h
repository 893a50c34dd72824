/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h - memory that is released whole: one arena per export batch, per plan, per rule set.
 *
 * An arena cannot be created without its maximum. Reset keeps the chunks, so that a warm arena
 * allocates nothing. One thread at a time.
 */
#ifndef WF_BASE_ARENA_H
#define WF_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "cleanup.h"

struct wf_arena;

/* NULL when memory is out. max_bytes counts payload of all chunks. */
struct wf_arena *wf_arena_new(size_t max_bytes);
void wf_arena_free(struct wf_arena *arena);
void wf_arena_reset(struct wf_arena *arena);
size_t wf_arena_used(const struct wf_arena *arena);

/* Zeroed, 8-byte aligned. NULL when the maximum is reached or memory is out. */
void *wf_arena_alloc(struct wf_arena *arena, size_t bytes);
/* Not zeroed, for buffers that are written at once. */
void *wf_arena_alloc_raw(struct wf_arena *arena, size_t bytes);
void *wf_arena_copy(struct wf_arena *arena, const void *bytes, size_t len);
/* NUL-ended copy of len bytes. */
char *wf_arena_strndup(struct wf_arena *arena, const char *text, size_t len);
char *wf_arena_strdup(struct wf_arena *arena, const char *text);
char *wf_arena_printf(struct wf_arena *arena, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

WF_DEFINE_FREEP(wf_arena_freep, struct wf_arena, wf_arena_free)

#endif
