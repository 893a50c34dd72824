/* SPDX-License-Identifier: Apache-2.0 */
/* choose.h - the rules of a session: those the user gave, or the shipped profiles that fit. */
#ifndef WF_CHOOSE_H
#define WF_CHOOSE_H

#include "userspace/cli/config.h"
#include "userspace/rule/ruleset.h"
#include "userspace/target/candidate.h"

/* --profile, -f and --slower, in this order. An empty set where none was given. */
int wf_choose_rules(const struct wf_config *config, struct wf_ruleset **ret, struct wf_err *err);
/* For whom: a file that runs later, or processes. */
struct wf_choice {
	const char *file; /* NULL: the targets */
	struct wf_target *const *targets;
	uint32_t target_count;
	const char *debug_dir; /* may be NULL */
};

/*
 * Add every shipped profile whose requirements hold, and say which. None: what could be traced is
 * printed on stderr, -ENOENT.
 */
int wf_choose_profiles(const struct wf_choice *choice, struct wf_ruleset *rules,
		       struct wf_err *err);

#endif
