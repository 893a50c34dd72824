/* SPDX-License-Identifier: Apache-2.0 */
#include "srcline.h"

#include <dwarf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "debuginfo.h"

/* What tracing with 1,000 probes may use for a moment, beside all else. */
#define SECTION_BYTES_MAX (48ULL << 20)
#define RANGES_MAX        500000U
#define LINES_MAX         400000U /* libdw keeps the tables of every unit that was asked for */

/* Addresses of one unit. */
struct range {
	uint64_t start, end;
	Dwarf_Off unit;
};

struct wf_srclines {
	struct wf_debuginfo info;
	struct range *ranges; /* by start */
	size_t count, capacity;
	struct wf_map *read; /* units whose tables were read */
	size_t lines;        /* in them */
	char path[PATH_MAX];
};

void wf_srclines_free(struct wf_srclines *lines)
{
	if (!lines)
		return;
	wf_debuginfo_close(&lines->info);
	wf_map_free(lines->read);
	free(lines->ranges);
	free(lines);
}

static int add_range(struct wf_srclines *lines, const struct range *range)
{
	size_t capacity = lines->capacity ? 2 * lines->capacity : 256;
	struct range *grown;

	if (lines->count >= RANGES_MAX)
		return -E2BIG;
	if (lines->count == lines->capacity) {
		grown = reallocarray(lines->ranges, capacity, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		lines->ranges = grown;
		lines->capacity = capacity;
	}
	lines->ranges[lines->count++] = *range;
	return 0;
}

/* Not every compiler writes .debug_aranges, so the units are asked themselves. */
static int add_unit(struct wf_srclines *lines, Dwarf_Die *unit)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t cursor = 0;
	int rc = 0;

	while (rc == 0 && (cursor = dwarf_ranges(unit, cursor, &base, &start, &end)) > 0) {
		struct range range = {start, end, dwarf_dieoffset(unit)};

		/* what the linker threw away stands at 0 */
		if (start && start < end)
			rc = add_range(lines, &range);
	}
	return rc;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static int read_units(struct wf_srclines *lines)
{
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;
	int rc = 0;

	while (rc == 0 &&
	       dwarf_get_units(lines->info.dwarf, unit, &unit, NULL, NULL, &die, NULL) == 0) {
		if (dwarf_tag(&die) == DW_TAG_compile_unit)
			rc = add_unit(lines, &die);
	}
	if (lines->count)
		qsort(lines->ranges, lines->count, sizeof(*lines->ranges), compare_ranges);
	return rc;
}

int wf_srclines_new(const struct wf_image *image, struct wf_srclines **ret)
{
	wf_auto(wf_srclines_freep) struct wf_srclines *lines = calloc(1, sizeof(*lines));
	int rc;

	if (!lines)
		return -ENOMEM;
	lines->read = wf_map_new(RANGES_MAX);
	if (!lines->read)
		return -ENOMEM;
	rc = wf_debuginfo_open(image, SECTION_BYTES_MAX, SECTION_BYTES_MAX, &lines->info);
	if (rc == 0)
		rc = read_units(lines);
	if (rc < 0)
		return rc;
	*ret = wf_take(lines);
	return 0;
}

static const struct range *find_range(const struct wf_srclines *lines, uint64_t address)
{
	size_t low = 0, high = lines->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (lines->ranges[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address < lines->ranges[low - 1].end ? &lines->ranges[low - 1] : NULL;
}

/* False where the unit's table would be one too many. */
static bool read_table(struct wf_srclines *lines, Dwarf_Off offset, Dwarf_Lines **ret,
		       size_t *ret_count)
{
	uint64_t seen;
	bool is_new = !wf_map_get(lines->read, offset, &seen);
	Dwarf_Die unit;

	if ((is_new && lines->lines >= LINES_MAX) ||
	    !dwarf_offdie(lines->info.dwarf, offset, &unit) ||
	    dwarf_getsrclines(&unit, ret, ret_count) != 0)
		return false;
	if (is_new)
		lines->lines += *ret_count;
	return !is_new || wf_map_put(lines->read, offset, 1) == 0;
}

static uint64_t address_of(Dwarf_Lines *table, size_t index)
{
	Dwarf_Addr address = UINT64_MAX;

	dwarf_lineaddr(dwarf_onesrcline(table, index), &address);
	return address;
}

static bool is_end(Dwarf_Line *row)
{
	bool past = true;

	return dwarf_lineendsequence(row, &past) != 0 || past;
}

/* Of several rows of one address the first is where the function begins. Inside of code, the row
 * before. */
static Dwarf_Line *find_row(Dwarf_Lines *table, size_t count, uint64_t address)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (address_of(table, middle) < address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i < count && address_of(table, i) == address; i++) {
		if (!is_end(dwarf_onesrcline(table, i)))
			return dwarf_onesrcline(table, i);
	}
	return low && !is_end(dwarf_onesrcline(table, low - 1)) ? dwarf_onesrcline(table, low - 1)
								: NULL;
}

/* Files are named from the folder that the compiler ran in. */
static bool set_path(struct wf_srclines *lines, Dwarf_Off unit, const char *file)
{
	const char *folder = NULL;
	Dwarf_Attribute attr;
	Dwarf_Die die;
	int len;

	if (!file || !*file)
		return false;
	if (*file != '/' && dwarf_offdie(lines->info.dwarf, unit, &die) &&
	    dwarf_attr(&die, DW_AT_comp_dir, &attr))
		folder = dwarf_formstring(&attr);
	len = snprintf(lines->path, sizeof(lines->path), "%s%s%s", folder ? folder : "",
		       folder ? "/" : "", file);
	return len > 0 && (size_t)len < sizeof(lines->path);
}

bool wf_srclines_find(struct wf_srclines *lines, uint64_t address, const char **ret_path,
		      uint32_t *ret_line)
{
	const struct range *range = find_range(lines, address);
	Dwarf_Lines *table;
	Dwarf_Line *row;
	size_t count;
	int number;

	if (!range || !read_table(lines, range->unit, &table, &count))
		return false;
	row = find_row(table, count, address);
	if (!row)
		return false;
	if (dwarf_lineno(row, &number) != 0 || number <= 0)
		return false;
	*ret_path = lines->path;
	*ret_line = (uint32_t)number;
	return set_path(lines, range->unit, dwarf_linesrc(row, NULL, NULL));
}
