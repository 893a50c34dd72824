/* SPDX-License-Identifier: Apache-2.0 */
#include "select.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/str.h"

struct wf_selection {
	struct wf_candidates *candidates;
	const struct wf_ruleset *rules;
	uint8_t *takes;           /* [candidate][rule] */
	struct wf_binary **files; /* that take part */
	uint32_t *indexes;        /* of their candidates */
	uint32_t file_count;
};

static uint8_t *takes_at(const struct wf_selection *selection, uint32_t candidate, uint32_t rule)
{
	return &selection->takes[(size_t)candidate * selection->rules->count + rule];
}

/* A file the user named is taken whether it has the function or not: the plan says so then. */
static void take_library(struct wf_selection *selection, const struct wf_where *where,
			 uint32_t rule, uint8_t how)
{
	for (uint32_t i = 0; i < selection->candidates->count; i++) {
		if (wf_glob_match(where->library, selection->candidates->items[i].base))
			*takes_at(selection, i, rule) |= how;
	}
}

static void take_probe(struct wf_selection *selection, const struct wf_where *where, uint32_t rule,
		       uint8_t how)
{
	for (uint32_t i = 0; i < selection->candidates->count; i++) {
		const char *base = selection->candidates->items[i].base;

		if (where->library && !wf_glob_match(where->library, base))
			continue;
		if (wf_candidate_has_probe(selection->candidates, i, where->provider,
					   where->function))
			*takes_at(selection, i, rule) |= how;
	}
}

/* True where one of the files has the function. */
static bool take_function(struct wf_selection *selection, const struct wf_where *where,
			  uint32_t rule, uint8_t how, bool executable)
{
	bool found = false;

	for (uint32_t i = 0; i < selection->candidates->count; i++) {
		if (selection->candidates->items[i].executable != executable)
			continue;
		if (!wf_candidate_has_function(selection->candidates, i, where->function))
			continue;
		*takes_at(selection, i, rule) |= how;
		found = true;
	}
	return found;
}

static void take(struct wf_selection *selection, const struct wf_where *where, uint32_t rule,
		 uint8_t how)
{
	if (where->type == WF_WHERE_PYTHON)
		return;
	if (where->type == WF_WHERE_USDT)
		take_probe(selection, where, rule, how);
	else if (where->library)
		take_library(selection, where, rule, how);
	else if (!take_function(selection, where, rule, how, true) &&
		 !wf_glob_is_pattern(where->function))
		take_function(selection, where, rule, how, false);
}

static bool takes_part(const struct wf_selection *selection, uint32_t candidate)
{
	for (uint32_t rule = 0; rule < selection->rules->count; rule++) {
		if (*takes_at(selection, candidate, rule))
			return true;
	}
	return false;
}

static void collect(struct wf_selection *selection)
{
	for (uint32_t i = 0; i < selection->candidates->count; i++) {
		struct wf_binary *elf = NULL;

		if (takes_part(selection, i))
			elf = wf_candidate_open(selection->candidates, i);
		if (!elf)
			continue;
		selection->files[selection->file_count] = elf;
		selection->indexes[selection->file_count++] = i;
	}
}

int wf_selection_new(struct wf_candidates *candidates, const struct wf_ruleset *rules,
		     struct wf_selection **ret, struct wf_err *err)
{
	wf_auto(wf_selection_freep) struct wf_selection *selection = calloc(1, sizeof(*selection));

	if (!selection)
		return wf_err_set(err, ENOMEM, "out of memory");
	selection->candidates = candidates;
	selection->rules = rules;
	selection->takes = calloc(candidates->count + 1, rules->count + 1);
	selection->files = calloc(candidates->count + 1, sizeof(*selection->files));
	selection->indexes = calloc(candidates->count + 1, sizeof(*selection->indexes));
	if (!selection->takes || !selection->files || !selection->indexes)
		return wf_err_set(err, ENOMEM, "out of memory");
	for (uint32_t i = 0; i < rules->count; i++) {
		take(selection, &rules->rules[i].at, i, WF_TAKES_AT);
		if (rules->rules[i].kind == WF_RULE_PAIR)
			take(selection, &rules->rules[i].close, i, WF_TAKES_CLOSE);
	}
	collect(selection);
	*ret = wf_take(selection);
	return 0;
}

void wf_selection_free(struct wf_selection *selection)
{
	if (!selection)
		return;
	free(selection->takes);
	free(selection->files);
	free(selection->indexes);
	free(selection);
}

struct wf_binary *const *wf_selection_files(const struct wf_selection *selection,
					    uint32_t *ret_count)
{
	*ret_count = selection->file_count;
	return selection->files;
}

uint32_t wf_selection_candidate(const struct wf_selection *selection, uint32_t file)
{
	return selection->indexes[file];
}

uint8_t wf_selection_takes(const struct wf_selection *selection, uint32_t file, uint32_t rule)
{
	return *takes_at(selection, selection->indexes[file], rule);
}

static bool requirement_holds(struct wf_candidates *candidates, uint32_t index,
			      const struct wf_requirement *requirement, const char *provider,
			      const char *name)
{
	const struct wf_candidate *candidate = &candidates->items[index];

	switch (requirement->kind) {
	case WF_REQUIRE_EXECUTABLE:
		return candidate->executable && wf_glob_match(requirement->glob, candidate->base);
	case WF_REQUIRE_LIBRARY:
		return wf_glob_match(requirement->glob, candidate->base);
	case WF_REQUIRE_SYMBOL:
		return candidate->executable &&
		       wf_candidate_has_function(candidates, index, requirement->glob);
	case WF_REQUIRE_USDT:
		return wf_candidate_has_probe(candidates, index, provider, name);
	case WF_REQUIRE_PYTHON:
		return false; /* an agent goes in only where the user asks for it */
	}
	return false;
}

static int requirement_missing(const struct wf_requirement *requirement, struct wf_err *why)
{
	static const char *const texts[] = {
		[WF_REQUIRE_EXECUTABLE] = "no executable is called",
		[WF_REQUIRE_LIBRARY] = "no mapped file is called",
		[WF_REQUIRE_SYMBOL] = "no executable has the function",
		[WF_REQUIRE_USDT] = "no mapped file has the static probe",
		[WF_REQUIRE_PYTHON] = "only an agent in the process can tell of the module",
	};

	return wf_err_set(why, ENOENT, "%s '%s'", texts[requirement->kind], requirement->glob);
}

/* "PROVIDER:NAME" */
static void split_probe(const char *glob, char *provider, size_t size, const char **ret_name)
{
	size_t len = strcspn(glob, ":");

	snprintf(provider, size, "%.*s", (int)len, glob);
	*ret_name = glob[len] ? glob + len + 1 : "*";
}

static bool any_candidate(struct wf_candidates *candidates,
			  const struct wf_requirement *requirement)
{
	char provider[128];
	const char *name;

	split_probe(requirement->glob, provider, sizeof(provider), &name);
	for (uint32_t i = 0; i < candidates->count; i++) {
		if (requirement_holds(candidates, i, requirement, provider, name))
			return true;
	}
	return false;
}

/* The first requirement of this variant that does not hold, or NULL. */
static const struct wf_requirement *first_missing(struct wf_candidates *candidates,
						  const struct wf_ruleset *profile,
						  uint32_t variant)
{
	for (uint32_t i = 0; i < profile->requirement_count; i++) {
		if (profile->requirements[i].variant == variant &&
		    !any_candidate(candidates, &profile->requirements[i]))
			return &profile->requirements[i];
	}
	return NULL;
}

bool wf_select_profile_fits(struct wf_candidates *candidates, const struct wf_ruleset *profile,
			    struct wf_err *why)
{
	const struct wf_requirement *missing = NULL;

	for (uint32_t i = 0; i < profile->requirement_count; i++) {
		const struct wf_requirement *one =
			first_missing(candidates, profile, profile->requirements[i].variant);

		if (!one)
			return true;
		missing = missing ? missing : one;
	}
	if (missing)
		requirement_missing(missing, why);
	return !missing;
}
