/* SPDX-License-Identifier: Apache-2.0 */
/* profile_value.h - the grammar of one value of a profile. Inside the profile modules. */
#ifndef WF_PROFILE_VALUE_H
#define WF_PROFILE_VALUE_H

#include "profile_schema.h"
#include "userspace/base/arena.h"
#include "userspace/base/err.h"
#include "yaml_tree.h"

struct wf_profile_checker {
	struct wf_arena *arena;
	struct wf_err *err, *later;
};

/* One value of the shape that a key wants, apart from mappings. */
int wf_profile_check_value(struct wf_profile_checker *checker, const struct wf_key *key,
			   const struct wf_yaml *node);
/* The RULE of nearest(RULE), in the arena. -EINVAL. */
int wf_profile_nearest(struct wf_profile_checker *checker, const struct wf_yaml *node,
		       const char **ret);

/* nest, join, next or after(RULE): enum wf_again, and the RULE (in the arena) or NULL. -EINVAL. */
int wf_profile_again(struct wf_profile_checker *checker, const struct wf_yaml *node,
		     uint8_t *ret_again, const char **ret_rule);

#endif
