/* SPDX-License-Identifier: Apache-2.0 */
/* choose.h - the rules of a session: those the user gave, or the shipped profiles that fit. */
#ifndef WF_CHOOSE_H
#define WF_CHOOSE_H

#include "userspace/cli/config.h"
#include "userspace/rule/ruleset.h"
#include "userspace/target/candidate.h"

/* --profile, -f and --slower, in this order. An empty set where none was given. */
int wf_choose_rules(const struct wf_config *config, struct wf_ruleset **ret, struct wf_err *err);
/*
 * Add every shipped profile whose requirements hold, and say which. None: what could be traced is
 * printed on stderr, -ENOENT.
 */
int wf_choose_profiles(struct wf_candidates *candidates, struct wf_ruleset *rules,
		       struct wf_err *err);

#endif
