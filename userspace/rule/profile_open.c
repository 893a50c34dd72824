/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles by shipped name or by path. */
#include "ruleset.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shipped.h"
#include "userspace/base/str.h"
#include "yaml_tree.h"

static int add_file(struct wf_ruleset *rules, const char *path, struct wf_err *err)
{
	wf_auto(wf_freep) char *text = NULL;
	size_t len;
	int rc = wf_read_file(path, WF_YAML_BYTES_MAX, &text, &len, err);

	if (rc == -EFBIG)
		return wf_err_set(err, EFBIG, "%s: a profile has at most %u bytes", path,
				  WF_YAML_BYTES_MAX);
	return rc < 0 ? rc : wf_ruleset_add_yaml(rules, path, text, len, err);
}

static int no_such_profile(const char *name, struct wf_err *err)
{
	const char **names = calloc(wf_shipped_profile_count + 1, sizeof(*names));
	const char *near = NULL;

	for (unsigned i = 0; names && i < wf_shipped_profile_count; i++)
		names[i] = wf_shipped_profiles[i].name;
	if (names)
		near = wf_nearest_word(name, names);
	free(names);
	return wf_err_set(
		err, ENOENT,
		"no shipped profile '%s'%s%s%s; a file is named with its path (./%s.yaml)", name,
		near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "", name);
}

/* A name with a slash or a .yaml ending is a path; everything else is a shipped profile. */
int wf_ruleset_add_profile(struct wf_ruleset *rules, const char *name_or_path, struct wf_err *err)
{
	char file[80];
	size_t len = strlen(name_or_path);

	for (unsigned i = 0; i < wf_shipped_profile_count; i++) {
		const struct wf_shipped_profile *profile = &wf_shipped_profiles[i];

		if (strcmp(profile->name, name_or_path) != 0)
			continue;
		snprintf(file, sizeof(file), "%s.yaml", profile->name);
		return wf_ruleset_add_yaml(rules, file, profile->text, profile->len, err);
	}
	if (strchr(name_or_path, '/') ||
	    (len > 5 && strcmp(name_or_path + len - 5, ".yaml") == 0) ||
	    (len > 4 && strcmp(name_or_path + len - 4, ".yml") == 0))
		return add_file(rules, name_or_path, err);
	return no_such_profile(name_or_path, err);
}
