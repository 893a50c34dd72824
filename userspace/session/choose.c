/* SPDX-License-Identifier: Apache-2.0 */
#include "choose.h"

#include <errno.h>

#include "offer.h"
#include "select.h"
#include "userspace/base/log.h"
#include "userspace/python/request.h"
#include "userspace/rule/shipped.h"

int wf_choose_rules(const struct wf_config *config, struct wf_ruleset **ret, struct wf_err *err)
{
	wf_auto(wf_ruleset_freep) struct wf_ruleset *rules = NULL;
	int rc = wf_ruleset_new(&rules, err);

	for (uint32_t i = 0; rc == 0 && i < config->profiles.count; i++)
		rc = wf_ruleset_add_profile(rules, config->profiles.items[i], err);
	for (uint32_t i = 0; rc == 0 && i < config->rules.count; i++)
		rc = wf_ruleset_add_short(rules, config->rules.items[i], err);
	if (rc < 0)
		return rc;
	if (config->slower_ns)
		wf_ruleset_set_min_duration(rules, config->slower_ns);
	if (rules->log_count && !wf_request_wanted(rules))
		return wf_err_set(err, EINVAL,
				  "'logs' are those of Python programs: name a Python function to "
				  "be traced as well (-f module:name)");
	*ret = wf_take(rules);
	return 0;
}

static bool fits(struct wf_candidates *candidates, const struct wf_shipped_profile *shipped)
{
	wf_auto(wf_ruleset_freep) struct wf_ruleset *profile = NULL;

	return wf_ruleset_new(&profile, NULL) == 0 &&
	       wf_ruleset_add_yaml(profile, shipped->name, shipped->text, shipped->len, NULL) ==
		       0 &&
	       wf_select_profile_fits(candidates, profile, NULL);
}

static int choose(struct wf_candidates *candidates, struct wf_ruleset *rules, struct wf_err *err)
{
	unsigned chosen = 0;

	for (unsigned i = 0; i < wf_shipped_profile_count; i++) {
		const struct wf_shipped_profile *shipped = &wf_shipped_profiles[i];
		int rc;

		if (!fits(candidates, shipped))
			continue;
		rc = wf_ruleset_add_profile(rules, shipped->name, err);
		if (rc < 0)
			return rc;
		wf_log(WF_LOG_INFO, "choose", "using the shipped profile '%s'", shipped->name);
		chosen++;
	}
	if (chosen)
		return 0;
	wf_offer_print(candidates, false, stderr);
	return wf_err_set(
		err, ENOENT,
		"no shipped profile fits: choose functions with -f (above is what there is)");
}

int wf_choose_profiles(const struct wf_choice *choice, struct wf_ruleset *rules, struct wf_err *err)
{
	struct wf_candidates candidates = {0};
	int rc;

	if (choice->file)
		rc = wf_candidates_from_file(&candidates, choice->file, choice->debug_dir, err);
	else
		rc = wf_candidates_from_targets(&candidates, choice->targets, choice->target_count,
						choice->debug_dir, err);
	if (rc == 0)
		rc = choose(&candidates, rules, err);
	wf_candidates_done(&candidates);
	return rc;
}
