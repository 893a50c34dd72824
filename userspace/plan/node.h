/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node.h - the functions of one file that take part in a plan: those that rules name, and those
 * that they reach by tail jumps. Owns what the decoding of each left behind.
 */
#ifndef WF_NODE_H
#define WF_NODE_H

#include "entry.h"
#include "exit.h"
#include "graph.h"
#include "userspace/base/map.h"
#include "userspace/rule/rule.h"

#define WF_NO_NODE UINT32_MAX

/* What becomes of one wf_leave. */
struct wf_hand {
	uint32_t node; /* the function jumped to, WF_NO_NODE = not known or not looked at */
	bool handed;   /* the frame goes on there; else the jump counts as the end */
};

struct wf_node {
	uint64_t address, size;
	const struct wf_rule *rule; /* NULL: only jumped to */
	uint32_t function;          /* in the plan; UINT32_MAX = none */
	uint32_t span;
	uint64_t entry_address;
	bool entry_emulated;
	bool stay;         /* hand-written assembly */
	bool no_arguments; /* a compiler's clone: argument registers mean something else */
	bool no_return;    /* its return value too */
	bool broken;       /* jumped to, but cannot be planned */
	bool crowded;      /* more origins than an exit can close */
	uint8_t level;     /* tail jumps from the nearest function that a rule names */
	struct wf_exits exits;
	struct wf_hand *hands; /* one for each of exits.leaves */

	/* Functions with rules whose frames may have been handed over to this one. */
	uint32_t origins[WF_TAIL_SET_MAX];
	uint32_t origin_count;
	uint32_t
		owner; /* origin that gets the return value, WF_NO_NODE = none or the node itself */
};

struct wf_nodes {
	struct wf_graph *graph;
	const struct wf_jumps *jumps;
	bool ret_only, nop5_unsafe;
	uint32_t sites_max; /* conditional sites for one RET */
	struct wf_node *items;
	uint32_t count, capacity;
	struct wf_map *by_address; /* index */
};

int wf_nodes_init(struct wf_nodes *nodes, struct wf_graph *graph, const struct wf_jumps *jumps,
		  uint32_t max);
void wf_nodes_done(struct wf_nodes *nodes);

/* A new node of this address, or -EEXIST. */
int wf_nodes_add(struct wf_nodes *nodes, uint64_t address, uint64_t size, uint32_t *ret);
/* Take back the last one. */
void wf_nodes_drop_last(struct wf_nodes *nodes);
uint32_t wf_nodes_find(const struct wf_nodes *nodes, uint64_t address);

/* Entry and exits of a function with a rule. -ENOTSUP and others with the reason for refusing. */
int wf_node_plan(struct wf_nodes *nodes, struct wf_node *node, struct wf_err *err);
/* Exits only, able to give the values that `rule` (may be NULL) wants at the end. */
int wf_node_plan_exits(struct wf_nodes *nodes, struct wf_node *node, const struct wf_rule *rule,
		       struct wf_err *err);

#endif
