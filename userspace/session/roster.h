/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roster.h - which Python functions of a process could be armed, how, at what price, and which not
 * and why. The process is asked: its interpreter has to come by. Control thread only.
 */
#ifndef WF_ROSTER_H
#define WF_ROSTER_H

#include "listing.h"
#include "userspace/cli/config.h"
#include "userspace/kernel/feature.h"
#include "userspace/rule/ruleset.h"
#include "userspace/target/target.h"

/*
 * Prints to stdout, for those of the rules that are about Python; what a trap costs is measured
 * where this kernel lets us. ret_count: functions that were found. Errors as wf_visit(), and
 * -EINVAL where the configuration forbids to ask.
 */
int wf_roster_print(const struct wf_config *config, const struct wf_features *features,
		    const struct wf_ruleset *rules, const struct wf_target *target,
		    uint32_t *ret_count, struct wf_err *err);

#endif
