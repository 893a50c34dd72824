/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "profile_value.h"

static int check_key(struct wf_profile_checker *checker, const struct wf_key *key,
		     const struct wf_yaml *node);

static const struct wf_key *find_key(const struct wf_key *keys, const char *name)
{
	for (; keys->name; keys++) {
		if (strcmp(keys->name, name) == 0)
			return keys;
	}
	return NULL;
}

static int unknown_key(struct wf_profile_checker *checker, const struct wf_key *keys,
		       const struct wf_yaml *key)
{
	const char *names[64], *near;
	char list[280];
	size_t count = 0, len = 0;

	for (; keys->name && count < 63; keys++)
		names[count++] = keys->name;
	names[count] = NULL;
	near = wf_nearest_word(key->text, names);
	if (near)
		return wf_yaml_fail(key, checker->err, "unknown key '%.60s'; did you mean '%s'?",
				    key->text, near);
	list[0] = '\0';
	for (size_t i = 0; i < count && len + 2 < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "",
					names[i]);
	return wf_yaml_fail(key, checker->err, "unknown key '%.60s'; keys here are %s", key->text,
			    list);
}

static int check_mapping(struct wf_profile_checker *checker, const struct wf_key *keys,
			 const struct wf_yaml *node)
{
	if (node->kind != WF_YAML_MAPPING)
		return wf_yaml_fail(node, checker->err, "here stands a mapping (key: value)");
	for (const struct wf_yaml *entry = node->first; entry; entry = entry->next) {
		const struct wf_key *key = find_key(keys, entry->key->text);
		int rc = key ? check_key(checker, key, entry)
			     : unknown_key(checker, keys, entry->key);

		if (rc < 0)
			return rc;
	}
	for (; keys->name; keys++) {
		if (keys->required && !wf_yaml_get(node, keys->name))
			return wf_yaml_fail(node, checker->err, "key '%s' is missing", keys->name);
	}
	return 0;
}

static int check_mappings(struct wf_profile_checker *checker, const struct wf_key *key,
			  const struct wf_yaml *node)
{
	if (node->kind != WF_YAML_LIST)
		return wf_yaml_fail(node, checker->err, "'%s' is a list (- key: value)", key->name);
	for (const struct wf_yaml *item = node->first; item; item = item->next) {
		int rc = check_mapping(checker, key->keys, item);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int check_otel(struct wf_profile_checker *checker, const struct wf_yaml *node)
{
	static const char *const words[] = {"join", "ignore", NULL};
	static const struct wf_key word = {"otel", WF_KEY_WORD, .words = words};
	static const struct wf_key yield_to[] = {{"yield_to", WF_KEY_TEXTS, .required = true}, {0}};

	if (node->kind == WF_YAML_MAPPING)
		return check_mapping(checker, yield_to, node);
	return wf_profile_check_value(checker, &word, node);
}

static int check_budget(struct wf_profile_checker *checker, const struct wf_key *key,
			const struct wf_yaml *node)
{
	static const struct wf_key duration = {"budget", WF_KEY_DURATION};

	if (node->kind == WF_YAML_MAPPING)
		return check_mapping(checker, key->keys, node);
	return wf_profile_check_value(checker, &duration, node);
}

static int check_shape(struct wf_profile_checker *checker, const struct wf_key *key,
		       const struct wf_yaml *node)
{
	switch (key->shape) {
	case WF_KEY_MAPPING:
		return check_mapping(checker, key->keys, node);
	case WF_KEY_MAPPINGS:
		return check_mappings(checker, key, node);
	case WF_KEY_ONE_OR_MAPPINGS:
		return node->kind == WF_YAML_LIST ? check_mappings(checker, key, node)
						  : check_mapping(checker, key->keys, node);
	case WF_KEY_OTEL:
		return check_otel(checker, node);
	case WF_KEY_BUDGET:
		return check_budget(checker, key, node);
	default:
		return wf_profile_check_value(checker, key, node);
	}
}

static int check_key(struct wf_profile_checker *checker, const struct wf_key *key,
		     const struct wf_yaml *node)
{
	bool plain =
		key->plain && node->kind == WF_YAML_SCALAR && strcmp(node->text, key->plain) == 0;

	if (node->kind == WF_YAML_SCALAR && node->plain && !*node->text)
		return wf_yaml_fail(node->key, checker->err, "key '%s' has no value", key->name);
	/* The key's own refusal comes before those of what stands in it. */
	if (key->later && !plain && !checker->later->code)
		wf_place_err(&node->key->place, 0, checker->later, ENOTSUP,
			     "'%s' is not there in this version", key->name);
	return check_shape(checker, key, node);
}

/* Neither a function nor a whole pair. */
static int missing_site(struct wf_profile_checker *checker, const struct wf_yaml *span)
{
	const struct wf_yaml *open = wf_yaml_get(span, "open"), *close = wf_yaml_get(span, "close");

	if (open)
		return wf_yaml_fail(open->key, checker->err, "'open' wants its 'close'");
	if (close)
		return wf_yaml_fail(close->key, checker->err, "'close' wants its 'open'");
	return wf_yaml_fail(span, checker->err,
			    "key 'function' is missing (or 'open' and 'close')");
}

/* One way to say where a span comes from, and only one. */
static int check_span(struct wf_profile_checker *checker, const struct wf_yaml *span)
{
	const struct wf_yaml *open = wf_yaml_get(span, "open"), *close = wf_yaml_get(span, "close");
	const struct wf_yaml *function = wf_yaml_get(span, "function");
	const struct wf_yaml *open_when = wf_yaml_get(open, "when");

	if (function && (open || close))
		return wf_yaml_fail(open ? open->key : close->key, checker->err,
				    "a span has a function, or open and close, not both");
	if (!function && (!open || !close))
		return missing_site(checker, span);
	if (open_when && wf_yaml_get(span, "when"))
		return wf_yaml_fail(open_when->key, checker->err,
				    "'when' is there twice: in open, and of the span");
	return 0;
}

static int check_event(struct wf_profile_checker *checker, const struct wf_yaml *event)
{
	const struct wf_yaml *function = wf_yaml_get(event, "function");
	const struct wf_yaml *call = wf_yaml_get(event, "call");

	if (function && call)
		return wf_yaml_fail(call->key, checker->err,
				    "'call' and 'function' mean the same here; keep one");
	if (!function && !call)
		return wf_yaml_fail(event, checker->err, "key 'function' is missing");
	return 0;
}

static int check_items(struct wf_profile_checker *checker, const struct wf_yaml *list,
		       int (*check)(struct wf_profile_checker *, const struct wf_yaml *))
{
	int rc = 0;

	if (!list)
		return 0;
	for (const struct wf_yaml *item = list->first; rc == 0 && item; item = item->next)
		rc = check(checker, item);
	return rc;
}

int wf_profile_check(struct wf_arena *arena, const struct wf_yaml *root, struct wf_err *later,
		     struct wf_err *err)
{
	struct wf_profile_checker checker = {.arena = arena, .err = err, .later = later};
	const struct wf_yaml *version = wf_yaml_get(root, "wftrace");
	int rc;

	later->code = 0;
	/* A file of another version has other keys: its number comes first. */
	if (version && version->kind == WF_YAML_SCALAR && strcmp(version->text, "1") != 0)
		return wf_yaml_fail(version, err, "this version reads 'wftrace: 1', not '%.20s'",
				    version->text);
	rc = check_mapping(&checker, wf_profile_keys, root);
	if (rc == 0)
		rc = check_items(&checker, wf_yaml_get(root, "spans"), check_span);
	if (rc == 0)
		rc = check_items(&checker, wf_yaml_get(root, "events"), check_event);
	return rc;
}
