/* SPDX-License-Identifier: Apache-2.0 */
#include "story.h"

#include <string.h>

#include "userspace/base/str.h"

#define FILES_MAX 4 /* told in full; the rest is counted */
#define NAMES_MAX 8

struct wf_story_count wf_story_count(struct wf_binary *elf)
{
	struct wf_story_count counts = {0};
	const struct wf_symbol *symbols;
	const struct wf_usdt *probes;
	size_t count;

	if (!wf_binary_symbols(elf, &symbols, &count, NULL)) {
		for (size_t i = 0; i < count; i++)
			counts.functions += !(symbols[i].flags & WF_SYM_COLD);
		counts.exported = (uint32_t)wf_binary_exported(elf);
	}
	if (!wf_binary_usdt(elf, &probes, &count, NULL))
		counts.probes = (uint32_t)count;
	return counts;
}

static void tell_symbols(struct wf_binary *elf, const char *pattern, struct wf_buf *out)
{
	if (wf_binary_inlined(elf, pattern))
		wf_buf_puts(out, "  it exists only inlined into its callers: there is no place for "
				 "a probe\n");
	wf_buf_printf(out, "  %s\n", wf_binary_symbol_story(elf));
}

/* Names like the one that was asked for, quoted; "" where there are none. */
static void near_names(struct wf_binary *elf, const struct wf_where *where, char *names,
		       size_t size)
{
	char pattern[256];

	if (where->type != WF_WHERE_USDT) {
		wf_binary_near(elf, where->function, names, size);
		return;
	}
	snprintf(pattern, sizeof(pattern), "%s:%s", where->provider, where->function);
	wf_binary_near_probe(elf, pattern, names, size);
}

static void tell_file(struct wf_candidates *candidates, uint32_t index,
		      const struct wf_where *where, struct wf_buf *out)
{
	const struct wf_candidate *candidate = &candidates->items[index];
	struct wf_binary *elf = wf_candidate_open(candidates, index);
	unsigned probes;

	if (!elf) {
		wf_buf_printf(out, "  %s cannot be read: %s\n", candidate->shown,
			      candidate->open_error.msg);
		return;
	}
	if (where->type == WF_WHERE_USDT) {
		probes = wf_story_count(elf).probes;
		wf_buf_printf(out, "  searched: %s (%u static probe%s)\n", candidate->shown, probes,
			      probes == 1 ? "" : "s");
		return;
	}
	wf_buf_printf(out, "  searched: %s\n", candidate->shown);
	tell_symbols(elf, where->function, out);
}

/* Files that a rule is about, found or not: where the user would look. */
static bool concerns(struct wf_candidates *candidates, uint32_t index, const struct wf_where *where)
{
	const struct wf_candidate *candidate = &candidates->items[index];

	if (where->library)
		return wf_glob_match(where->library, candidate->base);
	return candidate->executable || (where->type == WF_WHERE_USDT &&
					 wf_candidate_has_probe(candidates, index, "*", "*"));
}

/* A plain name that the executable lacks is sought in every library. */
static bool seeks_libraries(const struct wf_where *where)
{
	return where->type != WF_WHERE_USDT && !where->library &&
	       !where->function[strcspn(where->function, "*?[")];
}

/* The most useful words come first. */
static void tell_near(struct wf_candidates *candidates, const struct wf_where *where,
		      struct wf_buf *out)
{
	const char *before = "; did you mean ";

	for (uint32_t i = 0, asked = 0; i < candidates->count && asked < FILES_MAX; i++) {
		struct wf_binary *elf;
		char names[512];

		if (!concerns(candidates, i, where) && !seeks_libraries(where))
			continue;
		/* The executable comes first, and what it offers is enough. */
		if (*before == ',' && !concerns(candidates, i, where))
			break;
		asked += concerns(candidates, i, where);
		elf = wf_candidate_open(candidates, i);
		if (!elf)
			continue;
		near_names(elf, where, names, sizeof(names));
		if (!*names)
			continue;
		wf_buf_printf(out, "%s%s", before, names);
		before = ", ";
	}
	wf_buf_puts(out, *before == ',' ? "?\n" : "\n");
}

static void tell_mapped(const struct wf_candidates *candidates, struct wf_buf *out)
{
	wf_buf_puts(out, "  mapped:");
	for (uint32_t i = 0; i < candidates->count && i < NAMES_MAX; i++)
		wf_buf_printf(out, " %s", candidates->items[i].base);
	if (candidates->count > NAMES_MAX)
		wf_buf_printf(out, " and %u more", candidates->count - NAMES_MAX);
	wf_buf_putc(out, '\n');
}

static const char *what_is_missing(const struct wf_where *where)
{
	return where->type == WF_WHERE_USDT ? "static probe" : "function";
}

static bool where_found(struct wf_candidates *candidates, const struct wf_where *where)
{
	for (uint32_t i = 0; i < candidates->count; i++) {
		if (where->library && !wf_glob_match(where->library, candidates->items[i].base))
			continue;
		if (where->type == WF_WHERE_USDT
			    ? wf_candidate_has_probe(candidates, i, where->provider,
						     where->function)
			    : wf_candidate_has_function(candidates, i, where->function))
			return true;
	}
	return false;
}

static void tell_where(struct wf_candidates *candidates, const struct wf_rule *rule,
		       const struct wf_where *where, struct wf_buf *out)
{
	uint32_t told = 0;

	wf_buf_printf(out, "%s: no %s fits", rule->origin, what_is_missing(where));
	tell_near(candidates, where, out);
	for (uint32_t i = 0; i < candidates->count; i++) {
		if (!concerns(candidates, i, where))
			continue;
		if (told++ < FILES_MAX)
			tell_file(candidates, i, where, out);
	}
	if (told > FILES_MAX)
		wf_buf_printf(out, "  and %u more files\n", told - FILES_MAX);
	if (!told) {
		wf_buf_printf(out, "  no mapped file is called '%s'\n", where->library);
		tell_mapped(candidates, out);
	}
}

/* A glob is not looked for in libraries unasked: say where it would have been found. */
static void tell_elsewhere(struct wf_candidates *candidates, const struct wf_where *where,
			   struct wf_buf *out)
{
	if (where->library || where->type == WF_WHERE_USDT)
		return;
	for (uint32_t i = 0; i < candidates->count; i++) {
		const char *base = candidates->items[i].base;

		if (candidates->items[i].executable ||
		    !wf_candidate_has_function(candidates, i, where->function))
			continue;
		wf_buf_printf(out, "  it fits in a library: '%s@%s'\n", where->function, base);
		return;
	}
}

/* One line for the whole story: messages are read by people and by grep. */
static void join_lines(struct wf_buf *out)
{
	struct wf_buf lines = *out;
	const char *between = "";

	wf_buf_init(out, lines.max);
	for (char *line = lines.data, *next; line && *line; line = next) {
		char *end = strchr(line, '\n');

		next = end ? end + 1 : line + strlen(line);
		if (end)
			*end = '\0';
		wf_buf_printf(out, "%s%s", between, line + strspn(line, " "));
		between = end && end > line && end[-1] == '?' ? " " : "; ";
	}
	wf_buf_done(&lines);
}

void wf_story_rule(struct wf_candidates *candidates, const struct wf_rule *rule, struct wf_buf *out)
{
	const struct wf_where *where = &rule->at;

	/* Of a pair, the half that is missing. */
	if (rule->kind == WF_RULE_PAIR && where_found(candidates, where))
		where = &rule->close;
	tell_where(candidates, rule, where, out);
	tell_elsewhere(candidates, where, out);
	join_lines(out);
}
