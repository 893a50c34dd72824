/* SPDX-License-Identifier: Apache-2.0 */
/* inspect.c - `wftrace list` and `wftrace profiles`: they look and print, and arm nothing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "listing.h"
#include "offer.h"
#include "roster.h"
#include "select.h"
#include "unmatched.h"
#include "userspace/base/buf.h"
#include "userspace/base/cleanup.h"
#include "userspace/base/log.h"
#include "userspace/cli/command.h"
#include "userspace/kernel/selftest.h"
#include "userspace/python/request.h"
#include "userspace/rule/shipped.h"
#include "wave.h"

struct scene {
	struct wf_target *target; /* NULL = a file */
	struct wf_candidates candidates;
};

static void scene_done(struct scene *scene)
{
	wf_candidates_done(&scene->candidates);
	wf_target_free(scene->target);
}

static int scene_open(const struct wf_config *config, struct scene *scene, struct wf_err *err)
{
	int rc;

	if (config->executable)
		rc = wf_candidates_from_file(&scene->candidates, config->executable,
					     config->debug_dir, err);
	else
		rc = wf_target_open(config->pids.items[0], &scene->target, err);
	if (rc < 0 || config->executable)
		return rc;
	return wf_candidates_from_targets(&scene->candidates, &scene->target, 1, config->debug_dir,
					  err);
}

static int failed(const struct wf_err *err)
{
	wf_log(WF_LOG_ERROR, "cli", "%s", err->msg);
	return wf_exit_for(err->code);
}

static int flushed(FILE *out)
{
	if (!fflush(out) && !ferror(out))
		return WF_EXIT_DONE;
	wf_log(WF_LOG_ERROR, "cli", "cannot write the results: %m");
	return WF_EXIT_FAILED;
}

static int parse_globs(const struct wf_config *config, struct wf_ruleset **ret, struct wf_err *err)
{
	wf_auto(wf_ruleset_freep) struct wf_ruleset *rules = NULL;
	int rc = wf_ruleset_new(&rules, err);

	for (uint32_t i = 0; i < config->arguments.count && rc >= 0; i++)
		rc = wf_ruleset_add_short(rules, config->arguments.items[i], err);
	if (rc < 0)
		return rc;
	*ret = wf_take(rules);
	return 0;
}

/* As attach would plan: by what this kernel does, and what a trap costs here where that can be
 * measured. */
static int plan(const struct wf_config *config, const struct wf_ruleset *rules,
		const struct scene *scene, struct wf_wave *ret, struct wf_err *err)
{
	struct wf_features features = {0};
	struct wf_wave_config wave = {.config = config,
				      .features = &features,
				      .rules = rules,
				      .costs = wf_plan_default_costs(),
				      .without_hooks = true};

	if (wf_feature_probe(&features, NULL) == 0 && features.tier != WF_TIER_NONE)
		(void)wf_selftest_costs(&features, &wave.costs, NULL);
	if (scene->target)
		return wf_wave_plan(&wave, &scene->target, 1, ret, err);
	return wf_wave_plan_file(&wave, config->executable, ret, err);
}

static int list_python(const struct wf_config *config, const struct scene *scene,
		       const struct wf_ruleset *rules, uint32_t *ret_count, struct wf_err *err)
{
	struct wf_features features = {0};

	*ret_count = 0;
	if (!wf_request_wanted(rules))
		return 0;
	if (!scene->target)
		return wf_err_set(err, EINVAL, "Python functions are listed in a process (-p PID)");
	(void)wf_feature_probe(&features, NULL);
	return wf_roster_print(config, &features, rules, scene->target, ret_count, err);
}

static int list_functions(const struct wf_config *config, const struct scene *scene)
{
	struct wf_listing_style style = wf_listing_style_for(stdout, config->json);
	wf_auto(wf_ruleset_freep) struct wf_ruleset *rules = NULL;
	wf_auto(wf_wave_done) struct wf_wave wave = {0};
	struct wf_err err = {0};
	uint32_t python_count;

	if (parse_globs(config, &rules, &err) < 0) {
		failed(&err);
		return err.code == ENOMEM ? WF_EXIT_FAILED : WF_EXIT_USAGE;
	}
	if (list_python(config, scene, rules, &python_count, &err) < 0) {
		failed(&err);
		return err.code == EINVAL ? WF_EXIT_USAGE : wf_exit_for(err.code);
	}
	if (wf_request_alone(rules))
		return flushed(stdout) != WF_EXIT_DONE ? WF_EXIT_FAILED
		       : python_count                  ? WF_EXIT_DONE
						       : WF_EXIT_NO_MATCH;
	if (plan(config, rules, scene, &wave, &err) < 0)
		return failed(&err);
	if (wave.plan->function_count && wf_listing_print(wave.plan, &style, stdout) < 0) {
		wf_err_set(&err, ENOMEM, "out of memory");
		return failed(&err);
	}
	if (flushed(stdout) != WF_EXIT_DONE)
		return WF_EXIT_FAILED;
	wf_unmatched_tell(rules, &wave, false);
	return wave.plan->function_count || python_count ? WF_EXIT_DONE : WF_EXIT_NO_MATCH;
}

int wf_cmd_list(const struct wf_config *config)
{
	wf_auto(scene_done) struct scene scene = {0};
	struct wf_err err = {0};

	if (scene_open(config, &scene, &err) < 0)
		return failed(&err);
	/* a file that was named and cannot be read is the answer */
	if (config->executable && !wf_candidate_open(&scene.candidates, 0))
		return failed(&scene.candidates.items[0].open_error);
	if (config->arguments.count)
		return list_functions(config, &scene);
	wf_offer_print(&scene.candidates, config->json, stdout);
	return flushed(stdout);
}

static void print_profile(const struct wf_config *config, const struct wf_shipped_profile *profile,
			  const struct wf_ruleset *rules, struct wf_candidates *candidates)
{
	struct wf_err why = {0};
	bool fits = candidates && wf_select_profile_fits(candidates, rules, &why);

	if (config->json)
		printf("{\"profile\":\"%s\",\"rules\":%u%s}\n", profile->name, rules->count,
		       !candidates ? ""
		       : fits      ? ",\"fits\":true"
				   : ",\"fits\":false");
	else if (!candidates)
		printf("%-16s %u rules\n", profile->name, rules->count);
	else
		printf("%-16s %s%s\n", profile->name,
		       fits ? "fits" : "does not fit: ", fits ? "" : why.msg);
}

int wf_cmd_profiles(const struct wf_config *config)
{
	wf_auto(scene_done) struct scene scene = {0};
	struct wf_err err = {0};

	if (config->pids.count && scene_open(config, &scene, &err) < 0)
		return failed(&err);
	for (unsigned i = 0; i < wf_shipped_profile_count; i++) {
		const struct wf_shipped_profile *profile = &wf_shipped_profiles[i];
		wf_auto(wf_ruleset_freep) struct wf_ruleset *rules = NULL;

		if (wf_ruleset_new(&rules, &err) < 0 ||
		    wf_ruleset_add_profile(rules, profile->name, &err) < 0)
			return failed(&err);
		print_profile(config, profile, rules, scene.target ? &scene.candidates : NULL);
	}
	return flushed(stdout);
}
