/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ruleset.h - all rules of a session, as they were given.
 *
 * Both the -f short form and YAML profiles are parsed into a wf_ruleset. Parsing is pure. A rule
 * set owns everything it points to; nothing changes it once the last rule was added.
 *
 * What the language can say and this version does not do is refused by name with -ENOTSUP, but
 * only where the whole text is right; anything wrong in it is -EINVAL with its place.
 */
#ifndef WF_RULESET_H
#define WF_RULESET_H

#include <stddef.h>

#include "rule.h"
#include "userspace/base/arena.h"
#include "userspace/base/err.h"

/* One text as it was given, so that a recording can carry it. */
struct wf_rule_source {
	const char *file; /* name for messages; NULL = -f */
	const char *text;
	size_t len;
};

/* `logs:` - which log records of Python processes are taken along. */
struct wf_log_rule {
	const char *logger; /* glob */
	uint32_t level;     /* as logging counts: 20 = info */
	bool write_ids;     /* trace_id and span_id are put on the record itself */
};

struct wf_ruleset {
	struct wf_arena *arena;
	const char *profile; /* of the first profile; "adhoc" for -f alone */
	struct wf_rule *rules;
	uint32_t count, capacity;
	struct wf_rule_source *sources;
	uint32_t source_count, source_capacity;
	struct wf_requirement *requirements;
	uint32_t requirement_count, requirement_capacity;
	uint32_t link_count;
	struct wf_log_rule *logs;
	uint32_t log_count, log_capacity;
	uint64_t min_duration_ns; /* last wf_ruleset_set_min_duration, 0 = never */
};

int wf_ruleset_new(struct wf_ruleset **ret, struct wf_err *err);
void wf_ruleset_free(struct wf_ruleset *rules);

/*
 * Add one -f RULE. -EINVAL with position and the nearest right word, -ENOTSUP for what a later
 * version does. A failed add leaves the set as it was (its memory is kept).
 */
int wf_ruleset_add_short(struct wf_ruleset *rules, const char *text, struct wf_err *err);
/* Add a YAML profile from memory; `file` names it in messages ("FILE:LINE:COLUMN: ..."). */
int wf_ruleset_add_yaml(struct wf_ruleset *rules, const char *file, const char *text, size_t len,
			struct wf_err *err);
/* Add a profile by shipped name or by path. */
int wf_ruleset_add_profile(struct wf_ruleset *rules, const char *name_or_path, struct wf_err *err);
/* min_duration for every rule that has none (--slower). */
void wf_ruleset_set_min_duration(struct wf_ruleset *rules, uint64_t min_duration_ns);
/* The whole set as JSON texts for a recording, and back. */
int wf_ruleset_to_json(const struct wf_ruleset *rules, char **ret, struct wf_err *err);
int wf_ruleset_from_json(const char *json, size_t len, struct wf_ruleset **ret, struct wf_err *err);

/* Inside the rule and profile modules: the set's own lists; strings are copied. */
int wf_ruleset_add_source(struct wf_ruleset *rules, const char *file, const char *text, size_t len,
			  struct wf_err *err);
int wf_ruleset_add_requirement(struct wf_ruleset *rules, const struct wf_requirement *requirement,
			       struct wf_err *err);
int wf_ruleset_add_log(struct wf_ruleset *rules, const struct wf_log_rule *log, struct wf_err *err);
/* Make room for one more rule. */
int wf_ruleset_reserve(struct wf_ruleset *rules, struct wf_err *err);

WF_DEFINE_FREEP(wf_ruleset_freep, struct wf_ruleset, wf_ruleset_free)

#endif
