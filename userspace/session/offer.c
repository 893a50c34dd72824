/* SPDX-License-Identifier: Apache-2.0 */
#include "offer.h"

#include <string.h>

#include "story.h"
#include "userspace/base/buf.h"
#include "userspace/python/runtime.h"

static void json_member(struct wf_buf *line, const char *key, const char *text)
{
	wf_buf_printf(line, "%s\"%s\":", line->len > 1 ? "," : "", key);
	wf_buf_json_string(line, text, strlen(text));
}

static void flush_line(struct wf_buf *line, FILE *out)
{
	wf_buf_puts(line, "}\n");
	if (!line->failed)
		fwrite(line->data, 1, line->len, out);
	wf_buf_reset(line);
	wf_buf_putc(line, '{');
}

static void json_file(struct wf_candidate *candidate, struct wf_buf *line, FILE *out)
{
	struct wf_story_count counts = wf_story_count(candidate->elf);

	json_member(line, "file", candidate->shown);
	json_member(line, "build_id", wf_binary_build_id(candidate->elf));
	wf_buf_printf(line, ",\"executable\":%s,\"functions\":%u,\"exported\":%u,\"probes\":%u",
		      candidate->executable ? "true" : "false", counts.functions, counts.exported,
		      counts.probes);
	json_member(line, "symbols", wf_binary_symbol_story(candidate->elf));
	flush_line(line, out);
}

static void json_probes(struct wf_candidate *candidate, struct wf_buf *line, FILE *out)
{
	const struct wf_usdt *probes;
	size_t count;

	if (wf_binary_usdt(candidate->elf, &probes, &count, NULL) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		json_member(line, "file", candidate->shown);
		json_member(line, "provider", probes[i].provider);
		json_member(line, "probe", probes[i].name);
		json_member(line, "arguments", probes[i].arguments);
		flush_line(line, out);
	}
}

static void table_file(const struct wf_candidate *candidate, FILE *out)
{
	struct wf_story_count counts = wf_story_count(candidate->elf);

	fprintf(out, "%9u %9u %7u  %s%s\n", counts.functions, counts.exported, counts.probes,
		candidate->shown, candidate->executable ? "  (executable)" : "");
}

/* Several sites of one probe are one probe to the user. */
static void table_probes(const struct wf_candidate *candidate, bool *title, FILE *out)
{
	const struct wf_usdt *probes;
	size_t count;

	if (wf_binary_usdt(candidate->elf, &probes, &count, NULL) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		size_t same = 0;

		while (same < i && (strcmp(probes[same].name, probes[i].name) != 0 ||
				    strcmp(probes[same].provider, probes[i].provider) != 0))
			same++;
		if (same < i)
			continue;
		if (!*title)
			fputs("\nstatic probes:\n", out);
		*title = true;
		fprintf(out, "  usdt:%s:%s@%s\n", probes[i].provider, probes[i].name,
			candidate->base);
	}
}

static void print_hints(const struct wf_candidates *candidates, FILE *out)
{
	const struct wf_candidate *first = candidates->count ? &candidates->items[0] : NULL;
	struct wf_python python;

	if (!first || !first->elf)
		return;
	fprintf(out, "\n%s\n", wf_binary_symbol_story(first->elf));
	if (first->target && wf_python_find(first->target, &python, NULL) == 0)
		fputs("functions of Python: add MODULE:GLOBs, like '__main__:*' or 'json:load*'\n",
		      out);
	fputs("functions, their sites and cost: add GLOBs, like 'parse*' or 'sqlite3_*@libsqlite3*'"
	      "\n",
	      out);
}

static void print_table(struct wf_candidates *candidates, FILE *out)
{
	bool title = false;

	fputs("FUNCTIONS  EXPORTED  PROBES  FILE\n", out);
	for (uint32_t i = 0; i < candidates->count; i++) {
		if (wf_candidate_open(candidates, i))
			table_file(&candidates->items[i], out);
		else
			fprintf(out, "%28s %s  (%s)\n", "", candidates->items[i].shown,
				candidates->items[i].open_error.msg);
	}
	for (uint32_t i = 0; i < candidates->count; i++) {
		if (candidates->items[i].elf)
			table_probes(&candidates->items[i], &title, out);
	}
	print_hints(candidates, out);
}

void wf_offer_print(struct wf_candidates *candidates, bool json, FILE *out)
{
	struct wf_buf line;

	if (!json) {
		print_table(candidates, out);
		return;
	}
	wf_buf_init(&line, 256 * 1024);
	wf_buf_putc(&line, '{');
	for (uint32_t i = 0; i < candidates->count; i++) {
		if (!wf_candidate_open(candidates, i))
			continue;
		json_file(&candidates->items[i], &line, out);
		json_probes(&candidates->items[i], &line, out);
	}
	wf_buf_done(&line);
}
