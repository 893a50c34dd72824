/* SPDX-License-Identifier: Apache-2.0 */
/* render.h - a span tree as lines for a person. Pure but for the local time zone. */
#ifndef WF_RENDER_H
#define WF_RENDER_H

#include "tree.h"
#include "userspace/base/buf.h"

struct wf_style {
	bool colour;
	bool utf8;          /* box drawing; else ASCII */
	unsigned width;     /* columns; 0 = any */
	unsigned lines_max; /* of one tree; 0 = 200 */
};

/* early: the tree's own parent has not ended. */
void wf_render_tree(const struct wf_style *style, const struct wf_node *root, bool early,
		    struct wf_buf *out);
/* "~ open 3.2 s  name ..." for a call that still runs. */
void wf_render_open(const struct wf_style *style, const struct wf_span *span, uint64_t age_ns,
		    struct wf_buf *out);
/* A line about what is not shown, dimmed. */
void wf_render_note(const struct wf_style *style, const char *text, struct wf_buf *out);

#endif
