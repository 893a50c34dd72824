/* SPDX-License-Identifier: Apache-2.0 */
#include "blueprint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pick.h"
#include "userspace/base/grow.h"

#define FUNCTIONS_MAX 50000
#define ARRAY_MAX     (1u << 22) /* sites, captures, guards, sets */

int wf_blueprint_init(struct wf_blueprint *bp, struct wf_plan *plan, const struct wf_ruleset *rules,
		      const struct wf_plan_options *options, struct wf_err *err)
{
	*bp = (struct wf_blueprint){.plan = plan, .rules = rules};
	if (options)
		bp->options = *options;
	if (bp->options.costs.emulated_ns <= 0 || bp->options.costs.stepped_ns <= 0)
		bp->options.costs = wf_plan_default_costs();
	if (!bp->options.function_max)
		bp->options.function_max = FUNCTIONS_MAX;
	bp->functions = plan->function_count;
	bp->files = plan->file_count;
	bp->captures = plan->capture_count;
	bp->guards = plan->guard_count;
	bp->tail_sets = plan->tail_set_count;
	return wf_decoder_new(&bp->decoder, err);
}

static void leave_file(struct wf_blueprint *bp)
{
	wf_graph_free(bp->graph);
	wf_jumps_free(bp->jumps);
	wf_relocs_free(bp->relocs);
	free(bp->rseq);
	bp->rseq = NULL;
	bp->rseq_count = 0;
	bp->graph = NULL;
	bp->jumps = NULL;
	bp->relocs = NULL;
	bp->elf = NULL;
}

void wf_blueprint_done(struct wf_blueprint *bp)
{
	leave_file(bp);
	wf_decoder_free(bp->decoder);
	bp->decoder = NULL;
}

static int grow(void *array, uint32_t *capacity, uint32_t count, size_t item, struct wf_err *err)
{
	if (count >= ARRAY_MAX)
		return wf_err_set(err, E2BIG, "the plan is too large: choose fewer functions");
	if (wf_grow(array, capacity, count + 1, item) < 0)
		return wf_err_set(err, ENOMEM, "out of memory");
	return 0;
}

static int find_file(struct wf_blueprint *bp, struct wf_err *err)
{
	struct wf_plan *plan = bp->plan;
	int rc;

	for (bp->file = 0; bp->file < plan->file_count; bp->file++)
		if (plan->files[bp->file].elf == bp->elf)
			return 0;
	rc = grow(&plan->files, &bp->files, plan->file_count, sizeof(*plan->files), err);
	if (rc < 0)
		return rc;
	plan->files[plan->file_count++] = (struct wf_plan_file){.elf = bp->elf};
	return 0;
}

int wf_blueprint_open(struct wf_blueprint *bp, struct wf_binary *elf, uint32_t number,
		      struct wf_err *err)
{
	int rc;

	leave_file(bp);
	bp->elf = elf;
	bp->number = number;
	rc = find_file(bp, err);
	if (rc < 0)
		return rc;
	bp->sites = bp->plan->files[bp->file].site_count;
	bp->relocs = wf_relocs_new(elf);
	if (!bp->relocs)
		return wf_err_set(err, ENOMEM, "out of memory");
	wf_rseq_load(elf, bp->relocs, &bp->rseq, &bp->rseq_count);
	rc = wf_jumps_new(elf, &bp->jumps, err);
	if (rc < 0)
		return rc;
	return wf_graph_new(elf, bp->decoder, bp->jumps, bp->relocs, &bp->graph, err);
}

bool wf_blueprint_takes(const struct wf_blueprint *bp, uint32_t rule, const struct wf_where *where)
{
	const struct wf_plan_options *options = &bp->options;

	return wf_pick_library(bp->elf, where) &&
	       (!options->takes || options->takes(options->context, bp->number, rule));
}

bool wf_blueprint_restarts(const struct wf_blueprint *bp, uint64_t address, uint64_t size)
{
	for (uint32_t i = 0; i < bp->rseq_count; i++)
		if (bp->rseq[i].start < address + size && address < bp->rseq[i].end)
			return true;
	return false;
}

static int compare_sites(const void *a, const void *b)
{
	const struct wf_plan_site *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	if (x->spec.kind != y->spec.kind)
		return x->spec.kind < y->spec.kind ? -1 : 1;
	return x->spec.span < y->spec.span ? -1 : x->spec.span > y->spec.span;
}

void wf_blueprint_close(struct wf_blueprint *bp)
{
	struct wf_plan_file *file = &bp->plan->files[bp->file];

	if (file->site_count)
		qsort(file->sites, file->site_count, sizeof(*file->sites), compare_sites);
	leave_file(bp);
}

int wf_blueprint_function(struct wf_blueprint *bp, const struct wf_rule *rule, const char *symbol,
			  const char *name, uint64_t address, uint32_t *ret, struct wf_err *err)
{
	struct wf_plan *plan = bp->plan;
	struct wf_plan_function function = {.rule = rule, .address = address, .file = bp->file};
	int rc;

	if (plan->function_count >= bp->options.function_max)
		return wf_err_set(err, E2BIG,
				  "the rules choose more than %u functions: make them narrower",
				  bp->options.function_max);
	rc = grow(&plan->functions, &bp->functions, plan->function_count, sizeof(function), err);
	if (rc < 0)
		return rc;
	function.symbol = wf_arena_strdup(plan->arena, symbol);
	function.name = name ? wf_arena_strdup(plan->arena, name) : function.symbol;
	if (!function.symbol || !function.name)
		return wf_err_set(err, ENOMEM, "out of memory");
	*ret = plan->function_count;
	plan->functions[plan->function_count++] = function;
	return 0;
}

struct wf_plan_function *wf_blueprint_at(const struct wf_blueprint *bp, uint32_t function)
{
	return &bp->plan->functions[function];
}

int wf_blueprint_check_place(const struct wf_blueprint *bp, uint64_t address, uint64_t bytes,
			     struct wf_err *why)
{
	uint64_t offset;

	if (!bp->options.moved || wf_binary_offset(bp->elf, address, &offset) < 0 ||
	    !bp->options.moved(bp->options.context, bp->number, offset, bytes ? bytes : 1))
		return 0;
	return wf_err_set(why, ENXIO,
			  "the process runs a copy of its code in anonymous memory (huge pages?), "
			  "where probes do not fire: start it without that");
}

void wf_blueprint_refuse(struct wf_blueprint *bp, uint32_t function, const char *reason)
{
	struct wf_plan_function *f = wf_blueprint_at(bp, function);

	f->refusal = wf_arena_strdup(bp->plan->arena, reason);
	if (!f->refusal)
		f->refusal = "out of memory";
	f->span = 0;
}

void wf_blueprint_note(struct wf_blueprint *bp, uint32_t function, const char *note)
{
	struct wf_plan_function *f = wf_blueprint_at(bp, function);

	if (f->note && strstr(f->note, note))
		return;
	f->note = f->note ? wf_arena_printf(bp->plan->arena, "%s; %s", f->note, note)
			  : wf_arena_strdup(bp->plan->arena, note);
}

int wf_blueprint_site(struct wf_blueprint *bp, const struct wf_plan_site *site, struct wf_err *err)
{
	struct wf_plan_file *file = &bp->plan->files[bp->file];
	uint64_t offset;
	int rc;

	rc = wf_binary_offset(bp->elf, site->address, &offset);
	if (rc < 0)
		return wf_err_set(err, -rc, "'%s': address 0x%llx is not in the file",
				  wf_binary_shown(bp->elf), (unsigned long long)site->address);
	rc = grow(&file->sites, &bp->sites, file->site_count, sizeof(*site), err);
	if (rc < 0)
		return rc;
	file->sites[file->site_count] = *site;
	file->sites[file->site_count++].offset = offset;
	return 0;
}

int wf_blueprint_capture(struct wf_blueprint *bp, struct wf_spec *spec,
			 const struct wf_capture *capture, struct wf_err *err)
{
	struct wf_plan *plan = bp->plan;
	int rc;

	if (spec->capture_count == WF_CAPTURES_MAX)
		return wf_err_set(err, E2BIG, "a probe captures at most %d values",
				  WF_CAPTURES_MAX);
	rc = grow(&plan->captures, &bp->captures, plan->capture_count, sizeof(*capture), err);
	if (rc < 0)
		return rc;
	if (!spec->capture_count++)
		spec->capture_first = plan->capture_count;
	plan->captures[plan->capture_count++] = *capture;
	return 0;
}

int wf_blueprint_guard(struct wf_blueprint *bp, struct wf_spec *spec, const struct wf_guard *guard,
		       struct wf_err *err)
{
	struct wf_plan *plan = bp->plan;
	int rc;

	if (spec->guard_count == WF_GUARDS_MAX)
		return wf_err_set(err, E2BIG, "a rule has at most %d conditions", WF_GUARDS_MAX);
	rc = grow(&plan->guards, &bp->guards, plan->guard_count, sizeof(*guard), err);
	if (rc < 0)
		return rc;
	if (!spec->guard_count++)
		spec->guard_first = plan->guard_count;
	plan->guards[plan->guard_count++] = *guard;
	return 0;
}

int wf_blueprint_tail_set(struct wf_blueprint *bp, const struct wf_tail_set *set, uint32_t *ret,
			  struct wf_err *err)
{
	struct wf_plan *plan = bp->plan;
	int rc;

	*ret = 0;
	if (!set->count)
		return 0;
	/* Index 0 means none. */
	if (!plan->tail_set_count) {
		rc = grow(&plan->tail_sets, &bp->tail_sets, 0, sizeof(*set), err);
		if (rc < 0)
			return rc;
		plan->tail_sets[plan->tail_set_count++] = (struct wf_tail_set){0};
	}
	rc = grow(&plan->tail_sets, &bp->tail_sets, plan->tail_set_count, sizeof(*set), err);
	if (rc < 0)
		return rc;
	*ret = plan->tail_set_count;
	plan->tail_sets[plan->tail_set_count++] = *set;
	return 0;
}
