/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listing.h - a plan for people (a table) and for programs (JSON lines).
 *
 * Pure: writes to the stream it is given; the caller checks the stream for errors.
 */
#ifndef WF_LISTING_H
#define WF_LISTING_H

#include <stdio.h>

#include "userspace/plan/plan.h"

struct wf_listing_style {
	bool json;
	bool colour;
	bool rules;     /* which rule chose it: for --dry-run */
	uint32_t width; /* columns of the terminal, 0 = as wide as it gets */
};

/* What suits the stream: colour and width on a terminal, NO_COLOR honoured. */
struct wf_listing_style wf_listing_style_for(FILE *out, bool json);

/* One line per function, sorted by file and name; then, in the table, what it comes to. -ENOMEM. */
int wf_listing_print(const struct wf_plan *plan, const struct wf_listing_style *style, FILE *out);

#endif
