/* SPDX-License-Identifier: Apache-2.0 */
#include "listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "site_word.h"
#include "userspace/base/buf.h"
#include "userspace/base/cleanup.h"
#include "userspace/base/str.h"

#define CELL_BYTES   128
#define COLUMN_GAP   2
#define FUNCTION_MIN 16 /* columns that a narrow terminal leaves to the name */

enum column { COLUMN_FUNCTION, COLUMN_FILE, COLUMN_ENTRY, COLUMN_EXIT, COLUMN_COST, COLUMNS };

struct row {
	const struct wf_plan_function *function;
	struct wf_binary *elf;
	const char *shown; /* of the file */
	char entry[32], exit[64], cost[16];
};

struct table {
	struct row *rows;
	uint32_t count;
	unsigned widths[COLUMNS];
	const struct wf_listing_style *style;
	FILE *out;
};

struct wf_listing_style wf_listing_style_for(FILE *out, bool json)
{
	struct wf_listing_style style = {.json = json};
	const char *no_colour = getenv("NO_COLOR");
	struct winsize size;

	if (json || !isatty(fileno(out)))
		return style;
	style.colour = !no_colour || !*no_colour;
	if (!ioctl(fileno(out), TIOCGWINSZ, &size))
		style.width = size.ws_col;
	return style;
}

/* A moment on a span that another rule makes: it has no end. */
static bool is_event(const struct wf_plan_function *function)
{
	return function->rule && function->rule->kind == WF_RULE_EVENT;
}

static void fill_exit(const struct wf_plan_function *function, char *out, size_t size)
{
	size_t used = 0;

	if (is_event(function))
		used = (size_t)snprintf(out, size, "event");
	else if (function->exit == WF_EXIT_PAIR)
		used = (size_t)snprintf(out, size, "pair");
	else if (function->exit == WF_EXIT_NONE)
		used = (size_t)snprintf(out, size, "never returns");
	else if (function->exit == WF_EXIT_HANDED_OVER)
		used = (size_t)snprintf(out, size, "handed over");
	if (used)
		return;
	if (function->exit_sites)
		used += (size_t)snprintf(out, size, "sites %u ", function->exit_sites);
	if (function->ret_sites)
		used += (size_t)snprintf(out + used, size - used, "ret %u ", function->ret_sites);
	if (function->tail_sites)
		used += (size_t)snprintf(out + used, size - used, "jump %u ", function->tail_sites);
	out[used ? used - 1 : 0] = 0;
}

static void fill_row(const struct wf_plan *plan, uint32_t index, struct row *row)
{
	const struct wf_plan_function *function = &plan->functions[index];

	*row = (struct row){.function = function, .shown = ""};
	if (function->file < plan->file_count)
		row->elf = plan->files[function->file].elf;
	if (row->elf)
		row->shown = wf_binary_shown(row->elf);
	if (function->refusal)
		return;
	snprintf(row->entry, sizeof(row->entry), "%s", wf_site_word(row->elf, function));
	if (function->entry_shift)
		snprintf(row->entry + strlen(row->entry), sizeof(row->entry) - strlen(row->entry),
			 " +%u", function->entry_shift);
	fill_exit(function, row->exit, sizeof(row->exit));
	wf_format_duration((uint64_t)(function->cost_ns + 0.5), row->cost, sizeof(row->cost));
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = strcmp(x->shown, y->shown);

	if (!order)
		order = strcmp(x->function->name, y->function->name);
	if (!order)
		order = (x->function->address > y->function->address) -
			(x->function->address < y->function->address);
	return order;
}

static const char *cell(const struct row *row, enum column column)
{
	switch (column) {
	case COLUMN_FUNCTION:
		return row->function->name;
	case COLUMN_FILE:
		return wf_base_name(row->shown);
	case COLUMN_ENTRY:
		return row->entry;
	case COLUMN_EXIT:
		return row->exit;
	default:
		return row->cost;
	}
}

static const char *const titles[COLUMNS] = {"FUNCTION", "FILE", "ENTRY", "EXIT", "COST/CALL"};

static void measure(struct table *table)
{
	unsigned rest = COLUMN_GAP;

	for (unsigned column = 0; column < COLUMNS; column++) {
		unsigned width = (unsigned)strlen(titles[column]);

		for (uint32_t i = 0; i < table->count; i++) {
			unsigned len = (unsigned)strlen(cell(&table->rows[i], column));

			width = len > width ? len : width;
		}
		table->widths[column] = width > CELL_BYTES ? CELL_BYTES : width;
		rest += column == COLUMN_FUNCTION ? 0 : table->widths[column] + COLUMN_GAP;
	}
	if (table->style->width && table->widths[COLUMN_FUNCTION] + rest > table->style->width)
		table->widths[COLUMN_FUNCTION] = table->style->width > rest + FUNCTION_MIN
							 ? table->style->width - rest
							 : FUNCTION_MIN;
}

/* A name that is too long keeps its end: that is where C++ names differ. */
static void print_cell(const struct table *table, const char *text, enum column column)
{
	unsigned width = table->widths[column], len = (unsigned)strlen(text);

	if (len > width)
		fprintf(table->out, "..%s", text + len - (width - 2));
	else if (column == COLUMN_COST)
		fprintf(table->out, "%*s", (int)width, text);
	else
		fprintf(table->out, "%-*s", (int)width, text);
	fprintf(table->out, "%*s", COLUMN_GAP, "");
}

static void print_text(const struct table *table, const char *colour, const char *before,
		       const char *text)
{
	fprintf(table->out, "%s%s%s%s", table->style->colour ? colour : "", before, text,
		table->style->colour ? "\033[0m" : "");
}

static void print_row(const struct table *table, const struct row *row)
{
	const struct wf_plan_function *function = row->function;
	unsigned last = function->refusal ? COLUMN_FILE : COLUMN_COST;

	for (unsigned column = 0; column <= last; column++)
		print_cell(table, cell(row, column), column);
	if (function->refusal)
		print_text(table, "\033[31m", "refused: ", function->refusal);
	if (table->style->rules && function->rule)
		fprintf(table->out, "  %s", function->rule->origin);
	if (function->note)
		print_text(table, "\033[2m", "  ", function->note);
	fputc('\n', table->out);
}

static void print_summary(const struct table *table, const struct wf_plan *plan)
{
	uint32_t armed = 0, hooks = 0, probes = 0;
	double least = 0, most = 0;
	char from[16], to[16];

	for (uint32_t i = 0; i < plan->function_count; i++) {
		const struct wf_plan_function *function = &plan->functions[i];

		hooks += !function->rule && !function->refusal;
		if (!function->rule || function->refusal)
			continue;
		least = !armed || function->cost_ns < least ? function->cost_ns : least;
		most = function->cost_ns > most ? function->cost_ns : most;
		armed++;
	}
	for (uint32_t f = 0; f < plan->file_count; f++)
		probes += plan->files[f].site_count;
	fprintf(table->out, "%u function%s can be traced, %u refused, %u probe%s", armed,
		armed == 1 ? "" : "s", table->count - armed, probes, probes == 1 ? "" : "s");
	if (hooks)
		fprintf(table->out, " (%u hook%s among them)", hooks, hooks == 1 ? "" : "s");
	wf_format_duration((uint64_t)(least + 0.5), from, sizeof(from));
	wf_format_duration((uint64_t)(most + 0.5), to, sizeof(to));
	if (armed)
		fprintf(table->out, "; a call costs %s", from);
	if (strcmp(from, to) != 0)
		fprintf(table->out, " to %s", to);
	fputc('\n', table->out);
}

static void print_table(struct table *table, const struct wf_plan *plan)
{
	measure(table);
	if (table->count) {
		fputs(table->style->colour ? "\033[1m" : "", table->out);
		for (unsigned column = 0; column < COLUMNS; column++)
			print_cell(table, titles[column], column);
		fputs(table->style->colour ? "\033[0m\n" : "\n", table->out);
	}
	for (uint32_t i = 0; i < table->count; i++)
		print_row(table, &table->rows[i]);
	print_summary(table, plan);
}

static const char *exit_name(enum wf_exit_method method)
{
	static const char *const names[] = {
		[WF_EXIT_SITES] = "sites",         [WF_EXIT_MIXED] = "mixed",
		[WF_EXIT_RETS] = "rets",           [WF_EXIT_HANDED_OVER] = "handed_over",
		[WF_EXIT_TAIL_JUMP] = "tail_jump", [WF_EXIT_NONE] = "none",
		[WF_EXIT_PAIR] = "pair",
	};

	return names[method];
}

static void json_text(struct wf_buf *line, const char *key, const char *text)
{
	wf_buf_printf(line, ",\"%s\":", key);
	if (text)
		wf_buf_json_string(line, text, strlen(text));
	else
		wf_buf_puts(line, "null");
}

static bool print_json(const struct row *row, struct wf_buf *line, FILE *out)
{
	const struct wf_plan_function *function = row->function;

	wf_buf_reset(line);
	wf_buf_puts(line, "{\"function\":");
	wf_buf_json_string(line, function->name, strlen(function->name));
	json_text(line, "symbol", function->symbol);
	json_text(line, "file", row->shown);
	json_text(line, "build_id", row->elf ? wf_binary_build_id(row->elf) : "");
	wf_buf_printf(line, ",\"address\":\"0x%llx\",\"size\":%llu,\"armed\":%s",
		      (unsigned long long)function->address, (unsigned long long)function->size,
		      function->refusal ? "false" : "true");
	json_text(line, "refusal", function->refusal);
	if (!function->refusal) {
		json_text(line, "entry", row->entry);
		json_text(line, "entry_class",
			  function->entry_class == WF_CLASS_EMULATED ? "emulated" : "stepped");
		json_text(line, "exit", is_event(function) ? "event" : exit_name(function->exit));
		wf_buf_printf(line,
			      ",\"entry_shift\":%u,\"exit_sites\":%u,\"ret_sites\":%u,"
			      "\"tail_sites\":%u,\"cost_ns\":%.0f,\"span\":%u",
			      function->entry_shift, function->exit_sites, function->ret_sites,
			      function->tail_sites, function->cost_ns, function->span);
	}
	json_text(line, "note", function->note);
	json_text(line, "rule", function->rule ? function->rule->origin : NULL);
	wf_buf_puts(line, "}\n");
	if (line->failed)
		return false;
	fwrite(line->data, 1, line->len, out);
	return true;
}

static int print_lines(const struct table *table)
{
	struct wf_buf line;
	bool done = true;

	wf_buf_init(&line, 64 * 1024);
	for (uint32_t i = 0; i < table->count && done; i++)
		done = print_json(&table->rows[i], &line, table->out);
	wf_buf_done(&line);
	return done ? 0 : -ENOMEM;
}

int wf_listing_print(const struct wf_plan *plan, const struct wf_listing_style *style, FILE *out)
{
	wf_auto(wf_freep) struct row *rows = calloc(plan->function_count + 1, sizeof(*rows));
	struct table table = {.rows = rows, .style = style, .out = out};

	if (!rows)
		return -ENOMEM;
	for (uint32_t i = 0; i < plan->function_count; i++) {
		/* Hooks are ours, not what was asked for. */
		if (plan->functions[i].rule || style->json)
			fill_row(plan, i, &rows[table.count++]);
	}
	qsort(rows, table.count, sizeof(*rows), compare_rows);
	if (style->json)
		return print_lines(&table);
	print_table(&table, plan);
	return 0;
}
