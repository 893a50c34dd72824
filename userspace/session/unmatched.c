/* SPDX-License-Identifier: Apache-2.0 */
#include "unmatched.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "story.h"
#include "userspace/base/buf.h"
#include "userspace/base/log.h"

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

uint32_t wf_unmatched_group(const struct wf_ruleset *rules, uint32_t from)
{
	uint32_t end = from + 1;

	if (strncmp(rules->rules[from].origin, "-f ", 3) == 0)
		return end;
	while (end < rules->count &&
	       strcmp(rules->rules[end].profile, rules->rules[from].profile) == 0 &&
	       strncmp(rules->rules[end].origin, "-f ", 3) != 0)
		end++;
	return end;
}

static bool group_matched(const struct wf_wave *wave, uint32_t from, uint32_t end)
{
	for (uint32_t i = from; i < end; i++)
		if (wave->matched[i])
			return true;
	return false;
}

/* A profile for something else: ten stories would say the same. */
static void tell_profile(const struct wf_ruleset *rules, const struct wf_wave *wave, uint32_t from,
			 uint32_t end, struct wf_buf *story)
{
	const struct wf_candidates *candidates = &wave->candidates;
	const char *executable = "what is traced";

	for (uint32_t i = candidates->count; i > 0; i--)
		if (candidates->items[i - 1].executable)
			executable = candidates->items[i - 1].shown;
	wf_buf_init(story, STORY_BYTES_MAX);
	wf_buf_printf(story,
		      "profile '%s' does not fit: none of its %u rules finds a function or static "
		      "probe in %s or its libraries; `wftrace list -p PID` shows what is there",
		      rules->rules[from].profile, end - from, executable);
}

static void tell_group(const struct wf_ruleset *rules, struct wf_wave *wave, uint32_t from,
		       uint32_t end, struct wf_buf *story)
{
	if (end - from > 1)
		tell_profile(rules, wave, from, end, story);
	else
		tell_rule(wave, &rules->rules[from], story);
}

/* The only rule's or profile's story is the error itself. */
static int refuse_all(const struct wf_ruleset *rules, struct wf_wave *wave, struct wf_err *err)
{
	struct wf_buf story;
	int rc;

	if (!rules->count || wf_unmatched_group(rules, 0) != rules->count || wave->matched[0])
		return wf_err_set(err, ENOENT,
				  "nothing to trace: none of the rules found a function");
	tell_group(rules, wave, 0, rules->count, &story);
	rc = wf_err_set(err, ENOENT, "%s", story.data ? story.data : "nothing to trace");
	wf_buf_done(&story);
	return rc;
}

void wf_unmatched_launched(const struct wf_ruleset *rules, uint32_t from, uint32_t end, bool over)
{
	const struct wf_rule *rule = &rules->rules[from];
	bool profile = end - from > 1, python = rule->at.type == WF_WHERE_PYTHON;

	wf_log(WF_LOG_WARN, "plan", "%s%s%s: nothing %s", profile ? "profile '" : "",
	       profile ? rule->profile : rule->origin, profile ? "'" : "",
	       !over    ? "fits yet; libraries and children that come later are searched too"
	       : python ? "fitted, up to the end: no such function was made, or (before Python "
			  "3.12) not long enough for it to be seen"
			: "fitted, up to the end; `wftrace list -x FILE` shows what a file has");
}

uint32_t wf_unmatched_tell(const struct wf_ruleset *rules, struct wf_wave *wave, bool quiet)
{
	uint32_t unmatched = 0, end;
	struct wf_buf story;

	for (uint32_t i = 0; i < rules->count; i = end) {
		end = wf_unmatched_group(rules, i);
		if (group_matched(wave, i, end))
			end = i + 1;
		if (wave->matched[i] || rules->rules[i].at.type == WF_WHERE_PYTHON)
			continue;
		unmatched += end - i;
		if (quiet)
			continue;
		tell_group(rules, wave, i, end, &story);
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

static int refuse_strict(uint32_t unmatched, uint32_t refused, struct wf_err *err)
{
	char rules[48] = "", functions[64] = "";

	if (unmatched)
		snprintf(rules, sizeof(rules), "%u rule%s nothing", unmatched,
			 unmatched == 1 ? " matches" : "s match");
	if (refused)
		snprintf(functions, sizeof(functions), "%u function%s cannot be traced", refused,
			 refused == 1 ? "" : "s");
	return wf_err_set(err, ENOENT, "--strict: %s%s%s", rules,
			  unmatched && refused ? " and " : "", functions);
}

/* Python functions are looked for later, in the processes. */
static bool names_native(const struct wf_ruleset *rules)
{
	for (uint32_t i = 0; i < rules->count; i++)
		if (rules->rules[i].at.type != WF_WHERE_PYTHON)
			return true;
	return !rules->count;
}

int wf_unmatched_report(const struct wf_ruleset *rules, struct wf_wave *wave, bool strict,
			bool may_come, struct wf_err *err)
{
	bool nothing = !wave->armed && (strict ? names_native(rules) : !may_come);
	bool only_one = nothing && rules->count && wf_unmatched_group(rules, 0) == rules->count &&
			!wave->matched[0];
	uint32_t unmatched = wf_unmatched_tell(rules, wave, only_one || (may_come && !strict));

	tell_refusals(wave->plan);
	if (strict && !only_one && (unmatched || wave->refused))
		return refuse_strict(unmatched, wave->refused, err);
	return nothing ? refuse_all(rules, wave, err) : 0;
}
