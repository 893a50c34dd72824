/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - where to probe: from rules and ELF files to specs, with a price and a reason for each.
 *
 * The plan is data: planner.c and hook.c make it, attach.c writes it into maps, `list` and
 * --dry-run print it. It owns its strings and borrows rules and ELF files. Control thread only.
 */
#ifndef WF_PLAN_H
#define WF_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/record.h"
#include "userspace/rule/ruleset.h"
#include "userspace/target/binary.h"

/* What the instruction under a probe costs. */
enum wf_site_class {
	WF_CLASS_EMULATED, /* push, 1-byte nop, jmp, jcc */
	WF_CLASS_STEPPED,  /* anything else: single-stepped out of line */
	WF_CLASSES,
};

/* Trap cost in ns by class, measured at start (doctor) or defaults. */
struct wf_costs {
	double emulated_ns, stepped_ns;
	double record_ns; /* what our program adds to a call on top of the traps */
	double string_ns; /* each captured string */
};

enum wf_exit_method {
	WF_EXIT_SITES,       /* every exit by an emulated branch */
	WF_EXIT_MIXED,       /* some by RET */
	WF_EXIT_RETS,        /* all by RET */
	WF_EXIT_HANDED_OVER, /* only tail jumps, their targets' exits are planned */
	WF_EXIT_TAIL_JUMP,   /* a jump to an unknown function counts as the end */
	WF_EXIT_NONE,        /* never returns */
	WF_EXIT_PAIR,        /* closed by another probe */
};

struct wf_plan_site {
	uint64_t offset;      /* in the file */
	uint64_t address;     /* as linked */
	uint64_t ref_counter; /* file offset of a static probe's semaphore, 0 = none */
	enum wf_site_class class;
	uint32_t function;   /* index into functions; UINT32_MAX for hooks */
	struct wf_spec spec; /* span, tail_set, capture_first, guard_first: plan-relative */
};

struct wf_plan_function {
	const struct wf_rule *rule; /* NULL for an unwind or switch hook */
	const char *symbol;         /* raw */
	const char *name;           /* demangled without parameters, or the static probe */
	uint64_t address, size;
	uint32_t file; /* index into the plan's files */
	uint32_t span; /* span id, 0 = refused */
	enum wf_exit_method exit;
	enum wf_site_class entry_class;
	uint32_t entry_shift; /* bytes from the first instruction to the entry site */
	uint32_t exit_sites, ret_sites, tail_sites; /* how many of each */
	double cost_ns;                             /* predicted for one call */
	const char *refusal;                        /* NULL = armed */
	const char *note; /* e.g. "ends at a jump through a pointer", or NULL */
};

/*
 * All probes of one file. Sites are sorted by offset; several may share one: an entry there must be
 * seen before an exit.
 */
struct wf_plan_file {
	struct wf_binary *elf;
	struct wf_plan_site *sites;
	uint32_t site_count;
};

struct wf_plan {
	struct wf_arena *arena;
	struct wf_plan_function *functions;
	struct wf_plan_file *files;
	struct wf_capture *captures;
	struct wf_guard *guards;
	struct wf_tail_set *tail_sets; /* [0] unused */
	uint32_t function_count, file_count, capture_count, guard_count, tail_set_count;
	uint32_t span_count; /* span ids 1..span_count are used */
};

struct wf_plan_options {
	struct wf_costs costs;
	bool nop5_unsafe;      /* syscall 336 answers ENXIO: refuse 5-byte NOPs */
	bool ret_only;         /* tests and bench: RETs instead of exit sites */
	uint32_t function_max; /* cap, 0 = 50000 */
	/* Is this rule about this file? NULL = the rule's library glob alone decides. */
	bool (*takes)(const void *context, uint32_t file, uint32_t rule);
	/* Does this part of the file's text run from other memory, where probes do not fire? */
	bool (*moved)(const void *context, uint32_t file, uint64_t offset, uint64_t bytes);
	const void *context; /* of both */
};

/* Costs of a machine whose traps are slow, for when nobody measured. */
struct wf_costs wf_plan_default_costs(void);

void wf_plan_free(struct wf_plan *plan);

WF_DEFINE_FREEP(wf_plan_freep, struct wf_plan, wf_plan_free)

#endif
