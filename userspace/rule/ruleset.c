/* SPDX-License-Identifier: Apache-2.0 */
#include "ruleset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RULES_MAX        10000
#define SOURCES_MAX      1024
#define REQUIREMENTS_MAX 1024
#define LOGS_MAX         64
#define SET_BYTES_MAX    (64u * 1024 * 1024)

int wf_ruleset_new(struct wf_ruleset **ret, struct wf_err *err)
{
	wf_auto(wf_ruleset_freep) struct wf_ruleset *rules = calloc(1, sizeof(*rules));

	if (!rules)
		return wf_err_set(err, ENOMEM, "out of memory");
	rules->arena = wf_arena_new(SET_BYTES_MAX);
	if (!rules->arena)
		return wf_err_set(err, ENOMEM, "out of memory");
	rules->profile = "adhoc";
	*ret = wf_take(rules);
	return 0;
}

void wf_ruleset_free(struct wf_ruleset *rules)
{
	if (!rules)
		return;
	wf_arena_free(rules->arena);
	free(rules);
}

/* Room for one more of `size` bytes in a list of the arena; the old list stays behind in it. */
static int grow(struct wf_ruleset *rules, void **list, size_t size, uint32_t count,
		uint32_t *capacity, uint32_t max, const char *what, struct wf_err *err)
{
	uint32_t wanted = *capacity ? 2 * *capacity : 16;
	void *bigger;

	if (count < *capacity)
		return 0;
	if (count >= max)
		return wf_err_set(err, E2BIG, "more than %u %s", max, what);
	bigger = wf_arena_alloc(rules->arena, wanted * size);
	if (!bigger)
		return wf_err_set(err, ENOMEM, "out of memory, or the rules are too large");
	if (count > 0)
		memcpy(bigger, *list, count * size);
	*list = bigger;
	*capacity = wanted;
	return 0;
}

int wf_ruleset_reserve(struct wf_ruleset *rules, struct wf_err *err)
{
	void *list = rules->rules;
	int rc = grow(rules, &list, sizeof(*rules->rules), rules->count, &rules->capacity,
		      RULES_MAX, "rules", err);

	rules->rules = list;
	return rc;
}

int wf_ruleset_add_source(struct wf_ruleset *rules, const char *file, const char *text, size_t len,
			  struct wf_err *err)
{
	struct wf_rule_source *source;
	void *list = rules->sources;
	int rc = grow(rules, &list, sizeof(*rules->sources), rules->source_count,
		      &rules->source_capacity, SOURCES_MAX, "rule texts", err);

	rules->sources = list;
	if (rc < 0)
		return rc;
	source = &rules->sources[rules->source_count];
	source->file = file ? wf_arena_strdup(rules->arena, file) : NULL;
	source->text = wf_arena_strndup(rules->arena, text, len);
	source->len = len;
	if (!source->text || (file && !source->file))
		return wf_err_set(err, ENOMEM, "out of memory, or the rules are too large");
	rules->source_count++;
	return 0;
}

int wf_ruleset_add_requirement(struct wf_ruleset *rules, const struct wf_requirement *requirement,
			       struct wf_err *err)
{
	void *list = rules->requirements;
	int rc = grow(rules, &list, sizeof(*rules->requirements), rules->requirement_count,
		      &rules->requirement_capacity, REQUIREMENTS_MAX, "requirements", err);
	const char *glob, *version = NULL;

	rules->requirements = list;
	if (rc < 0)
		return rc;
	glob = wf_arena_strdup(rules->arena, requirement->glob);
	if (requirement->version)
		version = wf_arena_strdup(rules->arena, requirement->version);
	if (!glob || (requirement->version && !version))
		return wf_err_set(err, ENOMEM, "out of memory, or the rules are too large");
	rules->requirements[rules->requirement_count] = *requirement;
	rules->requirements[rules->requirement_count].glob = glob;
	rules->requirements[rules->requirement_count++].version = version;
	return 0;
}

int wf_ruleset_add_log(struct wf_ruleset *rules, const struct wf_log_rule *log, struct wf_err *err)
{
	void *list = rules->logs;
	int rc = grow(rules, &list, sizeof(*rules->logs), rules->log_count, &rules->log_capacity,
		      LOGS_MAX, "items of logs", err);

	rules->logs = list;
	if (rc < 0)
		return rc;
	rules->logs[rules->log_count] = *log;
	rules->logs[rules->log_count].logger = wf_arena_strdup(rules->arena, log->logger);
	if (!rules->logs[rules->log_count].logger)
		return wf_err_set(err, ENOMEM, "out of memory, or the rules are too large");
	rules->log_count++;
	return 0;
}

void wf_ruleset_set_min_duration(struct wf_ruleset *rules, uint64_t min_duration_ns)
{
	rules->min_duration_ns = min_duration_ns;
	for (uint32_t i = 0; i < rules->count; i++) {
		struct wf_rule *rule = &rules->rules[i];

		if (rule->kind != WF_RULE_EVENT && rule->at.type != WF_WHERE_PYTHON &&
		    rule->min_duration_ns == 0)
			rule->min_duration_ns = min_duration_ns;
	}
}
