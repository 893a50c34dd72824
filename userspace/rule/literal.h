/* SPDX-License-Identifier: Apache-2.0 */
/*
 * literal.h - Python literals of texts and values, safe for whatever they hold. Pure. In the arena;
 * NULL when memory is out.
 */
#ifndef WF_LITERAL_H
#define WF_LITERAL_H

#include <stddef.h>

#include "userspace/base/arena.h"
#include "userspace/base/buf.h"
#include "userspace/span/value.h"

/* Quoted; only printable ASCII comes out. Bytes that are no UTF-8 become U+FFFD. */
const char *wf_literal_text(struct wf_arena *arena, const char *text, size_t len);
/* The same, behind what the buffer holds; it has failed when memory is out. */
void wf_literal_put(struct wf_buf *out, const char *text);
/* Scalars and lists of them; None where it is absent. */
const char *wf_literal_value(struct wf_arena *arena, const struct wf_value *value);

#endif
