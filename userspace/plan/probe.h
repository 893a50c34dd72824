/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe.h - rules that are not a span per call: events, and spans between two sites. Their sites
 * are static probes or the entries of functions.
 */
#ifndef WF_PROBE_H
#define WF_PROBE_H

#include "blueprint.h"

/* What was found for one pair so far, over all files. */
struct wf_pair {
	uint32_t function; /* in the plan, WF_NO_FUNCTION = nothing yet */
	uint32_t opens, closes;
};

struct wf_probes {
	struct wf_pair *pairs; /* by rule */
	uint32_t count;
};

int wf_probes_init(struct wf_probes *probes, const struct wf_ruleset *rules, struct wf_err *err);
void wf_probes_done(struct wf_probes *probes);

/* Sites in the file at hand. */
int wf_probes_plan(struct wf_probes *probes, struct wf_blueprint *bp, struct wf_err *err);
/* After the last file: refuse pairs with one half, and find those that lie in one function. */
void wf_probes_finish(struct wf_probes *probes, struct wf_blueprint *bp);

#endif
