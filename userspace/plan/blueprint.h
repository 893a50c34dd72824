/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blueprint.h - a plan in the making: its growing arrays, and the file that is being looked at.
 *
 * Every add is checked against a maximum. The plan is owned by whoever made the blueprint.
 */
#ifndef WF_BLUEPRINT_H
#define WF_BLUEPRINT_H

#include "graph.h"
#include "jump.h"
#include "plan.h"
#include "rseq.h"

#define WF_NO_FUNCTION UINT32_MAX

struct wf_blueprint {
	struct wf_plan *plan;
	const struct wf_ruleset *rules; /* NULL while hooks are added */
	struct wf_plan_options options; /* zeros replaced by defaults */
	uint32_t *matched;              /* may be NULL */
	struct wf_decoder *decoder;
	uint32_t functions, captures, guards, tail_sets, sites, files; /* capacities */

	/* The file at hand. */
	uint32_t file;   /* index in the plan */
	uint32_t number; /* index in the caller's list */
	struct wf_binary *elf;
	struct wf_jumps *jumps;
	struct wf_relocs *relocs;
	struct wf_graph *graph;
	struct wf_rseq_range *rseq;
	uint32_t rseq_count;
};

int wf_blueprint_init(struct wf_blueprint *bp, struct wf_plan *plan, const struct wf_ruleset *rules,
		      const struct wf_plan_options *options, struct wf_err *err);
void wf_blueprint_done(struct wf_blueprint *bp);

/* Begin with the n-th file of the caller; finds it again where the plan has it already. */
int wf_blueprint_open(struct wf_blueprint *bp, struct wf_binary *elf, uint32_t number,
		      struct wf_err *err);
/* Sites of the file in their final order. */
void wf_blueprint_close(struct wf_blueprint *bp);

/* The file at hand is one of those that the rule, with this half of it, is about. */
bool wf_blueprint_takes(const struct wf_blueprint *bp, uint32_t rule, const struct wf_where *where);
/* The range holds a restartable sequence. */
bool wf_blueprint_restarts(const struct wf_blueprint *bp, uint64_t address, uint64_t size);

/* A function of the file; name is copied. -E2BIG at options.function_max. */
int wf_blueprint_function(struct wf_blueprint *bp, const struct wf_rule *rule, const char *symbol,
			  const char *name, uint64_t address, uint32_t *ret, struct wf_err *err);
struct wf_plan_function *wf_blueprint_at(const struct wf_blueprint *bp, uint32_t function);
/* Can a breakpoint in these bytes be met? -ENXIO where they run from other memory. */
int wf_blueprint_check_place(const struct wf_blueprint *bp, uint64_t address, uint64_t bytes,
			     struct wf_err *why);
/* The text is copied; later notes are added to earlier ones. */
void wf_blueprint_refuse(struct wf_blueprint *bp, uint32_t function, const char *reason);
void wf_blueprint_note(struct wf_blueprint *bp, uint32_t function, const char *note);

/* Fills offset from address. The spec's file slot is left to whoever attaches. */
int wf_blueprint_site(struct wf_blueprint *bp, const struct wf_plan_site *site, struct wf_err *err);
/* Values of one spec must be added one after the other: first and count are kept in the spec. */
int wf_blueprint_capture(struct wf_blueprint *bp, struct wf_spec *spec,
			 const struct wf_capture *capture, struct wf_err *err);
int wf_blueprint_guard(struct wf_blueprint *bp, struct wf_spec *spec, const struct wf_guard *guard,
		       struct wf_err *err);
/* 0 for an empty set. */
int wf_blueprint_tail_set(struct wf_blueprint *bp, const struct wf_tail_set *set, uint32_t *ret,
			  struct wf_err *err);

#endif
