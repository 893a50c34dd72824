/* SPDX-License-Identifier: Apache-2.0 */
#include "node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "loader.h"
#include "userspace/base/grow.h"

#define RETURNS_MAX WF_CAPTURES_MAX

int wf_nodes_init(struct wf_nodes *nodes, struct wf_graph *graph, const struct wf_jumps *jumps,
		  uint32_t max)
{
	*nodes = (struct wf_nodes){.graph = graph, .jumps = jumps};
	nodes->by_address = wf_map_new(max);
	return nodes->by_address ? 0 : -ENOMEM;
}

void wf_nodes_done(struct wf_nodes *nodes)
{
	for (uint32_t i = 0; i < nodes->count; i++) {
		wf_exits_done(&nodes->items[i].exits);
		free(nodes->items[i].hands);
	}
	free(nodes->items);
	wf_map_free(nodes->by_address);
	*nodes = (struct wf_nodes){0};
}

int wf_nodes_add(struct wf_nodes *nodes, uint64_t address, uint64_t size, uint32_t *ret)
{
	int rc;

	if (wf_nodes_find(nodes, address) != WF_NO_NODE)
		return -EEXIST;
	rc = wf_grow(&nodes->items, &nodes->capacity, nodes->count + 1, sizeof(*nodes->items));
	if (rc < 0)
		return rc;
	rc = wf_map_put(nodes->by_address, address, nodes->count);
	if (rc < 0)
		return rc;
	nodes->items[nodes->count] = (struct wf_node){
		.address = address, .size = size, .function = UINT32_MAX, .owner = WF_NO_NODE};
	*ret = nodes->count++;
	return 0;
}

void wf_nodes_drop_last(struct wf_nodes *nodes)
{
	struct wf_node *node = &nodes->items[--nodes->count];

	wf_map_del(nodes->by_address, node->address, NULL);
	wf_exits_done(&node->exits);
	free(node->hands);
}

uint32_t wf_nodes_find(const struct wf_nodes *nodes, uint64_t address)
{
	uint64_t index;

	return wf_map_get(nodes->by_address, address, &index) ? (uint32_t)index : WF_NO_NODE;
}

static void add_want(const struct wf_operand *operand, struct wf_entry_wants *wants)
{
	if (operand->origin != WF_FROM_ARG)
		return;
	wants->registers |= wf_source_registers(operand);
	wants->memory = wants->memory || operand->steps || wf_source_is_string(operand->type);
}

static struct wf_entry_wants entry_wants(const struct wf_nodes *nodes, const struct wf_node *node)
{
	struct wf_entry_wants wants = {.stay = node->stay, .nop5_unsafe = nodes->nop5_unsafe};

	for (uint32_t i = 0; i < node->rule->guard_count; i++)
		add_want(&node->rule->guards[i].operand, &wants);
	for (uint32_t i = 0; i < node->rule->operand_count && !node->no_arguments; i++)
		add_want(&node->rule->operands[i], &wants);
	return wants;
}

/* Exits on the loaded graph. */
static int plan_exits(struct wf_nodes *nodes, struct wf_node *node, const struct wf_rule *rule)
{
	struct wf_operand returns[RETURNS_MAX];
	struct wf_exit_wants wants = {
		.ret_only = nodes->ret_only,
		.sites_max = nodes->sites_max,
		.returns = returns,
	};

	for (uint32_t i = 0; rule && i < rule->operand_count; i++)
		if (rule->operands[i].origin == WF_FROM_RETURN && wants.return_count < RETURNS_MAX)
			returns[wants.return_count++] = rule->operands[i];
	return wf_exit_plan(nodes->graph, &wants, &node->exits);
}

/* How many probed branches each way out passes, for the price. The entry's trap is paid anyway. */
static int count_passed(const struct wf_nodes *nodes, struct wf_node *node, uint32_t entry)
{
	struct wf_exits *exits = &node->exits;
	uint32_t total = exits->exit_count + exits->leave_count, sites = 0;
	int rc;
	wf_auto(wf_freep) uint32_t *insns = calloc(2 * total + 1, sizeof(*insns));
	wf_auto(wf_freep) float *passed = calloc(total + 1, sizeof(*passed));

	if (!insns || !passed)
		return -ENOMEM;
	for (uint32_t i = 0; i < total; i++)
		insns[i] = i < exits->exit_count ? exits->exits[i].insn
						 : exits->leaves[i - exits->exit_count].insn;
	for (uint32_t i = 0; i < exits->exit_count; i++)
		if (exits->exits[i].kind == WF_SITE_BRANCH && exits->exits[i].insn != entry)
			insns[total + sites++] = exits->exits[i].insn;
	if (total < 2 || !sites)
		return 0;
	rc = wf_flow_passed(nodes->graph, insns + total, sites, insns, total, passed);
	for (uint32_t i = 0; i < total; i++)
		*(i < exits->exit_count ? &exits->exits[i].passed
					: &exits->leaves[i - exits->exit_count].passed) = passed[i];
	return rc;
}

static int make_hands(struct wf_node *node)
{
	free(node->hands);
	node->hands = calloc(node->exits.leave_count + 1, sizeof(*node->hands));
	if (!node->hands)
		return -ENOMEM;
	for (uint32_t i = 0; i < node->exits.leave_count; i++)
		node->hands[i].node = WF_NO_NODE;
	return 0;
}

static void trim(struct wf_exits *exits)
{
	void *less = NULL;

	if (exits->exit_count < exits->exit_capacity) {
		less = reallocarray(exits->exits, exits->exit_count + 1, sizeof(*exits->exits));
		exits->exits = less ? less : exits->exits;
		exits->exit_capacity = less ? exits->exit_count + 1 : exits->exit_capacity;
	}
}

int wf_node_plan_exits(struct wf_nodes *nodes, struct wf_node *node, const struct wf_rule *rule,
		       struct wf_err *err)
{
	uint32_t leaves = node->exits.leave_count;
	int rc = wf_graph_load(nodes->graph, node->address, node->size, err);

	if (rc < 0)
		return rc;
	rc = plan_exits(nodes, node, rule);
	trim(&node->exits);
	if (rc >= 0)
		rc = count_passed(nodes, node, WF_NO_INSN);
	if (rc >= 0 && (!node->hands || node->exits.leave_count != leaves))
		rc = make_hands(node);
	return rc < 0 ? wf_err_set(err, -rc, "out of memory") : 0;
}

int wf_node_plan(struct wf_nodes *nodes, struct wf_node *node, struct wf_err *err)
{
	struct wf_entry_wants wants = entry_wants(nodes, node);
	struct wf_entry entry;
	int rc = wf_graph_load(nodes->graph, node->address, node->size, err);

	if (rc < 0)
		return rc;
	rc = wf_entry_plan(nodes->graph, &wants, &entry, err);
	if (rc < 0)
		return rc;
	node->entry_address = nodes->graph->insns[entry.insn].address;
	node->entry_emulated = entry.emulated;
	rc = plan_exits(nodes, node, node->no_return ? NULL : node->rule);
	trim(&node->exits);
	if (rc >= 0)
		rc = count_passed(nodes, node, entry.insn);
	if (rc >= 0)
		rc = make_hands(node);
	if (rc < 0)
		return wf_err_set(err, -rc, "out of memory");
	return 0;
}
