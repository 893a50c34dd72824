// SPDX-License-Identifier: Apache-2.0
#include "wave.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/str.h"
#include "userspace/plan/hook.h"
#include "userspace/plan/planner.h"

/* Files that can define a hook; opening every mapped file for its symbols would be waste. */
static const char *const hook_files[] = {
	"libstdc++.so*", "libgcc_s.so*", "libc++abi.so*", "libc.so*",
	"libc-*.so",     "ld-musl-*",    "libc.musl-*",   "libunwind.so*",
};

void wf_wave_done(struct wf_wave *wave)
{
	wf_plan_free(wave->plan);
	wf_plan_free(wave->hooks);
	wf_selection_free(wave->selection);
	wf_candidates_done(&wave->candidates);
	free(wave->matched);
	memset(wave, 0, sizeof(*wave));
	/* symbols and plans of large files are most of the heap, and are not needed any more */
	malloc_trim(0);
}

const struct wf_candidate *wf_wave_candidate(const struct wf_wave *wave,
					     const struct wf_binary *elf)
{
	for (uint32_t i = 0; i < wave->candidates.count; i++)
		if (wave->candidates.items[i].elf == elf)
			return &wave->candidates.items[i];
	return NULL;
}

static bool may_hold_hooks(const struct wf_candidate *candidate)
{
	if (candidate->executable)
		return true;
	for (size_t i = 0; i < sizeof(hook_files) / sizeof(hook_files[0]); i++)
		if (wf_glob_match(hook_files[i], candidate->base))
			return true;
	return false;
}

/* The hooks are a plan of their own: they are attached more widely than the rules' functions. */
static int plan_hooks(const struct wf_plan_options *options, struct wf_wave *wave,
		      struct wf_err *err)
{
	wf_auto(wf_ruleset_freep) struct wf_ruleset *none = NULL;
	int rc = wf_ruleset_new(&none, err);

	if (rc == 0)
		rc = wf_plan_new(none, NULL, 0, options, NULL, &wave->hooks, err);
	for (uint32_t i = 0; rc == 0 && i < wave->candidates.count; i++) {
		struct wf_binary *elf;

		if (!may_hold_hooks(&wave->candidates.items[i]))
			continue;
		elf = wf_candidate_open(&wave->candidates, i);
		if (elf)
			rc = wf_plan_add_hooks(wave->hooks, elf, err);
	}
	return rc;
}

static bool rule_takes(const void *context, uint32_t file, uint32_t rule)
{
	const struct wf_wave *wave = context;

	return wf_selection_takes(wave->selection, file, rule) != 0;
}

static bool is_moved(const void *context, uint32_t file, uint64_t offset, uint64_t bytes)
{
	const struct wf_wave *wave = context;
	const struct wf_candidate *candidate =
		&wave->candidates.items[wf_selection_candidate(wave->selection, file)];

	return offset < candidate->moved_offset + candidate->moved_bytes &&
	       offset + bytes > candidate->moved_offset;
}

/* A file that cannot be read is told where a rule asks for it; a want of memory ends it all. */
static int check_memory(const struct wf_candidates *candidates, struct wf_err *err)
{
	for (uint32_t i = 0; i < candidates->count; i++) {
		const struct wf_err *why = &candidates->items[i].open_error;

		if (why->code == ENOMEM)
			return wf_err_set(err, ENOMEM, "%s", why->msg);
	}
	return 0;
}

static int plan_candidates(const struct wf_wave_config *config, struct wf_wave *wave,
			   struct wf_err *err)
{
	struct wf_plan_options options = {
		.costs = config->costs,
		.nop5_unsafe = config->features->nop5 == WF_NOP5_UNSAFE,
		.ret_only = config->config->ret_only,
		.takes = rule_takes,
		.moved = is_moved,
		.context = wave,
	};
	struct wf_binary *const *files;
	uint32_t count;
	int rc = wf_selection_new(&wave->candidates, config->rules, &wave->selection, err);

	if (rc < 0)
		return rc;
	wave->matched = calloc(config->rules->count + 1, sizeof(*wave->matched));
	if (!wave->matched)
		return wf_err_set(err, ENOMEM, "out of memory");
	files = wf_selection_files(wave->selection, &count);
	rc = wf_plan_new(config->rules, files, count, &options, wave->matched, &wave->plan, err);
	if (rc == 0 && !config->without_hooks)
		rc = plan_hooks(&options, wave, err);
	if (rc == 0)
		rc = check_memory(&wave->candidates, err);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < wave->plan->function_count; i++) {
		if (wave->plan->functions[i].refusal)
			wave->refused++;
		else
			wave->armed++;
	}
	return 0;
}

int wf_wave_plan(const struct wf_wave_config *config, struct wf_target *const *targets,
		 uint32_t count, struct wf_wave *ret, struct wf_err *err)
{
	int rc;

	memset(ret, 0, sizeof(*ret));
	rc = wf_candidates_from_targets(&ret->candidates, targets, count, config->config->debug_dir,
					err);
	if (rc == 0)
		rc = plan_candidates(config, ret, err);
	if (rc < 0)
		wf_wave_done(ret);
	return rc;
}

int wf_wave_plan_file(const struct wf_wave_config *config, const char *path, struct wf_wave *ret,
		      struct wf_err *err)
{
	int rc;

	memset(ret, 0, sizeof(*ret));
	rc = wf_candidates_from_file(&ret->candidates, path, config->config->debug_dir, err);
	if (rc == 0)
		rc = plan_candidates(config, ret, err);
	/* its entry point is asked for also where no rule is about it */
	if (rc == 0)
		(void)wf_candidate_open(&ret->candidates, 0);
	if (rc < 0)
		wf_wave_done(ret);
	return rc;
}
