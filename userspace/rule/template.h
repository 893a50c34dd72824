/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template.h - span and event names: text with {EXPR} in it. Not for other modules than rule and
 * profile; the collector uses wf_template_eval of expr.h.
 */
#ifndef WF_TEMPLATE_H
#define WF_TEMPLATE_H

#include "parser.h"

/* Parse the whole text of the parser's place. A part must have few values (docs/profiles.md). */
int wf_template_parse(struct wf_parser *parser, struct wf_template **ret);
/* A name without parts; it borrows the text. NULL when memory is out. */
struct wf_template *wf_template_fixed(struct wf_arena *arena, const char *text);
int wf_template_bind(struct wf_parser *parser, struct wf_template *name,
		     struct wf_binding *binding);

#endif
