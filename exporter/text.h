/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - foreign text made safe for a terminal. Pure.
 *
 * Names and values come from the traced process: control characters (escape sequences too) are
 * shown and not sent. A code point counts as one column.
 */
#ifndef WF_TEXT_H
#define WF_TEXT_H

#include "userspace/base/buf.h"

/* Columns that the text takes, counted no further than past the limit. */
unsigned wf_text_columns(const char *text, size_t len, unsigned limit);

/*
 * Append at most `columns` columns of the text; longer text ends in "..". `pad` fills up with
 * spaces. Returns the columns used.
 */
unsigned wf_text_put(struct wf_buf *out, const char *text, size_t len, unsigned columns, bool pad);

#endif
