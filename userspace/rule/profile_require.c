/* SPDX-License-Identifier: Apache-2.0 */
/* `requires:` of a profile: what must be there for its rules to make sense. */
#include <errno.h>

#include "profile_build.h"

static const struct {
	const char *key;
	enum wf_requirement_kind kind;
} kinds[] = {
	{"executable", WF_REQUIRE_EXECUTABLE}, {"library", WF_REQUIRE_LIBRARY},
	{"symbol", WF_REQUIRE_SYMBOL},         {"usdt", WF_REQUIRE_USDT},
	{"python", WF_REQUIRE_PYTHON},
};

/* One text, or each of a list. */
static int read_globs(struct wf_profile_builder *builder, const struct wf_yaml *value,
		      struct wf_requirement *requirement)
{
	bool one = value->kind == WF_YAML_SCALAR;
	int rc = 0;

	for (value = one ? value : value->first; rc == 0 && value;
	     value = one ? NULL : value->next) {
		requirement->glob = value->text;
		rc = wf_ruleset_add_requirement(builder->rules, requirement, builder->err);
	}
	return rc;
}

static int read_variant(struct wf_profile_builder *builder, const struct wf_yaml *item,
			uint32_t variant)
{
	const struct wf_yaml *version = wf_yaml_get(item, "version");
	int rc = 0;

	if (version && !wf_yaml_get(item, "python") && !builder->later.code)
		wf_place_err(&version->key->place, 0, &builder->later, ENOTSUP,
			     "'version' of anything but 'python' is not there in this version");
	for (size_t i = 0; rc == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct wf_yaml *value = wf_yaml_get(item, kinds[i].key);
		struct wf_requirement requirement = {
			.kind = kinds[i].kind,
			.variant = variant,
			.version = version && kinds[i].kind == WF_REQUIRE_PYTHON ? version->text
										 : NULL,
			.from = builder->first_rule,
			.end = builder->rules->count,
		};

		if (value)
			rc = read_globs(builder, value, &requirement);
	}
	return rc;
}

static uint32_t first_variant(const struct wf_ruleset *rules)
{
	uint32_t count = rules->requirement_count;

	return count ? rules->requirements[count - 1].variant + 1 : 0;
}

int wf_profile_read_requirements(struct wf_profile_builder *builder)
{
	const struct wf_yaml *requires = wf_yaml_get(builder->root, "requires");
	uint32_t variant = first_variant(builder->rules);
	int rc = 0;

	if (!requires)
		return 0;
	if (requires->kind == WF_YAML_MAPPING)
		return read_variant(builder, requires, variant);
	for (const struct wf_yaml *item = requires->first; rc == 0 && item; item = item->next)
		rc = read_variant(builder, item, variant++);
	return rc;
}
