/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callee.h"
#include "entry.h"
#include "loader.h"
#include "pick.h"
#include "spec.h"
#include "userspace/base/str.h"
#include "userspace/target/usdt_args.h"

#define NAME_BYTES 512

/* One half of one rule while its sites are collected. */
struct half {
	struct wf_probes *probes;
	struct wf_blueprint *bp;
	const struct wf_rule *rule;
	const struct wf_where *where;
	uint8_t kind;      /* enum wf_site_kind */
	uint32_t function; /* of the site before, so that sites of one probe share it */
};

int wf_probes_init(struct wf_probes *probes, const struct wf_ruleset *rules, struct wf_err *err)
{
	*probes = (struct wf_probes){.count = rules->count};
	probes->pairs = calloc(rules->count + 1, sizeof(*probes->pairs));
	if (!probes->pairs)
		return wf_err_set(err, ENOMEM, "out of memory");
	for (uint32_t i = 0; i < rules->count; i++)
		probes->pairs[i].function = WF_NO_FUNCTION;
	return 0;
}

void wf_probes_done(struct wf_probes *probes)
{
	free(probes->pairs);
	probes->pairs = NULL;
}

static bool half_fits(const struct wf_operand *operand, const struct half *half)
{
	return operand->origin == WF_FROM_ARG && operand->at_close == (half->kind == WF_SITE_CLOSE);
}

/*
 * The plan's entry for this site: one per pair, else one per probe or function. Its span id is
 * given with the first site.
 */
static int find_function(struct half *half, const char *symbol, const char *name, uint64_t address,
			 struct wf_err *err)
{
	struct wf_pair *pair = &half->probes->pairs[half->rule->index];
	bool is_pair = half->rule->kind == WF_RULE_PAIR;
	struct wf_plan_function *function;
	int rc;

	if (is_pair)
		half->function = pair->function;
	if (half->function != WF_NO_FUNCTION &&
	    (is_pair || !strcmp(wf_blueprint_at(half->bp, half->function)->symbol, symbol)))
		return 0;
	rc = wf_blueprint_function(half->bp, half->rule, symbol, name, address, &half->function,
				   err);
	if (rc < 0)
		return rc;
	function = wf_blueprint_at(half->bp, half->function);
	function->exit = is_pair ? WF_EXIT_PAIR : WF_EXIT_NONE;
	if (is_pair)
		pair->function = half->function;
	return 0;
}

static void price(struct half *half, struct wf_plan_function *function, bool emulated)
{
	const struct wf_costs *costs = &half->bp->options.costs;

	function->cost_ns += emulated ? costs->emulated_ns : costs->stepped_ns;
	if (half->kind != WF_SITE_CLOSE)
		function->cost_ns +=
			costs->record_ns + costs->string_ns * wf_spec_strings(half->rule);
}

static void count_site(struct half *half, struct wf_plan_function *function, bool emulated)
{
	struct wf_pair *pair = &half->probes->pairs[half->rule->index];
	uint32_t *sites = half->kind == WF_SITE_CLOSE ? &pair->closes : &pair->opens;

	if (!(*sites)++ || half->rule->kind != WF_RULE_PAIR)
		price(half, function, emulated);
	if (half->kind != WF_SITE_CLOSE)
		function->entry_class = emulated ? WF_CLASS_EMULATED : WF_CLASS_STEPPED;
	else
		function->exit_sites++;
}

/* The other rule that a site's spec names, + 1: whose frame an event goes to, what a phase awaits.
 */
static uint32_t other_rule(const struct half *half)
{
	int32_t rule = half->kind == WF_SITE_EVENT  ? half->rule->nearest
		       : half->kind == WF_SITE_OPEN ? half->rule->after
						    : -1;

	return (uint32_t)(rule + 1);
}

static uint32_t site_flags(const struct half *half)
{
	static const uint32_t opening[] = {[WF_AGAIN_NEST] = 0,
					   [WF_AGAIN_JOIN] = WF_SPEC_AGAIN,
					   [WF_AGAIN_NEXT] = WF_SPEC_AGAIN | WF_SPEC_NEXT};

	if (half->kind == WF_SITE_OPEN)
		return opening[half->rule->again];
	return half->rule->close_guard_count ? WF_SPEC_FOREIGN : 0;
}

/* A spec for one site, but for its values and its place in the plan. */
static struct wf_plan_site new_site(const struct half *half, uint64_t address, bool emulated)
{
	const struct wf_rule *rule = half->rule;

	return (struct wf_plan_site){
		.address = address,
		.class = emulated ? WF_CLASS_EMULATED : WF_CLASS_STEPPED,
		.function = half->function,
		.spec = {.kind = half->kind,
			 .cfa_reg = WF_REG_RSP,
			 .min_duration_ns = half->kind == WF_SITE_OPEN ? rule->min_duration_ns : 0,
			 .flags = site_flags(half),
			 .rule = rule->index,
			 .nearest_rule = other_rule(half)},
	};
}

/* The site is sound: number its span with the first one, and count it. */
static int add_site(struct half *half, struct wf_plan_site *site, struct wf_err *err)
{
	struct wf_plan_function *function = wf_blueprint_at(half->bp, half->function);
	int rc;

	site->spec.span = function->span ? function->span : half->bp->plan->span_count + 1;
	rc = wf_blueprint_site(half->bp, site, err);
	if (rc < 0)
		return rc;
	if (!function->span)
		function->span = ++half->bp->plan->span_count;
	if (half->kind != WF_SITE_CLOSE)
		function->refusal = NULL; /* another site of it may have been refused before */
	count_site(half, function, site->class == WF_CLASS_EMULATED);
	return 0;
}

static struct wf_entry_wants entry_wants(const struct half *half, const struct wf_symbol *symbol)
{
	struct wf_entry_wants wants = {.stay = symbol->flags & WF_SYM_NOTYPE,
				       .nop5_unsafe = half->bp->options.nop5_unsafe};
	struct wf_guard_list guards = wf_spec_guard_list(half->rule, half->kind == WF_SITE_CLOSE);

	for (uint32_t i = 0; i < half->rule->operand_count; i++)
		if (half_fits(&half->rule->operands[i], half)) {
			wants.registers |= wf_source_registers(&half->rule->operands[i]);
			wants.memory = true;
		}
	for (uint32_t i = 0; i < guards.count; i++)
		wants.registers |= wf_source_registers(&guards.items[i].operand);
	return wants;
}

/* Address of the entry site. */
static int entry_of(struct half *half, const struct wf_symbol *symbol, uint64_t *ret,
		    bool *ret_emulated, struct wf_err *why)
{
	struct wf_entry_wants wants = entry_wants(half, symbol);
	struct wf_entry entry;
	int rc = wf_callee_check(half->bp, symbol, why);

	if (rc >= 0)
		rc = wf_spec_check(half->rule, why);
	if (rc >= 0 && symbol->flags & WF_SYM_CLONE && wants.registers)
		rc = wf_err_set(
			why, ENOTSUP,
			"the rule needs arguments, and a compiler's clone does not take them "
			"where the calling convention says");
	if (rc >= 0)
		rc = wf_graph_load(half->bp->graph, symbol->address, symbol->size, why);
	if (rc >= 0)
		rc = wf_entry_plan(half->bp->graph, &wants, &entry, why);
	if (rc < 0)
		return rc;
	*ret = half->bp->graph->insns[entry.insn].address;
	*ret_emulated = entry.emulated;
	return 0;
}

static int found_function(void *context, const struct wf_symbol *symbol, struct wf_err *err)
{
	struct half *half = context;
	struct wf_plan_site site;
	struct wf_err why = {0};
	char name[NAME_BYTES];
	uint64_t address;
	bool emulated;
	int rc;

	if (half->bp->matched && half->kind != WF_SITE_CLOSE)
		half->bp->matched[half->rule->index]++;
	wf_pick_name(half->bp->elf, symbol, name, sizeof(name));
	rc = find_function(half, symbol->name, name, symbol->address, err);
	if (rc < 0)
		return rc;
	if (entry_of(half, symbol, &address, &emulated, &why) < 0) {
		if (!wf_blueprint_at(half->bp, half->function)->span)
			wf_blueprint_refuse(half->bp, half->function, why.msg);
		return 0;
	}
	site = new_site(half, address, emulated);
	rc = wf_spec_arguments(half->bp, &site.spec, half->rule, half->kind == WF_SITE_CLOSE, err);
	if (rc >= 0)
		rc = wf_spec_guards(half->bp, &site.spec, half->rule, half->kind == WF_SITE_CLOSE,
				    err);
	return rc < 0 ? rc : add_site(half, &site, err);
}

static int argument_source(const struct wf_operand *operand, const struct wf_usdt_arg *args,
			   size_t count, struct wf_source *ret, struct wf_err *why)
{
	if (operand->origin != WF_FROM_ARG || !operand->number)
		return wf_err_set(why, ENOTSUP,
				  "a static probe has arguments only: arg1, arg2 and so on");
	if (operand->number > count)
		return wf_err_set(why, ENOTSUP, "the probe has %zu arguments, not %u", count,
				  operand->number);
	if (args[operand->number - 1].reason[0])
		return wf_err_set(why, ENOTSUP, "argument %u of the probe: %s", operand->number,
				  args[operand->number - 1].reason);
	return wf_source_probe(operand, &args[operand->number - 1].source, ret, why);
}

/* Values that one site of the probe does not have are left out there; guards must be had. */
static int probe_values(struct half *half, const struct wf_usdt *usdt, struct wf_spec *spec,
			struct wf_err *why, struct wf_err *err)
{
	struct wf_usdt_arg args[WF_USDT_ARGS_MAX];
	const struct wf_rule *rule = half->rule;
	struct wf_guard_list guards = wf_spec_guard_list(rule, half->kind == WF_SITE_CLOSE);
	struct wf_source source;
	size_t count = 0;
	int rc = 0;

	if ((rule->operand_count || guards.count) &&
	    wf_usdt_args_parse(usdt->arguments, args, &count, why) < 0)
		return -EINVAL;
	for (uint32_t i = 0; i < rule->operand_count && rc >= 0; i++) {
		if (!half_fits(&rule->operands[i], half) && rule->operands[i].origin == WF_FROM_ARG)
			continue;
		if (argument_source(&rule->operands[i], args, count, &source, why) < 0)
			wf_blueprint_note(half->bp, half->function, why->msg);
		else
			rc = wf_spec_value(half->bp, spec, &source, &rule->operands[i], (uint8_t)i,
					   err);
	}
	for (uint32_t i = 0; i < guards.count && rc >= 0; i++) {
		rc = argument_source(&guards.items[i].operand, args, count, &source, why);
		if (rc >= 0)
			rc = wf_spec_guard(half->bp, spec, &source, &guards.items[i], err);
	}
	if (guards.any)
		spec->flags |= WF_SPEC_GUARD_ANY;
	return rc;
}

/* The instruction under the probe: 0 stepped, 1 emulated. */
static int probe_class(const struct half *half, uint64_t address, struct wf_err *why)
{
	struct wf_insn insn;

	if (!wf_graph_peek(half->bp->elf, half->bp->decoder, address, &insn, 1))
		return wf_err_set(why, ENOTSUP, "there is no code at the probe's address");
	if (insn.kind == WF_INSN_NOP5 && half->bp->options.nop5_unsafe)
		return wf_err_set(why, ENOTSUP,
				  "it is a 5-byte NOP, and this kernel's way of probing those "
				  "corrupts programs");
	if (insn.flags & WF_INSN_REFUSED || insn.kind == WF_INSN_TRAP)
		return wf_err_set(why, ENOTSUP, "the kernel cannot probe its instruction");
	return wf_insn_is_emulated(&insn);
}

static void set_frame(const struct half *half, uint64_t address, struct wf_spec *spec)
{
	struct wf_cfa cfa;

	if (wf_binary_cfa(half->bp->elf, address, &cfa) < 0 ||
	    (cfa.reg != WF_REG_RSP && cfa.reg != WF_REG_RBP))
		return;
	spec->cfa_reg = cfa.reg;
	spec->cfa_offset = cfa.offset - 8;
}

static void refuse(const struct half *half, const char *reason)
{
	struct wf_plan_function *function = wf_blueprint_at(half->bp, half->function);

	if (!function->span)
		wf_blueprint_refuse(half->bp, half->function, reason);
	else
		wf_blueprint_note(half->bp, half->function, reason);
}

static int found_probe(struct half *half, const struct wf_usdt *usdt, struct wf_err *err)
{
	struct wf_err why = {0};
	struct wf_plan_site site;
	char name[NAME_BYTES];
	int rc, emulated;

	snprintf(name, sizeof(name), "%s:%s", usdt->provider, usdt->name);
	rc = find_function(half, name, NULL, usdt->address, err);
	if (rc < 0)
		return rc;
	emulated = probe_class(half, usdt->address, &why);
	if (emulated < 0 || wf_blueprint_check_place(half->bp, usdt->address, 1, &why) < 0) {
		refuse(half, why.msg);
		return 0;
	}
	site = new_site(half, usdt->address, emulated);
	site.ref_counter = usdt->semaphore_offset;
	set_frame(half, usdt->address, &site.spec);
	rc = probe_values(half, usdt, &site.spec, &why, err);
	if (rc == -EINVAL || rc == -ENOTSUP) {
		refuse(half, why.msg);
		return 0;
	}
	return rc < 0 ? rc : add_site(half, &site, err);
}

static bool probe_fits(const struct wf_where *where, const struct wf_usdt *usdt)
{
	return wf_glob_match(where->provider, usdt->provider) &&
	       wf_glob_match(where->function, usdt->name);
}

/* Probes in the order of their names, so that the sites of one come together. */
static int compare_probes(const void *a, const void *b)
{
	const struct wf_usdt *x = *(const struct wf_usdt *const *)a;
	const struct wf_usdt *y = *(const struct wf_usdt *const *)b;
	int order = strcmp(x->provider, y->provider);

	if (!order)
		order = strcmp(x->name, y->name);
	return order ? order : x->address < y->address ? -1 : x->address > y->address;
}

static int find_probes(struct half *half, struct wf_err *err)
{
	wf_auto(wf_freep) const struct wf_usdt **fitting = NULL;
	const struct wf_usdt *all;
	size_t count, fits = 0;
	int rc = wf_binary_usdt(half->bp->elf, &all, &count, err);

	if (rc < 0 || !count)
		return rc;
	fitting = calloc(count, sizeof(*fitting));
	if (!fitting)
		return wf_err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++)
		if (probe_fits(half->where, &all[i]))
			fitting[fits++] = &all[i];
	qsort(fitting, fits, sizeof(*fitting), compare_probes);
	for (size_t i = 0; i < fits && rc >= 0; i++) {
		bool is_new = !i || strcmp(fitting[i]->name, fitting[i - 1]->name) ||
			      strcmp(fitting[i]->provider, fitting[i - 1]->provider);

		if (is_new && half->bp->matched && half->kind != WF_SITE_CLOSE)
			half->bp->matched[half->rule->index]++;
		rc = found_probe(half, fitting[i], err);
	}
	return rc;
}

static int plan_half(struct half *half, struct wf_err *err)
{
	half->function = WF_NO_FUNCTION;
	if (!wf_blueprint_takes(half->bp, half->rule->index, half->where))
		return 0;
	if (half->where->type == WF_WHERE_USDT)
		return find_probes(half, err);
	return wf_pick_functions(half->bp->elf, half->where->function, found_function, half, err);
}

int wf_probes_plan(struct wf_probes *probes, struct wf_blueprint *bp, struct wf_err *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < probes->count && rc >= 0; i++) {
		const struct wf_rule *rule = &bp->rules->rules[i];
		struct half half = {.probes = probes, .bp = bp, .rule = rule, .where = &rule->at};
		bool is_pair = rule->kind == WF_RULE_PAIR;

		if ((rule->kind == WF_RULE_CALL && rule->at.type == WF_WHERE_FUNCTION) ||
		    rule->at.type == WF_WHERE_PYTHON)
			continue;
		half.kind = is_pair ? WF_SITE_OPEN : WF_SITE_EVENT;
		rc = plan_half(&half, err);
		if (rc < 0 || !is_pair)
			continue;
		half.where = &rule->close;
		half.kind = WF_SITE_CLOSE;
		rc = plan_half(&half, err);
	}
	return rc;
}

static void drop_sites(struct wf_plan *plan, uint32_t function)
{
	for (uint32_t f = 0; f < plan->file_count; f++) {
		struct wf_plan_file *file = &plan->files[f];
		uint32_t kept = 0;

		for (uint32_t i = 0; i < file->site_count; i++)
			if (file->sites[i].function != function)
				file->sites[kept++] = file->sites[i];
		file->site_count = kept;
	}
}

/* Is the pair closed in the function that this site opens it in? */
static bool closes_beside(const struct wf_plan_file *file, const struct wf_plan_site *open)
{
	uint64_t start, size, other;

	if (wf_binary_fde(file->elf, open->address, &start, &size) < 0)
		return false;
	for (uint32_t i = 0; i < file->site_count; i++) {
		const struct wf_plan_site *close = &file->sites[i];

		if (close->function == open->function && close->spec.kind == WF_SITE_CLOSE &&
		    wf_binary_fde(file->elf, close->address, &other, &size) == 0 && other == start)
			return true;
	}
	return false;
}

/*
 * A span that opens and closes in one function lives on its stack frame, and dies with it where
 * an error jumps out. A probe may have been inlined in several functions: each has its own.
 */
static void mark_scoped(struct wf_plan *plan, uint32_t function)
{
	for (uint32_t f = 0; f < plan->file_count; f++) {
		const struct wf_plan_file *file = &plan->files[f];

		for (uint32_t i = 0; i < file->site_count; i++) {
			struct wf_plan_site *site = &file->sites[i];

			if (site->function == function && site->spec.kind == WF_SITE_OPEN &&
			    !(site->spec.flags & WF_SPEC_AGAIN) && closes_beside(file, site))
				site->spec.flags |= WF_SPEC_SCOPED;
		}
	}
}

static const char *missing_half(const struct wf_pair *pair)
{
	if (!pair->opens)
		return "nothing was found that opens it";
	return pair->closes ? NULL : "nothing was found that closes it";
}

void wf_probes_finish(struct wf_probes *probes, struct wf_blueprint *bp)
{
	for (uint32_t i = 0; i < probes->count; i++) {
		const struct wf_pair *pair = &probes->pairs[i];
		const char *refusal;

		if (pair->function == WF_NO_FUNCTION)
			continue;
		refusal = wf_blueprint_at(bp, pair->function)->refusal;
		if (!refusal)
			refusal = missing_half(pair);
		if (refusal) {
			wf_blueprint_refuse(bp, pair->function, refusal);
			drop_sites(bp->plan, pair->function);
		} else {
			mark_scoped(bp->plan, pair->function);
		}
	}
}
