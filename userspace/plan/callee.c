/* SPDX-License-Identifier: Apache-2.0 */
#include "callee.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "emit.h"
#include "node.h"
#include "pick.h"
#include "spec.h"
#include "tail.h"

#define NAME_MAX_BYTES 1024
#define JUMPED_TO_MAX  20000 /* functions that only tail jumps lead to, beyond those of rules */

struct search {
	struct wf_blueprint *bp;
	struct wf_nodes nodes;
	struct wf_map *seen; /* addresses that a rule has taken */
	const struct wf_rule *rule;
};

int wf_callee_check(const struct wf_blueprint *bp, const struct wf_symbol *symbol,
		    struct wf_err *err)
{
	struct wf_binary *elf = bp->elf;
	uint64_t start, size;

	if (wf_binary_machine(elf) != EM_X86_64)
		return wf_err_set(err, ENOTSUP, "only x86-64 code is understood so far");
	if (symbol->flags & WF_SYM_COLD)
		return wf_err_set(err, ENOTSUP,
				  "it is the rarely used part of %s, not a function: name that",
				  symbol->base);
	if (symbol->flags & WF_SYM_IFUNC)
		return wf_err_set(err, ENOTSUP,
				  "it only chooses an implementation when the program starts: name "
				  "the implementation");
	if (!wf_binary_is_text(elf, symbol->address))
		return wf_err_set(err, ENOTSUP, "it is not code of this file");
	if (!symbol->size && wf_binary_fde(elf, symbol->address, &start, &size) < 0)
		return wf_err_set(err, ENOTSUP,
				  "where it ends is not known: it has neither a size nor an unwind "
				  "entry");
	if (wf_blueprint_restarts(bp, symbol->address, symbol->size))
		return wf_err_set(err, ENOTSUP,
				  "it holds a restartable sequence, which a probe would restart "
				  "for ever");
	return 0;
}

static int check_rule(const struct wf_rule *rule, const struct wf_symbol *symbol,
		      struct wf_err *err)
{
	if (symbol->flags & WF_SYM_CLONE && rule->guard_count)
		return wf_err_set(
			err, ENOTSUP,
			"`when` needs arguments, and a compiler's clone does not take them "
			"where the calling convention says");
	return wf_spec_check(rule, err);
}

static void set_node(struct search *search, struct wf_node *node, const struct wf_symbol *symbol,
		     uint32_t function)
{
	const struct wf_rule *rule = search->rule;

	node->rule = rule;
	node->function = function;
	node->stay = symbol->flags & WF_SYM_NOTYPE;
	if (!(symbol->flags & WF_SYM_CLONE))
		return;
	node->no_arguments = true;
	node->no_return = strstr(symbol->name, ".isra") != NULL;
	if (rule->operand_count)
		wf_blueprint_note(search->bp, function,
				  "a compiler's clone: its arguments are not captured");
}

static int plan_one(struct search *search, const struct wf_symbol *symbol, uint32_t function,
		    struct wf_err *err)
{
	uint32_t index;
	struct wf_err why = {0};
	int rc = wf_callee_check(search->bp, symbol, &why);

	if (rc >= 0)
		rc = check_rule(search->rule, symbol, &why);
	if (rc >= 0)
		rc = wf_blueprint_check_place(search->bp, symbol->address, symbol->size, &why);
	if (rc < 0) {
		wf_blueprint_refuse(search->bp, function, why.msg);
		return 0;
	}
	rc = wf_nodes_add(&search->nodes, symbol->address, symbol->size, &index);
	if (rc < 0)
		return wf_err_set(err, -rc, "out of memory");
	set_node(search, &search->nodes.items[index], symbol, function);
	rc = wf_node_plan(&search->nodes, &search->nodes.items[index], &why);
	if (rc == -ENOMEM)
		return wf_err_set(err, ENOMEM, "out of memory");
	if (rc < 0) {
		wf_nodes_drop_last(&search->nodes);
		wf_blueprint_refuse(search->bp, function, why.msg);
	}
	return 0;
}

static int found(void *context, const struct wf_symbol *symbol, struct wf_err *err)
{
	struct search *search = context;
	char name[NAME_MAX_BYTES];
	uint32_t function;
	uint64_t taken;
	int rc;

	if (search->bp->matched)
		search->bp->matched[search->rule->index]++;
	if (wf_map_get(search->seen, symbol->address, &taken))
		return 0; /* an earlier rule has it */
	wf_pick_name(search->bp->elf, symbol, name, sizeof(name));
	rc = wf_blueprint_function(search->bp, search->rule, symbol->name, name, symbol->address,
				   &function, err);
	if (rc < 0)
		return rc;
	wf_blueprint_at(search->bp, function)->size = symbol->size;
	rc = wf_map_put(search->seen, symbol->address, 1);
	if (rc < 0)
		return wf_err_set(err, -rc, "out of memory");
	return plan_one(search, symbol, function, err);
}

static int begin(struct search *search, struct wf_blueprint *bp)
{
	const struct wf_costs *costs = &bp->options.costs;
	double ratio = 2 * costs->stepped_ns / costs->emulated_ns;
	int rc;

	search->bp = bp;
	search->seen = wf_map_new(bp->options.function_max);
	rc = wf_nodes_init(&search->nodes, bp->graph, bp->jumps,
			   bp->options.function_max + JUMPED_TO_MAX);
	if (!search->seen || rc < 0)
		return -ENOMEM;
	search->nodes.ret_only = bp->options.ret_only;
	search->nodes.nop5_unsafe = bp->options.nop5_unsafe;
	/* A call may pass many branches that do not leave; at some point the RET is cheaper. */
	search->nodes.sites_max = ratio < 6 ? 6 : ratio > 64 ? 64 : (uint32_t)ratio;
	return 0;
}

static int search_all(struct search *search, struct wf_err *err)
{
	const struct wf_ruleset *rules = search->bp->rules;
	int rc = 0;

	for (uint32_t i = 0; i < rules->count && rc >= 0; i++) {
		search->rule = &rules->rules[i];
		if (search->rule->kind == WF_RULE_CALL &&
		    search->rule->at.type == WF_WHERE_FUNCTION &&
		    wf_blueprint_takes(search->bp, i, &search->rule->at))
			rc = wf_pick_functions(search->bp->elf, search->rule->at.function, found,
					       search, err);
	}
	if (rc >= 0)
		rc = wf_tail_plan(&search->nodes, err);
	return rc < 0 ? rc : wf_emit_nodes(search->bp, &search->nodes, err);
}

int wf_callee_plan(struct wf_blueprint *bp, struct wf_err *err)
{
	struct search search = {0};
	int rc = begin(&search, bp);

	rc = rc < 0 ? wf_err_set(err, -rc, "out of memory") : search_all(&search, err);
	wf_nodes_done(&search.nodes);
	wf_map_free(search.seen);
	return rc;
}
