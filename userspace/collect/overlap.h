/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlap.h - what a recorded rule holds of a rule that is wanted now: which captured value serves
 * which operand, what was not captured, what was filtered at capture. Pure.
 */
#ifndef WF_OVERLAP_H
#define WF_OVERLAP_H

#include "userspace/base/buf.h"
#include "userspace/rule/rule.h"
#include "userspace/target/match.h"

#define WF_NO_SLOT   0xff /* not captured */
#define WF_HELD_SLOT 0xfe /* guards: the recording has only calls for which it holds */

struct wf_overlap {
	const struct wf_rule *recorded, *wanted;
	uint8_t slots[WF_CAPTURES_MAX]; /* by wanted operand: the recorded one */
	uint8_t guards[WF_GUARDS_MAX];  /* by wanted guard: the recorded operand */
};

/* A function or static probe as a DEFINE record names it. Borrowed texts; file may be NULL. */
struct wf_sighting {
	const char *symbol; /* "provider:name" of a static probe */
	const char *file;   /* path */
	bool executable;
};

/*
 * Is this what the rule means? `matcher` is of rule->at.function. `recorded` is the rule by which
 * it was traced; a pair must be closed by the same probe.
 */
bool wf_overlap_fits(const struct wf_rule *wanted, const struct wf_matcher *matcher,
		     const struct wf_rule *recorded, const struct wf_sighting *sighting);

void wf_overlap_make(const struct wf_rule *recorded, const struct wf_rule *wanted,
		     struct wf_overlap *ret);
/* How many of the wanted operands and guards were captured. */
uint32_t wf_overlap_score(const struct wf_overlap *overlap);
/* What the wanted rule misses, a line each: "not captured: ...", "filtered at capture: ...". */
void wf_overlap_say(const struct wf_overlap *overlap, struct wf_buf *out);

/* Would the wanted rule have recorded this call? Its guards, and min_duration where it is over. */
bool wf_overlap_keeps(const struct wf_overlap *overlap, const struct wf_rec_span *record);

#endif
