/* SPDX-License-Identifier: Apache-2.0 */
#include "tail.h"

#include <errno.h>

#define ROUNDS_MAX 64
#define QUEUE_MAX  128 /* functions that one function reaches; more are not handed over */

struct step {
	uint32_t node;
	uint8_t depth;
};

/* The functions that one origin reaches, nearest first. */
struct closure {
	struct step queue[QUEUE_MAX];
	uint32_t count;
	uint32_t sites;
};

/* Find or make the node that a jump leads to. */
static int follow(struct wf_nodes *nodes, uint64_t target, uint8_t level, uint32_t *ret)
{
	uint32_t index = wf_nodes_find(nodes, target);
	struct wf_err why;
	int rc;

	*ret = WF_NO_NODE;
	if (index == WF_NO_NODE) {
		if (!nodes->jumps || wf_jumps_jumpers(nodes->jumps, target) > WF_TAIL_SHARED ||
		    wf_jumps_calls(nodes->jumps, target) > WF_TAIL_CALLED)
			return 0;
		rc = wf_nodes_add(nodes, target, 0, &index);
		if (rc < 0)
			return rc == -ENOSPC ? 0 : rc;
		nodes->items[index].level = level;
		rc = wf_node_plan_exits(nodes, &nodes->items[index], NULL, &why);
		if (rc == -ENOMEM)
			return rc;
		nodes->items[index].broken = rc < 0;
	}
	if (!nodes->items[index].broken)
		*ret = index;
	return 0;
}

static int expand(struct wf_nodes *nodes)
{
	for (uint32_t i = 0; i < nodes->count; i++) {
		uint8_t level = nodes->items[i].level;

		if (level >= WF_TAIL_LEVELS || nodes->items[i].broken)
			continue;
		for (uint32_t k = 0; k < nodes->items[i].exits.leave_count; k++) {
			const struct wf_leave *leave = &nodes->items[i].exits.leaves[k];
			uint32_t to;
			int rc;

			if (!leave->target || leave->self)
				continue;
			rc = follow(nodes, leave->target, level + 1, &to);
			if (rc < 0)
				return rc;
			nodes->items[i].hands[k] = (struct wf_hand){to, to != WF_NO_NODE};
		}
	}
	return 0;
}

static bool has(const struct closure *closure, uint32_t node)
{
	for (uint32_t i = 0; i < closure->count; i++)
		if (closure->queue[i].node == node)
			return true;
	return false;
}

static bool add_origin(struct wf_node *node, uint32_t origin)
{
	if (node->origin_count == WF_TAIL_SET_MAX) {
		node->crowded = true;
		return false;
	}
	node->origins[node->origin_count++] = origin;
	return true;
}

/* One jump on the way. False where it cannot stay handed over. */
static bool pass(struct wf_nodes *nodes, struct closure *closure, uint32_t origin, uint8_t depth,
		 uint32_t to)
{
	struct wf_node *node = &nodes->items[to];

	/* Back to where it began: functions that jump in a circle would pile up frames. */
	if (to == origin || depth > WF_TAIL_LEVELS)
		return false;
	if (has(closure, to))
		return true;
	if (closure->count == QUEUE_MAX ||
	    closure->sites + node->exits.exit_count + node->exits.leave_count > WF_TAIL_SITES)
		return false;
	closure->sites += node->exits.exit_count + node->exits.leave_count;
	closure->queue[closure->count++] = (struct step){to, depth};
	return add_origin(node, origin);
}

/* Follow all frames of one origin. Returns how many jumps were given up. */
static uint32_t spread(struct wf_nodes *nodes, uint32_t origin)
{
	struct closure closure = {.queue = {{origin, 0}}, .count = 1};
	uint32_t given_up = 0;

	for (uint32_t q = 0; q < closure.count; q++) {
		struct wf_node *node = &nodes->items[closure.queue[q].node];
		uint8_t depth = closure.queue[q].depth + 1;

		for (uint32_t k = 0; k < node->exits.leave_count; k++) {
			struct wf_hand *hand = &node->hands[k];

			if (!hand->handed || pass(nodes, &closure, origin, depth, hand->node))
				continue;
			hand->handed = false;
			given_up++;
		}
	}
	return given_up;
}

static void clear_origins(struct wf_nodes *nodes)
{
	for (uint32_t i = 0; i < nodes->count; i++)
		nodes->items[i].origin_count = 0;
}

static uint32_t give_up(struct wf_nodes *nodes, bool all)
{
	uint32_t given_up = 0;

	for (uint32_t i = 0; i < nodes->count; i++) {
		struct wf_node *node = &nodes->items[i];

		for (uint32_t k = 0; k < node->exits.leave_count; k++) {
			if (!node->hands[k].handed ||
			    !(all || nodes->items[node->hands[k].node].crowded))
				continue;
			node->hands[k].handed = false;
			given_up++;
		}
	}
	return given_up;
}

/* Jumps are only ever given up, so this ends. */
static void settle(struct wf_nodes *nodes)
{
	uint32_t given_up = 1;

	for (uint32_t round = 0; given_up; round++) {
		clear_origins(nodes);
		given_up = 0;
		for (uint32_t i = 0; i < nodes->count; i++)
			if (nodes->items[i].rule)
				given_up += spread(nodes, i);
		given_up += give_up(nodes, round >= ROUNDS_MAX);
	}
}

static bool wants_return(const struct wf_node *node)
{
	for (uint32_t i = 0; !node->no_return && i < node->rule->operand_count; i++)
		if (node->rule->operands[i].origin == WF_FROM_RETURN)
			return true;
	return false;
}

/* Exits of a function without a rule can give their value to one of the functions before it. */
static int choose_owners(struct wf_nodes *nodes, struct wf_err *err)
{
	for (uint32_t i = 0; i < nodes->count; i++) {
		struct wf_node *node = &nodes->items[i];
		int rc;

		if (node->rule || !node->origin_count)
			continue;
		node->owner = node->origins[0];
		for (uint32_t k = 0; k < node->origin_count; k++) {
			if (!wants_return(&nodes->items[node->origins[k]]))
				continue;
			node->owner = node->origins[k];
			rc = wf_node_plan_exits(nodes, node, nodes->items[node->owner].rule, err);
			if (rc < 0)
				return rc;
			break;
		}
	}
	return 0;
}

int wf_tail_plan(struct wf_nodes *nodes, struct wf_err *err)
{
	int rc = expand(nodes);

	if (rc < 0)
		return wf_err_set(err, -rc, "out of memory");
	settle(nodes);
	return choose_owners(nodes, err);
}
