/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile_build.h - a checked profile while it becomes rules. Inside the profile module.
 */
#ifndef WF_PROFILE_BUILD_H
#define WF_PROFILE_BUILD_H

#include "draft.h"
#include "yaml_tree.h"

/* A rule that names others, which may stand below it. */
struct wf_profile_pending {
	uint32_t rule;
	const struct wf_yaml *node;
	const char *label; /* NULL: the node lists them */
	struct wf_profile_pending *next;
};

struct wf_profile_builder {
	struct wf_ruleset *rules;
	const struct wf_yaml *root;
	const char *profile;
	uint32_t first_rule; /* of this file */
	struct wf_profile_pending *pending, *suppress;
	uint32_t keys;               /* number of the link by `key` and parent: key(), plus 1 */
	const struct wf_yaml *keyed; /* the first parent: key() while nothing offers a `key` */
	bool offered;
	struct wf_err *err;
	struct wf_err later; /* the first refusal by name */
};

void wf_profile_parser(struct wf_profile_builder *builder, const struct wf_yaml *node,
		       struct wf_parser *parser);
int wf_profile_no_memory(struct wf_profile_builder *builder);

/* profile_agent.c: the keys of a span that are decided while it runs, and not_errors. */
int wf_profile_read_agent(struct wf_profile_builder *builder, struct wf_draft *draft,
			  const struct wf_yaml *item);
/* What names other rules, once all are read: suppress, links. */
int wf_profile_link_agent(struct wf_profile_builder *builder);
int wf_profile_read_logs(struct wf_profile_builder *builder);

/* profile_require.c: `requires`, once all rules are read. */
int wf_profile_read_requirements(struct wf_profile_builder *builder);

#endif
