/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roster.h - which Python functions of a process could be armed, how, at what price, and which not
 * and why. The process is asked: its interpreter has to come by. Control thread only.
 */
#ifndef WF_ROSTER_H
#define WF_ROSTER_H

#include "listing.h"
#include "userspace/cli/config.h"
#include "userspace/plan/plan.h"
#include "userspace/rule/ruleset.h"
#include "userspace/target/target.h"

struct wf_roster_config {
	const struct wf_config *config;
	const struct wf_ruleset *rules; /* those that are not about Python are left out */
	const struct wf_costs *costs;
	struct wf_listing_style style;
};

/* Prints to `out`. ret_count: functions that were found. Errors as wf_visit(). */
int wf_roster_print(const struct wf_roster_config *config, const struct wf_target *target,
		    FILE *out, uint32_t *ret_count, struct wf_err *err);

#endif
