/* SPDX-License-Identifier: Apache-2.0 */
#include "inlined.h"

#include <dwarf.h>

#include "debuginfo.h"
#include "userspace/base/aside.h"

#define INFO_BYTES_MAX  (200ULL << 20)
#define TOTAL_BYTES_MAX (512ULL << 20) /* libdw reads all .debug_* sections */
#define DEPTH_MAX       16
#define ENTRIES_MAX     20000000U
#define TIMEOUT_MS      10000

struct question {
	const struct wf_image *image;
	const struct wf_matcher *matcher;
};

struct walk {
	const struct wf_matcher *matcher;
	Dwarf_Die stack[DEPTH_MAX];
	unsigned entries;
};

static bool is_inlined(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	Dwarf_Word how;

	return dwarf_attr(die, DW_AT_inline, &attr) && dwarf_formudata(&attr, &how) == 0 &&
	       (how == DW_INL_inlined || how == DW_INL_declared_inlined);
}

static bool name_fits(const struct walk *walk, Dwarf_Die *die)
{
	struct wf_symbol symbol = {0};
	Dwarf_Attribute attr;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attr) ||
	    dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attr))
		symbol.name = dwarf_formstring(&attr);
	if (!symbol.name)
		symbol.name = dwarf_diename(die);
	symbol.base = symbol.name;
	return symbol.name && wf_matcher_takes(walk->matcher, &symbol);
}

static bool holds_functions(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_class_type ||
	       tag == DW_TAG_structure_type || tag == DW_TAG_union_type || tag == DW_TAG_module;
}

/* One unit, without the insides of functions. */
static bool walk_unit(struct walk *walk, Dwarf_Die *unit)
{
	size_t depth = 0;

	if (dwarf_child(unit, &walk->stack[0]) != 0)
		return false;
	while (walk->entries++ < ENTRIES_MAX) {
		Dwarf_Die *die = &walk->stack[depth];
		int tag = dwarf_tag(die);

		if (tag == DW_TAG_subprogram && is_inlined(die) && name_fits(walk, die))
			return true;
		if (holds_functions(tag) && depth + 1 < DEPTH_MAX &&
		    dwarf_child(die, &walk->stack[depth + 1]) == 0) {
			depth++;
			continue;
		}
		while (dwarf_siblingof(&walk->stack[depth], &walk->stack[depth]) != 0) {
			if (depth-- == 0)
				return false;
		}
	}
	return false;
}

static bool walk_all(Dwarf *dwarf, const struct wf_matcher *matcher)
{
	struct walk walk = {.matcher = matcher};
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;

	while (walk.entries < ENTRIES_MAX &&
	       dwarf_get_units(dwarf, unit, &unit, NULL, NULL, &die, NULL) == 0) {
		if (walk_unit(&walk, &die))
			return true;
	}
	return false;
}

/* In the child: a byte stands for yes. */
static void answer(void *context, FILE *out)
{
	const struct question *question = context;
	struct wf_debuginfo info;

	if (wf_debuginfo_open(question->image, INFO_BYTES_MAX, TOTAL_BYTES_MAX, &info) == 0 &&
	    walk_all(info.dwarf, question->matcher))
		fputc('y', out);
}

bool wf_inlined_exists(const struct wf_image *image, const struct wf_matcher *matcher)
{
	struct question question = {image, matcher};
	struct wf_buf found;
	bool yes;

	wf_buf_init(&found, 16);
	(void)wf_aside_run(answer, &question, TIMEOUT_MS, &found);
	yes = found.len > 0;
	wf_buf_done(&found);
	return yes;
}
