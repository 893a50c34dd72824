/* SPDX-License-Identifier: Apache-2.0 */
/*
 * where.h - plain data of a rule that points into a target: which site, which value there, which
 * targets at all. Strings belong to the rule set.
 */
#ifndef WF_WHERE_H
#define WF_WHERE_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/record.h"

enum wf_site_type {
	WF_WHERE_FUNCTION, /* native function, by raw or demangled glob */
	WF_WHERE_USDT,     /* static probe usdt:PROVIDER:NAME */
	WF_WHERE_PYTHON,   /* module:qualname and what else Python functions are named by */
};

struct wf_where {
	enum wf_site_type type;
	const char *function; /* FUNCTION: glob; USDT: probe name glob; PYTHON: all of it */
	const char *provider; /* USDT */
	const char *library;  /* glob on the file name after '@'; NULL = the executable (FUNCTION),
				 every mapped file that has the probe (USDT) */
};

/* Where a captured value comes from; the plan turns it into a struct wf_source per site. */
enum wf_origin { WF_FROM_ARG = 1, WF_FROM_RETURN = 2, WF_FROM_PYTHON = 3 };

struct wf_operand {
	uint8_t origin; /* enum wf_origin */
	uint8_t number; /* ARG: 1 = first integer-class register, 0 = self, the same one */
	uint8_t type;   /* enum wf_source_type */
	uint8_t steps;
	int32_t offset[WF_STEPS_MAX];
	uint16_t max_bytes; /* strings */
	bool at_close;      /* pairs: read at the close site; Python: read at the end */
	const char *path;   /* PYTHON: steps as a Python list without its brackets; type is 0 */
};

struct wf_rule_guard {
	struct wf_operand operand;
	uint8_t compare; /* enum wf_compare */
	int64_t value;
};

/*
 * `requires:` of a profile. Entries with one `variant` number hold together; the profile fits a
 * target where all of any one variant hold. A profile without entries fits every target. Numbers
 * are not shared by the profiles of one set.
 */
enum wf_requirement_kind {
	WF_REQUIRE_EXECUTABLE, /* base name of the executable */
	WF_REQUIRE_LIBRARY,    /* base name of a mapped file */
	WF_REQUIRE_SYMBOL,     /* function, raw or demangled, in the executable */
	WF_REQUIRE_USDT,       /* "PROVIDER:NAME" in any mapped file */
	WF_REQUIRE_PYTHON,     /* an imported module: known only inside of the process */
};

struct wf_requirement {
	enum wf_requirement_kind kind;
	uint32_t variant;
	const char *glob;
	const char *version; /* PYTHON: of its package, ">=2.0,<3"; NULL = any */
	uint32_t from, end;  /* the rules of its profile */
};

#endif
