/* SPDX-License-Identifier: Apache-2.0 */
#include "srcline.h"

#include <dwarf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debuginfo.h"
#include "userspace/base/aside.h"
#include "userspace/base/map.h"

/* Of the child. */
#define INFO_BYTES_MAX    (128ULL << 20)
#define SECTION_BYTES_MAX (256ULL << 20) /* libdw reads all .debug_* sections */
#define RANGES_MAX        2000000U
#define LINES_MAX         10000000U /* it keeps the tables of every unit that was asked for */
#define TIMEOUT_MS        5000
/* Of the parent. */
#define ANSWER_BYTES_MAX (32U << 20)

/* Addresses of one unit. */
struct range {
	uint64_t start, end;
	Dwarf_Off unit;
};

/* In the child. */
struct tables {
	struct wf_debuginfo info;
	struct range *ranges; /* by start */
	size_t count, capacity;
	struct wf_map *read; /* units whose tables were read */
	size_t lines;        /* in them */
};

struct question {
	const struct wf_image *image;
	const uint64_t *addresses;
	size_t count;
};

/* One line of the answer; the path and a NUL follow. */
struct answer {
	uint64_t address;
	uint32_t line, path_bytes;
};

struct wf_srclines {
	struct wf_buf answers;
	struct wf_map *places; /* address -> place of its answer */
};

static int add_range(struct tables *lines, const struct range *range)
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
static int add_unit(struct tables *lines, Dwarf_Die *unit)
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

static int read_units(struct tables *lines)
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

static const struct range *find_range(const struct tables *lines, uint64_t address)
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
static bool read_table(struct tables *lines, Dwarf_Off offset, Dwarf_Lines **ret, size_t *ret_count)
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

/* The folder that the compiler ran in, with a slash; "" for files with a whole path. */
static const char *folder_of(const struct tables *lines, Dwarf_Off unit, const char *file)
{
	const char *folder = NULL;
	Dwarf_Attribute attr;
	Dwarf_Die die;

	if (*file != '/' && dwarf_offdie(lines->info.dwarf, unit, &die) &&
	    dwarf_attr(&die, DW_AT_comp_dir, &attr))
		folder = dwarf_formstring(&attr);
	return folder ? folder : "";
}

static void answer_one(struct tables *lines, uint64_t address, FILE *out)
{
	const struct range *range = find_range(lines, address);
	struct answer answer = {.address = address};
	const char *file, *folder;
	char path[PATH_MAX];
	Dwarf_Lines *table;
	Dwarf_Line *row;
	size_t count;
	int number, len;

	if (!range || !read_table(lines, range->unit, &table, &count))
		return;
	row = find_row(table, count, address);
	file = row ? dwarf_linesrc(row, NULL, NULL) : NULL;
	if (!file || !*file || dwarf_lineno(row, &number) != 0 || number <= 0)
		return;
	folder = folder_of(lines, range->unit, file);
	len = snprintf(path, sizeof(path), "%s%s%s", folder, *folder ? "/" : "", file);
	if (len <= 0 || (size_t)len >= sizeof(path))
		return;
	answer.line = (uint32_t)number;
	answer.path_bytes = (uint32_t)len;
	fwrite(&answer, sizeof(answer), 1, out);
	fwrite(path, 1, (size_t)len + 1, out);
}

/* The child's life; what it takes goes with it. */
static void answer_all(void *context, FILE *out)
{
	const struct question *question = context;
	struct tables lines = {.read = wf_map_new(RANGES_MAX)};

	if (!lines.read ||
	    wf_debuginfo_open(question->image, INFO_BYTES_MAX, SECTION_BYTES_MAX, &lines.info) < 0)
		return;
	(void)read_units(&lines);
	for (size_t i = 0; i < question->count; i++)
		answer_one(&lines, question->addresses[i], out);
}

/* What the child wrote is no better than what it read. */
static int index_answers(struct wf_srclines *lines)
{
	const char *data = lines->answers.data;
	size_t len = lines->answers.len, at = 0;
	struct answer answer;

	while (len - at > sizeof(answer)) {
		size_t place = at;

		memcpy(&answer, data + at, sizeof(answer));
		at += sizeof(answer);
		if (answer.path_bytes >= len - at || data[at + answer.path_bytes])
			return 0;
		at += answer.path_bytes + 1;
		if (wf_map_put(lines->places, answer.address, place) < 0)
			return -ENOMEM;
	}
	return 0;
}

int wf_srclines_new(const struct wf_image *image, const uint64_t *addresses, size_t count,
		    struct wf_srclines **ret)
{
	wf_auto(wf_srclines_freep) struct wf_srclines *lines = calloc(1, sizeof(*lines));
	struct question question = {image, addresses, count};

	if (!lines)
		return -ENOMEM;
	wf_buf_init(&lines->answers, ANSWER_BYTES_MAX);
	lines->places = wf_map_new(count + 1);
	if (!lines->places)
		return -ENOMEM;
	/* whatever it came to, what it answered is good */
	(void)wf_aside_run(answer_all, &question, TIMEOUT_MS, &lines->answers);
	if (lines->answers.data && index_answers(lines) < 0)
		return -ENOMEM;
	*ret = wf_take(lines);
	return 0;
}

void wf_srclines_free(struct wf_srclines *lines)
{
	if (!lines)
		return;
	wf_buf_done(&lines->answers);
	wf_map_free(lines->places);
	free(lines);
}

bool wf_srclines_find(const struct wf_srclines *lines, uint64_t address, const char **ret_path,
		      uint32_t *ret_line)
{
	struct answer answer;
	uint64_t place;

	if (!lines || !wf_map_get(lines->places, address, &place))
		return false;
	memcpy(&answer, lines->answers.data + place, sizeof(answer));
	*ret_path = lines->answers.data + place + sizeof(answer);
	*ret_line = answer.line;
	return true;
}
