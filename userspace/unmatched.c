/* SPDX-License-Identifier: Apache-2.0 */
#include "unmatched.h"

#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/log.h"
#include "story.h"

#define STORY_BYTES_MAX 65536
#define REFUSALS_SHOWN  10

static void tell_rule(struct wf_wave *wave, const struct wf_rule *rule)
{
	struct wf_buf story;

	wf_buf_init(&story, STORY_BYTES_MAX);
	wf_story_rule(&wave->candidates, rule, &story);
	wf_log(WF_LOG_WARN, "plan", "%s: no function matches", rule->origin);
	if (story.data)
		fputs(story.data, stderr);
	wf_buf_done(&story);
}

static void tell_refusals(const struct wf_plan *plan)
{
	uint32_t shown = 0, refused = 0;

	for (uint32_t i = 0; i < plan->function_count; i++) {
		const struct wf_plan_function *function = &plan->functions[i];

		if (!function->refusal)
			continue;
		refused++;
		if (shown++ < REFUSALS_SHOWN)
			wf_log(WF_LOG_WARN, "plan", "not traced: %s: %s", function->name,
			       function->refusal);
	}
	if (refused > REFUSALS_SHOWN)
		wf_log(WF_LOG_WARN, "plan", "not traced: %u more (`wftrace list` shows all)",
		       refused - REFUSALS_SHOWN);
}

int wf_unmatched_report(const struct wf_ruleset *rules, struct wf_wave *wave, bool strict,
			bool may_come, struct wf_err *err)
{
	uint32_t unmatched = 0;

	for (uint32_t i = 0; i < rules->count; i++) {
		if (wave->matched[i])
			continue;
		unmatched++;
		if (!may_come || strict)
			tell_rule(wave, &rules->rules[i]);
	}
	tell_refusals(wave->plan);
	if (strict && (unmatched || wave->refused))
		return wf_err_set(
			err, ENOENT,
			"--strict: %u rules match nothing and %u functions cannot be traced",
			unmatched, wave->refused);
	if (!wave->armed && !may_come)
		return wf_err_set(err, ENOENT, "nothing to trace");
	return 0;
}
