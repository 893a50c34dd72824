/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wave.h - one look at the processes: which files take part, what is probed in them, which hooks
 * they need. Reads files, attaches nothing. Control thread only.
 */
#ifndef WF_WAVE_H
#define WF_WAVE_H

#include <stdint.h>

#include "select.h"
#include "userspace/cli/config.h"
#include "userspace/kernel/feature.h"
#include "userspace/plan/plan.h"
#include "userspace/target/candidate.h"

struct wf_wave_config {
	const struct wf_config *config;
	const struct wf_features *features;
	const struct wf_ruleset *rules;
	struct wf_costs costs;
	bool without_hooks; /* nothing will be attached */
};

struct wf_wave {
	struct wf_candidates candidates;
	struct wf_selection *selection;
	struct wf_plan *plan;    /* the rules' functions */
	struct wf_plan *hooks;   /* unwinding, longjmp, stack switches; NULL = not asked for */
	uint32_t *matched;       /* functions per rule */
	uint32_t armed, refused; /* functions of the plan */
};

/* Files of the targets. Nothing of it outlives the targets. */
int wf_wave_plan(const struct wf_wave_config *config, struct wf_target *const *targets,
		 uint32_t count, struct wf_wave *ret, struct wf_err *err);
/* One file that runs later (run) or is only looked at (list -x). */
int wf_wave_plan_file(const struct wf_wave_config *config, const char *path, struct wf_wave *ret,
		      struct wf_err *err);
void wf_wave_done(struct wf_wave *wave);

/* Device and inode of a planned file's binary. */
const struct wf_candidate *wf_wave_candidate(const struct wf_wave *wave,
					     const struct wf_binary *elf);

#endif
