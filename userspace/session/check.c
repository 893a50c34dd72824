/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <jansson.h>
#include <stdarg.h>

static const char *const words[] = {"ok", "note", "no"};
static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m"};

void wf_checks_add(struct wf_checks *checks, const char *name, enum wf_verdict verdict,
		   const char *cure, const char *fmt, ...)
{
	char finding[1024];
	va_list args;

	if (checks->count == WF_CHECKS_MAX)
		return;
	va_start(args, fmt);
	vsnprintf(finding, sizeof(finding), fmt, args);
	va_end(args);
	checks->items[checks->count++] = (struct wf_check){
		.name = wf_arena_strdup(checks->arena, name),
		.verdict = verdict,
		.finding = wf_arena_strdup(checks->arena, finding),
		.cure = cure ? wf_arena_strdup(checks->arena, cure) : NULL,
	};
}

bool wf_checks_all_hold(const struct wf_checks *checks)
{
	for (unsigned i = 0; i < checks->count; i++)
		if (checks->items[i].verdict == WF_VERDICT_NO)
			return false;
	return true;
}

static void print_json(const struct wf_checks *checks, FILE *out)
{
	json_t *list = json_array(), *object;
	char *text;

	for (unsigned i = 0; i < checks->count; i++) {
		const struct wf_check *check = &checks->items[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s?}", "check", check->name,
						      "verdict", words[check->verdict], "finding",
						      check->finding, "cure", check->cure));
	}
	object = json_pack("{s:b, s:o}", "holds", wf_checks_all_hold(checks), "checks", list);
	text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	if (text)
		fprintf(out, "%s\n", text);
	free(text);
	json_decref(object);
}

void wf_checks_print(const struct wf_checks *checks, bool json, bool colour, FILE *out)
{
	if (json) {
		print_json(checks, out);
		return;
	}
	for (unsigned i = 0; i < checks->count; i++) {
		const struct wf_check *check = &checks->items[i];

		fprintf(out, "%s%-4s%s  %-18s %s\n", colour ? colours[check->verdict] : "",
			words[check->verdict], colour ? "\033[0m" : "", check->name,
			check->finding);
		if (check->cure)
			fprintf(out, "      %-18s -> %s\n", "", check->cure);
	}
}
