/* SPDX-License-Identifier: Apache-2.0 */
#include "emit.h"

#include <stdio.h>
#include <string.h>

#include "pick.h"
#include "spec.h"

#define NAME_BYTES  512
#define NAMES_BYTES 768
#define NAMES_MAX   3
#define MORE_BYTES  32 /* ", " and what counts those that are not named */

struct emission {
	struct wf_blueprint *bp;
	struct wf_nodes *nodes;
	struct wf_err *err;
};

/* What the exits of one node are made of. */
struct exit_base {
	uint32_t span, tail_set, function, rule_index, flags;
	const struct wf_rule *rule; /* whose return value they give, NULL = none */
};

static enum wf_site_class class_of(bool emulated)
{
	return emulated ? WF_CLASS_EMULATED : WF_CLASS_STEPPED;
}

static int tail_set_of(const struct emission *e, const struct wf_node *node, uint32_t *ret)
{
	struct wf_tail_set set = {0};

	for (uint32_t i = 0; i < node->origin_count; i++)
		if (node->rule || node->origins[i] != node->owner)
			set.span[set.count++] = e->nodes->items[node->origins[i]].span;
	return wf_blueprint_tail_set(e->bp, &set, ret, e->err);
}

static bool hands_over(const struct wf_node *node)
{
	for (uint32_t i = 0; i < node->exits.leave_count; i++)
		if (node->hands[i].handed)
			return true;
	return false;
}

static int emit_entry(const struct emission *e, const struct wf_node *node, uint32_t tail_set)
{
	struct wf_plan_site site = {
		.address = node->entry_address,
		.class = class_of(node->entry_emulated),
		.function = node->function,
		.spec = {.kind = WF_SITE_ENTER,
			 .cfa_reg = WF_REG_RSP,
			 .span = node->span,
			 .flags = hands_over(node) ? WF_SPEC_TAIL_ORIGIN : 0,
			 .min_duration_ns = node->rule->min_duration_ns,
			 .tail_set = tail_set,
			 .rule = node->rule->index},
	};
	int rc = 0;

	if (!node->no_arguments)
		rc = wf_spec_arguments(e->bp, &site.spec, node->rule, false, e->err);
	if (rc >= 0)
		rc = wf_spec_guards(e->bp, &site.spec, node->rule, false, e->err);
	return rc < 0 ? rc : wf_blueprint_site(e->bp, &site, e->err);
}

static int emit_exit(const struct emission *e, const struct exit_base *base,
		     const struct wf_exit_site *exit)
{
	struct wf_plan_site site = {
		.address = exit->address,
		.class = class_of(exit->kind == WF_SITE_BRANCH),
		.function = base->function,
		.spec = {.kind = exit->kind,
			 .condition = exit->condition,
			 .direction = exit->direction,
			 .cfa_reg = exit->cfa.reg,
			 .cfa_offset = exit->cfa.offset - 8,
			 .span = base->span,
			 .flags = base->flags,
			 .tail_set = base->tail_set,
			 .rule = base->rule_index},
	};
	int rc = 0;

	if (base->rule)
		rc = wf_spec_returns(e->bp, &site.spec, base->rule, &exit->value, e->err);
	return rc < 0 ? rc : wf_blueprint_site(e->bp, &site, e->err);
}

static int emit_leave(const struct emission *e, const struct exit_base *base,
		      const struct wf_leave *leave)
{
	struct wf_plan_site site = {
		.address = leave->address,
		.class = class_of(leave->emulated),
		.function = base->function,
		.spec = {.kind = WF_SITE_TAIL_JUMP,
			 .condition = leave->condition,
			 .direction = leave->direction,
			 .cfa_reg = WF_REG_RSP,
			 .span = base->span,
			 .flags = base->flags,
			 .tail_set = base->tail_set,
			 .rule = base->rule_index},
	};

	return leave->unprobed ? 0 : wf_blueprint_site(e->bp, &site, e->err);
}

static void base_of(const struct emission *e, const struct wf_node *node, struct exit_base *base)
{
	const struct wf_node *owner = node->rule ? node : &e->nodes->items[node->owner];

	base->span = owner->span;
	base->function = owner->function;
	base->rule_index = owner->rule->index;
	base->flags = node->rule ? 0 : WF_SPEC_FOREIGN;
	base->rule = owner->no_return ? NULL : owner->rule;
}

static int emit_node(const struct emission *e, const struct wf_node *node)
{
	struct exit_base base;
	int rc;

	if (!node->rule && !node->origin_count)
		return 0;
	base_of(e, node, &base);
	rc = tail_set_of(e, node, &base.tail_set);
	if (rc >= 0 && node->rule)
		rc = emit_entry(e, node, base.tail_set);
	for (uint32_t i = 0; i < node->exits.exit_count && rc >= 0; i++)
		rc = emit_exit(e, &base, &node->exits.exits[i]);
	for (uint32_t i = 0; i < node->exits.leave_count && rc >= 0; i++)
		if (!node->hands[i].handed)
			rc = emit_leave(e, &base, &node->exits.leaves[i]);
	return rc;
}

/* Exits of a node as one call sees them, for the price. */
struct tally {
	double cost_ns;
	uint32_t count;
};

/* One way out. What is probed as the entry too costs no second trap. */
static void tally_way(const struct emission *e, const struct wf_node *node, uint64_t address,
		      bool emulated, float passed, struct tally *tally)
{
	const struct wf_costs *costs = &e->bp->options.costs;

	tally->cost_ns += (double)passed * costs->emulated_ns;
	if (!node->rule || address != node->entry_address)
		tally->cost_ns += emulated ? costs->emulated_ns : costs->stepped_ns;
	tally->count++;
}

static void tally_node(const struct emission *e, const struct wf_node *node, struct tally *tally)
{
	for (uint32_t i = 0; i < node->exits.exit_count; i++) {
		const struct wf_exit_site *exit = &node->exits.exits[i];

		tally_way(e, node, exit->address, exit->kind == WF_SITE_BRANCH, exit->passed,
			  tally);
	}
	for (uint32_t i = 0; i < node->exits.leave_count; i++) {
		const struct wf_leave *leave = &node->exits.leaves[i];

		if (!node->hands[i].handed && !leave->unprobed)
			tally_way(e, node, leave->address, leave->emulated, leave->passed, tally);
	}
}

static bool is_origin(const struct wf_node *node, uint32_t origin)
{
	for (uint32_t i = 0; i < node->origin_count; i++)
		if (node->origins[i] == origin)
			return true;
	return false;
}

/* Own exits, and one level of the functions that frames are handed to. */
static double predict(const struct emission *e, uint32_t index)
{
	const struct wf_node *node = &e->nodes->items[index];
	const struct wf_costs *costs = &e->bp->options.costs;
	struct tally tally = {0};
	double cost = (node->entry_emulated ? costs->emulated_ns : costs->stepped_ns) +
		      costs->record_ns + costs->string_ns * wf_spec_strings(node->rule);

	tally_node(e, node, &tally);
	for (uint32_t i = 0; i < node->exits.leave_count; i++)
		if (node->hands[i].handed &&
		    is_origin(&e->nodes->items[node->hands[i].node], index))
			tally_node(e, &e->nodes->items[node->hands[i].node], &tally);
	return cost + (tally.count ? tally.cost_ns / tally.count : 0);
}

static enum wf_exit_method method_of(const struct wf_plan_function *function,
				     const struct wf_node *node)
{
	if (function->exit_sites && function->ret_sites)
		return WF_EXIT_MIXED;
	if (function->ret_sites)
		return WF_EXIT_RETS;
	if (function->exit_sites)
		return WF_EXIT_SITES;
	if (function->tail_sites)
		return WF_EXIT_TAIL_JUMP;
	return hands_over(node) ? WF_EXIT_HANDED_OVER : WF_EXIT_NONE;
}

static void target_name(const struct emission *e, uint64_t target, char *out, size_t size)
{
	const struct wf_symbol *symbol = wf_binary_symbol_at(e->bp->elf, target);

	if (symbol && symbol->address == target)
		wf_pick_name(e->bp->elf, symbol, out, size);
	else
		snprintf(out, size, "0x%llx", (unsigned long long)target);
}

/* Was this target met before in the same function? */
static bool is_repeated(const struct wf_node *node, uint32_t leave)
{
	for (uint32_t i = 0; i < leave; i++)
		if (node->hands[i].handed &&
		    node->exits.leaves[i].target == node->exits.leaves[leave].target)
			return true;
	return false;
}

/* "handed over to A, B and 2 more" */
static void note_hands(const struct emission *e, const struct wf_node *node)
{
	char note[NAMES_BYTES] = "handed over to ", name[NAME_BYTES];
	size_t used = strlen(note);
	uint32_t named = 0, more = 0;

	for (uint32_t i = 0; i < node->exits.leave_count; i++) {
		if (!node->hands[i].handed || is_repeated(node, i))
			continue;
		target_name(e, node->exits.leaves[i].target, name, sizeof(name));
		if (named == NAMES_MAX || used + strlen(name) + MORE_BYTES > sizeof(note)) {
			more++;
			continue;
		}
		used += (size_t)snprintf(note + used, sizeof(note) - used, "%s%s",
					 named++ ? ", " : "", name);
	}
	if (more)
		snprintf(note + used, sizeof(note) - used, "%s%u more", named ? " and " : "", more);
	if (named || more)
		wf_blueprint_note(e->bp, node->function, note);
}

static void note_leave(const struct emission *e, const struct wf_node *node,
		       const struct wf_leave *leave)
{
	char note[NAME_BYTES + 32], name[NAME_BYTES];

	if (leave->unprobed) {
		wf_blueprint_note(e->bp, node->function,
				  "a way out cannot be probed: calls that take it seem to go on");
		return;
	}
	if (leave->self) {
		wf_blueprint_note(e->bp, node->function,
				  "a jump back to its start counts as the next call");
		return;
	}
	if (!leave->target) {
		wf_blueprint_note(e->bp, node->function, "ends at a jump through a pointer");
		return;
	}
	target_name(e, leave->target, name, sizeof(name));
	snprintf(note, sizeof(note), "ends at a jump to %s", name);
	wf_blueprint_note(e->bp, node->function, note);
}

static void describe(const struct emission *e, uint32_t index)
{
	const struct wf_node *node = &e->nodes->items[index];
	struct wf_plan_function *function = wf_blueprint_at(e->bp, node->function);

	function->span = node->span;
	function->entry_class = class_of(node->entry_emulated);
	function->entry_shift = (uint32_t)(node->entry_address - node->address);
	for (uint32_t i = 0; i < node->exits.exit_count; i++)
		*(node->exits.exits[i].kind == WF_SITE_BRANCH ? &function->exit_sites
							      : &function->ret_sites) += 1;
	for (uint32_t i = 0; i < node->exits.leave_count; i++) {
		if (node->hands[i].handed)
			continue;
		function->tail_sites += !node->exits.leaves[i].unprobed;
		note_leave(e, node, &node->exits.leaves[i]);
	}
	note_hands(e, node);
	if (node->exits.lost)
		wf_blueprint_note(
			e->bp, node->function,
			"one path leaves with its frame: calls that take it seem to go on");
	function->exit = method_of(function, node);
	function->cost_ns = predict(e, index);
}

/* A return value is copied only for the function whose span the exit names. */
static void note_returns(const struct emission *e, uint32_t index)
{
	const struct wf_node *node = &e->nodes->items[index];

	for (uint32_t i = 0; i < node->origin_count; i++) {
		const struct wf_node *origin = &e->nodes->items[node->origins[i]];

		if (node->origins[i] == node->owner || origin->no_return ||
		    !wf_spec_wants(origin->rule, WF_FROM_RETURN))
			continue;
		wf_blueprint_note(e->bp, origin->function,
				  "its return value is not seen where it ends in another traced "
				  "function");
	}
}

int wf_emit_nodes(struct wf_blueprint *bp, struct wf_nodes *nodes, struct wf_err *err)
{
	struct emission e = {bp, nodes, err};
	int rc = 0;

	for (uint32_t i = 0; i < nodes->count; i++)
		if (nodes->items[i].rule)
			nodes->items[i].span = ++bp->plan->span_count;
	for (uint32_t i = 0; i < nodes->count && rc >= 0; i++) {
		rc = emit_node(&e, &nodes->items[i]);
		if (rc < 0)
			break;
		if (nodes->items[i].rule)
			describe(&e, i);
		note_returns(&e, i);
	}
	return rc;
}
