/* SPDX-License-Identifier: Apache-2.0 */
/* profile_check.h - the grammar of a whole profile. Inside the profile modules. */
#ifndef WF_PROFILE_CHECK_H
#define WF_PROFILE_CHECK_H

#include "userspace/base/arena.h"
#include "userspace/base/err.h"
#include "yaml_tree.h"

/*
 * Check every key, word and expression of a file. Returns 0 or -EINVAL with place and reason.
 * The first thing that is right but belongs to a later version is left in *later (code 0 = none).
 */
int wf_profile_check(struct wf_arena *arena, const struct wf_yaml *root, struct wf_err *later,
		     struct wf_err *err);

#endif
