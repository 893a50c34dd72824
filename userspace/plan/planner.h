/* SPDX-License-Identifier: Apache-2.0 */
/* planner.h - from rules and files to a plan. Pure apart from reading the ELF files it is given. */
#ifndef WF_PLANNER_H
#define WF_PLANNER_H

#include "plan.h"

/*
 * Plan the rules against files. `rules` of a file are those whose library glob matches it (the
 * caller decides which files take part). Unmatched rules are no error here: see matched[].
 * matched (may be NULL) has rules->count entries and counts functions found per rule.
 */
int wf_plan_new(const struct wf_ruleset *rules, struct wf_binary *const *files, uint32_t file_count,
		const struct wf_plan_options *options, uint32_t *matched, struct wf_plan **ret,
		struct wf_err *err);

#endif
