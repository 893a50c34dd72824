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

/* profile_value.c: one value of the shape that a key wants, apart from mappings. */
struct wf_profile_checker {
	struct wf_arena *arena;
	struct wf_err *err, *later;
};
struct wf_key;
int wf_profile_check_value(struct wf_profile_checker *checker, const struct wf_key *key,
			   const struct wf_yaml *node);
/* The RULE of nearest(RULE), in the arena. -EINVAL. */
int wf_profile_nearest(struct wf_profile_checker *checker, const struct wf_yaml *node,
		       const char **ret);

/* nest, join, next or after(RULE): enum wf_again, and the RULE (in the arena) or NULL. -EINVAL. */
int wf_profile_again(struct wf_profile_checker *checker, const struct wf_yaml *node,
		     uint8_t *ret_again, const char **ret_rule);

#endif
