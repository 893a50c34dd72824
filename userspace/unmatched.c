/* SPDX-License-Identifier: Apache-2.0 */
#include "unmatched.h"

#include <errno.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/log.h"
#include "story.h"

#define STORY_BYTES_MAX 65536
#define REFUSALS_SHOWN  10

/* Why the rule found nothing, in one line; the caller releases it. */
static void tell_rule(struct wf_wave *wave, const struct wf_rule *rule, struct wf_buf *story)
{
	wf_buf_init(story, STORY_BYTES_MAX);
	wf_story_rule(&wave->candidates, rule, story);
	if (!story->data)
		wf_buf_printf(story, "%s: no function fits", rule->origin);
}

/* The only rule's story is the error itself. */
static int refuse_all(const struct wf_ruleset *rules, struct wf_wave *wave, struct wf_err *err)
{
	struct wf_buf story;
	int rc;

	if (rules->count != 1 || wave->matched[0])
		return wf_err_set(err, ENOENT,
				  "nothing to trace: none of the rules found a function");
	tell_rule(wave, &rules->rules[0], &story);
	rc = wf_err_set(err, ENOENT, "%s", story.data ? story.data : "nothing to trace");
	wf_buf_done(&story);
	return rc;
}

uint32_t wf_unmatched_tell(const struct wf_ruleset *rules, struct wf_wave *wave, bool quiet)
{
	uint32_t unmatched = 0;
	struct wf_buf story;

	for (uint32_t i = 0; i < rules->count; i++) {
		if (wave->matched[i])
			continue;
		unmatched++;
		if (quiet)
			continue;
		tell_rule(wave, &rules->rules[i], &story);
		wf_log(WF_LOG_WARN, "plan", "%s", story.data ? story.data : "out of memory");
		wf_buf_done(&story);
	}
	return unmatched;
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
	bool nothing = !wave->armed && !may_come;
	bool only_one = nothing && rules->count == 1;
	uint32_t unmatched = wf_unmatched_tell(rules, wave, only_one || (may_come && !strict));

	tell_refusals(wave->plan);
	if (strict && !only_one && (unmatched || wave->refused))
		return wf_err_set(
			err, ENOENT,
			"--strict: %u rules match nothing and %u functions cannot be traced",
			unmatched, wave->refused);
	return nothing ? refuse_all(rules, wave, err) : 0;
}
