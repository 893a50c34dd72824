/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "histogram.h"
#include "text.h"
#include "userspace/base/map.h"
#include "userspace/base/str.h"

#define NAME_COLUMNS_MIN 20
#define NAME_COLUMNS_MAX 60
#define NUMBER_COLUMNS   57 /* everything right of the name */

struct row {
	char *name;
	uint64_t errors, self_ns;
	struct wf_histogram durations;
};

struct wf_table {
	struct wf_map *index; /* hash of the name -> row number */
	struct row **rows;
	uint32_t count, max;
	struct row *other;
};

static void row_free(struct row *row)
{
	if (!row)
		return;
	free(row->name);
	free(row);
}

static struct row *row_new(const char *name)
{
	struct row *row = calloc(1, sizeof(*row));

	if (!row)
		return NULL;
	row->name = strdup(name);
	if (row->name)
		return row;
	free(row);
	return NULL;
}

struct wf_table *wf_table_new(uint32_t names_max)
{
	wf_auto(wf_table_freep) struct wf_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->max = names_max;
	table->rows = calloc(names_max, sizeof(*table->rows));
	table->index = wf_map_new(2 * (size_t)names_max);
	table->other = row_new("(other names)");
	if (!table->rows || !table->index || !table->other)
		return NULL;
	return wf_take(table);
}

void wf_table_free(struct wf_table *table)
{
	uint32_t i;

	if (!table)
		return;
	for (i = 0; i < table->count; i++)
		row_free(table->rows[i]);
	row_free(table->other);
	free(table->rows);
	wf_map_free(table->index);
	free(table);
}

static uint64_t name_hash(const char *name)
{
	uint64_t hash = 14695981039346656037ull; /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 1099511628211ull;
	return hash;
}

static struct row *row_of(struct wf_table *table, const char *name)
{
	uint64_t hash = name_hash(name), number;
	struct row *row;

	/* Two names of one hash take neighbouring keys. */
	for (; wf_map_get(table->index, hash, &number); hash++)
		if (strcmp(table->rows[number]->name, name) == 0)
			return table->rows[number];
	if (table->count == table->max)
		return table->other;
	row = row_new(name);
	if (!row || wf_map_put(table->index, hash, table->count) < 0) {
		row_free(row);
		return table->other;
	}
	table->rows[table->count++] = row;
	return row;
}

void wf_table_add(struct wf_table *table, const char *name, uint64_t duration_ns, uint64_t self_ns,
		  bool error)
{
	struct row *row = row_of(table, name);

	wf_histogram_add(&row->durations, duration_ns);
	row->self_ns += self_ns;
	row->errors += error;
}

static int by_self_time(const void *left, const void *right)
{
	const struct row *a = *(struct row *const *)left, *b = *(struct row *const *)right;

	if (a->self_ns != b->self_ns)
		return a->self_ns < b->self_ns ? 1 : -1;
	return strcmp(a->name, b->name);
}

/* Quantiles that have room: p50 and p99 stay the longest. */
static bool has_room(unsigned quantile, unsigned width)
{
	static const unsigned least[] = {57, 77, 67};

	return !width || width >= least[quantile];
}

static void row_print(const struct row *row, unsigned columns, unsigned width, struct wf_buf *out)
{
	static const double quantiles[] = {0.5, 0.95, 0.99};
	char text[32];
	unsigned i;

	wf_text_put(out, row->name, strlen(row->name), columns, true);
	wf_buf_printf(out, " %9" PRIu64 " %7" PRIu64, row->durations.count, row->errors);
	for (i = 0; i < 3; i++) {
		if (!has_room(i, width))
			continue;
		wf_format_duration(wf_histogram_quantile(&row->durations, quantiles[i]), text,
				   sizeof(text));
		wf_buf_printf(out, " %9s", text);
	}
	wf_format_duration(row->self_ns, text, sizeof(text));
	wf_buf_printf(out, " %9s\n", text);
}

static unsigned name_columns(const struct wf_table *table, unsigned width)
{
	unsigned columns = NAME_COLUMNS_MIN, longest = NAME_COLUMNS_MAX;
	uint32_t i;

	if (width && width < NUMBER_COLUMNS + NAME_COLUMNS_MAX)
		longest = width > NUMBER_COLUMNS + NAME_COLUMNS_MIN ? width - NUMBER_COLUMNS - 1
								    : NAME_COLUMNS_MIN;
	for (i = 0; i < table->count; i++)
		if (strlen(table->rows[i]->name) > columns)
			columns = (unsigned)strlen(table->rows[i]->name);
	return columns < longest ? columns : longest;
}

void wf_table_print(const struct wf_table *table, unsigned width, unsigned rows_max,
		    struct wf_buf *out)
{
	static const char *const titles[] = {"p50", "p95", "p99"};
	wf_auto(wf_freep) struct row **rows = calloc(table->count + 1, sizeof(*rows));
	unsigned columns = name_columns(table, width);
	uint32_t count = table->count, i;

	if (!rows || (!count && !table->other->durations.count))
		return;
	memcpy(rows, table->rows, count * sizeof(*rows));
	if (table->other->durations.count)
		rows[count++] = table->other;
	qsort(rows, count, sizeof(*rows), by_self_time);
	wf_buf_printf(out, "%-*s %9s %7s", (int)columns, "name", "calls", "errors");
	for (i = 0; i < 3; i++)
		if (has_room(i, width))
			wf_buf_printf(out, " %9s", titles[i]);
	wf_buf_printf(out, " %9s\n", "self");
	for (i = 0; i < count && i < rows_max; i++)
		row_print(rows[i], columns, width, out);
	if (count > rows_max)
		wf_buf_printf(out, "... and %" PRIu32 " more names\n", count - rows_max);
}
