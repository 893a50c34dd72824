/* SPDX-License-Identifier: Apache-2.0 */
#include "exit.h"

#include <errno.h>
#include <stdlib.h>

#include "epilogue.h"
#include "userspace/base/grow.h"

#define TAKEN  1
#define NOT    2
#define ALWAYS 3

void wf_exits_done(struct wf_exits *exits)
{
	free(exits->exits);
	free(exits->leaves);
	*exits = (struct wf_exits){0};
}

static int add_exit(struct wf_exits *exits, const struct wf_exit_site *exit)
{
	int rc =
		wf_grow(&exits->exits, &exits->exit_capacity, exits->exit_count + 1, sizeof(*exit));

	if (rc < 0)
		return rc;
	exits->exits[exits->exit_count++] = *exit;
	return 0;
}

static struct wf_exit_site *branch_at(struct wf_exits *exits, uint32_t insn)
{
	for (uint32_t i = exits->exit_count; i-- > 0;)
		if (exits->exits[i].insn == insn)
			return &exits->exits[i];
	return NULL;
}

static bool gives_values(const struct wf_exit_wants *wants, const struct wf_location *place)
{
	struct wf_source source;

	for (uint32_t i = 0; i < wants->return_count; i++)
		if (wf_source_return(&wants->returns[i], place, &source, NULL) < 0)
			return false;
	return true;
}

/* May this edge be a site? Fills what a probe there needs to know. */
static bool make_site(const struct wf_graph *graph, const struct wf_exit_wants *wants,
		      const struct wf_edge *edge, uint32_t ret, struct wf_exit_site *site)
{
	const struct wf_insn *insn = &graph->insns[edge->insn];

	if (graph->marks[edge->insn] & WF_MARK_CYCLE || !wf_insn_is_emulated(insn))
		return false;
	*site = (struct wf_exit_site){.address = insn->address,
				      .insn = edge->insn,
				      .kind = WF_SITE_BRANCH,
				      .condition = insn->condition,
				      .direction = edge->direction};
	/* clang moves instructions and not the unwind rule: the code knows better. */
	if (!wf_epilogue_frame(graph, edge->landing, ret, &site->cfa) &&
	    (wf_binary_cfa(graph->elf, insn->address, &site->cfa) < 0 ||
	     (site->cfa.reg != WF_REG_RSP && site->cfa.reg != WF_REG_RBP)))
		return false;
	if (!wants->return_count)
		return true;
	wf_epilogue_value(graph, edge->landing, ret, &site->value);
	return gives_values(wants, &site->value);
}

/* Both ways of one jump may end the call, but not with values that lie in different places. */
static bool conflicts(const struct wf_exit_site *a, const struct wf_exit_site *b,
		      const struct wf_exit_wants *wants)
{
	return wants->return_count && !wf_location_equal(&a->value, &b->value);
}

/* Turn all edges into sites, or none. */
static bool plan_branches(const struct wf_graph *graph, const struct wf_exit_wants *wants,
			  uint32_t ret, struct wf_exits *exits)
{
	struct wf_edge edges[WF_EDGES_MAX];
	struct wf_exit_site sites[WF_EDGES_MAX];
	uint32_t count, conditional = 0;

	if (!wf_epilogue_edges(graph, ret, edges, &count))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		const struct wf_exit_site *other = branch_at(exits, edges[i].insn);

		if (!make_site(graph, wants, &edges[i], ret, &sites[i]) ||
		    (other && conflicts(other, &sites[i], wants)))
			return false;
		for (uint32_t k = 0; k < i; k++)
			if (sites[k].insn == sites[i].insn &&
			    conflicts(&sites[k], &sites[i], wants))
				return false;
		conditional += edges[i].direction != ALWAYS;
	}
	if (conditional > wants->sites_max)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		struct wf_exit_site *other = branch_at(exits, sites[i].insn);

		if (other)
			other->direction |= sites[i].direction;
		else if (add_exit(exits, &sites[i]) < 0)
			return false;
	}
	return true;
}

static int plan_ret(const struct wf_graph *graph, const struct wf_exit_wants *wants, uint32_t ret,
		    struct wf_exits *exits)
{
	struct wf_exit_site exit = {
		.address = graph->insns[ret].address,
		.insn = ret,
		.kind = WF_SITE_RET,
		.direction = ALWAYS,
		.cfa = {WF_REG_RSP, 8},
		.value = {.kind = WF_AT_REGISTER, .reg = WF_REG_RAX, .width = 8},
	};

	if (!wants->ret_only && plan_branches(graph, wants, ret, exits))
		return 0;
	return add_exit(exits, &exit);
}

static int plan_leave(const struct wf_graph *graph, uint32_t i, struct wf_exits *exits)
{
	const struct wf_insn *insn = &graph->insns[i];
	bool self = graph->marks[i] & WF_MARK_SELF;

	if (!self && !(graph->marks[i] & WF_MARK_LEAVES))
		return 0;
	if (insn->kind == WF_INSN_LOOP) {
		exits->lost = true;
		return 0;
	}
	if (wf_grow(&exits->leaves, &exits->leave_capacity, exits->leave_count + 1,
		    sizeof(*exits->leaves)) < 0)
		return -ENOMEM;
	exits->leaves[exits->leave_count++] = (struct wf_leave){
		.address = insn->address,
		.target = graph->marks[i] & WF_MARK_STUB ? 0 : insn->target,
		.insn = i,
		.condition = insn->condition,
		.direction = insn->kind == WF_INSN_JCC ? TAKEN : ALWAYS,
		.self = self,
		.emulated = wf_insn_is_emulated(insn),
		.unprobed = insn->flags & WF_INSN_REFUSED,
	};
	return 0;
}

int wf_exit_plan(const struct wf_graph *graph, const struct wf_exit_wants *wants,
		 struct wf_exits *ret)
{
	int rc = 0;

	ret->exit_count = ret->leave_count = 0;
	ret->lost = false;
	for (uint32_t i = 0; i < graph->count && rc >= 0; i++) {
		if (!(graph->marks[i] & WF_MARK_REACHED))
			continue;
		if (graph->marks[i] & WF_MARK_LOST)
			ret->lost = true;
		if (graph->insns[i].kind == WF_INSN_RET)
			rc = plan_ret(graph, wants, i, ret);
		else
			rc = plan_leave(graph, i, ret);
	}
	return rc;
}
