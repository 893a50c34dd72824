/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#include <errno.h>

#include "bpf/state.h"
#include "spawn.h"
#include "userspace/base/list.h"
#include "userspace/base/map.h"
#include "userspace/base/pool.h"
#include "userspace/span/wire.h"

#define AGENT_OUTSIDE (WF_AGENT_REMOTE | WF_AGENT_SDK)

#define TICKS_KEPT 2 /* a tree whose root ended waits this long for late records */

struct tree {
	struct wf_node age; /* in `running` (by last use) or `ended` */
	struct wf_trace_context context;
	uint64_t root_id;
	uint64_t spawn_serial; /* the relation its parent comes from, 0 = none */
	uint64_t ended_tick;   /* 0 = running */
};

struct wf_traces {
	struct wf_trace_limits limits;
	const struct wf_catalog *catalog;
	struct wf_pool *pool;
	struct wf_map *trees; /* root id -> struct tree */
	struct wf_list running, ended;
	struct wf_spawns *spawns;
	uint64_t clock_offset_ns;
	uint64_t tick;
};

static const struct wf_trace_limits default_limits = {
	.trees_max = 100000,
	.spawns_max = 100000,
	.link_ns = 60000000000ull,
	.fork_child_ns = 10000000000ull,
};

int wf_traces_new(const struct wf_trace_limits *limits, const struct wf_catalog *catalog,
		  struct wf_traces **ret, struct wf_err *err)
{
	wf_auto(wf_traces_freep) struct wf_traces *traces = calloc(1, sizeof(*traces));

	if (!traces)
		return wf_err_set(err, ENOMEM, "out of memory");
	traces->limits = limits ? *limits : default_limits;
	traces->catalog = catalog;
	wf_list_init(&traces->running);
	wf_list_init(&traces->ended);
	traces->pool = wf_pool_new((traces->limits.trees_max + 2048) * 2 * sizeof(struct tree));
	traces->trees = wf_map_new(traces->limits.trees_max);
	traces->spawns = wf_spawns_new(traces->limits.spawns_max, traces->limits.link_ns);
	if (!traces->pool || !traces->trees || !traces->spawns)
		return wf_err_set(err, ENOMEM, "out of memory");
	traces->tick = 1;
	*ret = wf_take(traces);
	return 0;
}

void wf_traces_free(struct wf_traces *traces)
{
	if (!traces)
		return;
	wf_spawns_free(traces->spawns);
	wf_map_free(traces->trees);
	wf_pool_free(traces->pool);
	free(traces);
}

void wf_traces_clock(struct wf_traces *traces, const struct wf_rec_clock *record)
{
	traces->clock_offset_ns = record->realtime_ns - record->monotonic_ns;
}

uint64_t wf_traces_clock_offset(const struct wf_traces *traces)
{
	return traces->clock_offset_ns;
}

static void drop(struct wf_traces *traces, struct tree *tree)
{
	wf_list_remove(tree->ended_tick ? &traces->ended : &traces->running, &tree->age);
	wf_map_del(traces->trees, tree->root_id, NULL);
	wf_pool_give(traces->pool, tree);
}

static bool make_room(struct wf_traces *traces)
{
	struct tree *oldest = wf_list_oldest(&traces->ended);

	if (!oldest)
		oldest = wf_list_oldest(&traces->running);
	if (oldest)
		drop(traces, oldest);
	return oldest;
}

/* NULL where there is no memory: then each record decides anew. */
static struct tree *tree_new(struct wf_traces *traces, uint64_t root_id)
{
	struct tree *tree;

	do
		tree = wf_pool_take(traces->pool, sizeof(*tree));
	while (!tree && make_room(traces));
	if (!tree)
		return NULL;
	*tree = (struct tree){.root_id = root_id};
	while (wf_map_put_ptr(traces->trees, root_id, tree) < 0) {
		if (!make_room(traces)) {
			wf_pool_give(traces->pool, tree);
			return NULL;
		}
	}
	wf_list_append(&traces->running, &tree->age);
	return tree;
}

/* Under the span that started this task. Its own trace and a link, where that span had ended. */
static void below_spawner(struct tree *tree, const struct wf_spawn *spawn, uint64_t root_start_ns)
{
	struct wf_trace_context *context = &tree->context;

	if (spawn->link_only || (spawn->end_ns && spawn->end_ns < root_start_ns)) {
		context->link_hi = spawn->trace_hi;
		context->link_lo = spawn->trace_lo;
		context->link_id = spawn->span_id;
		return;
	}
	context->trace_hi = spawn->trace_hi;
	context->trace_lo = spawn->trace_lo;
	context->parent_id = spawn->span_id;
	context->random = spawn->random;
	tree->spawn_serial = spawn->serial;
}

/*
 * What a Python agent has decided about a root: a parent from outside, or a link to the call that
 * started this one and has ended. False: it has not.
 */
static bool agent_decides(const struct wf_traces *traces, const struct wf_rec_span *record,
			  struct wf_trace_context *context)
{
	const struct wf_agent_record *agent = wf_wire_agent(record);
	const struct tree *tree;

	if (!agent || agent->id != agent->root_id)
		return false;
	if (agent->flags & AGENT_OUTSIDE) {
		context->parent_id = record->parent_id;
		context->remote = agent->flags & WF_AGENT_REMOTE;
		context->random = false;
		return true;
	}
	if (!(agent->flags & WF_AGENT_LINK))
		return false;
	tree = wf_map_get_ptr(traces->trees, agent->link_root_id);
	context->link_id = agent->link_id;
	context->link_hi = tree ? tree->context.trace_hi : wf_agent_trace(agent->link_root_id, 0);
	context->link_lo = tree ? tree->context.trace_lo : wf_agent_trace(agent->link_root_id, 1);
	return true;
}

static void decide(struct wf_traces *traces, const struct wf_rec_span *record, struct tree *tree)
{
	struct wf_trace_context *context = &tree->context;
	const struct wf_spawn *spawn = wf_spawns_find(traces->spawns, record->head.tid);
	struct wf_traceparent outer;

	context->trace_hi = record->trace_hi;
	context->trace_lo = record->trace_lo;
	context->clock_offset_ns = traces->clock_offset_ns;
	context->random = true;
	if (agent_decides(traces, record, context))
		return;
	if (spawn && spawn->span_id)
		below_spawner(tree, spawn, record->root_start_ns);
	if (context->parent_id ||
	    !wf_catalog_traceparent(traces->catalog, record->head.tgid, &outer))
		return;
	context->trace_hi = outer.trace_hi;
	context->trace_lo = outer.trace_lo;
	context->parent_id = outer.parent_id;
	context->random = outer.flags & 0x02;
	context->remote = true;
}

/* The spawner may have turned out too short since the tree began, or may still do so. */
static void refresh(const struct wf_traces *traces, const struct wf_rec_span *record,
		    struct tree *tree)
{
	const struct wf_spawn *spawn;

	tree->context.parent_sure_ns = 0;
	if (!tree->spawn_serial)
		return;
	spawn = wf_spawns_find(traces->spawns, record->head.tid);
	if (!spawn || spawn->serial != tree->spawn_serial)
		return;
	tree->context.parent_id = spawn->span_id;
	if (!spawn->end_ns && traces->limits.min_duration_max_ns)
		tree->context.parent_sure_ns = spawn->start_ns + traces->limits.min_duration_max_ns;
}

static bool ends_tree(const struct wf_rec_span *record)
{
	return record->id == record->root_id &&
	       (record->head.kind == WF_REC_SPAN || record->head.kind == WF_REC_UNFINISHED);
}

/* The root that a Python agent gave to this record's tree, where that stands inside a native one.
 */
static uint64_t joined_root(const struct wf_rec_span *record)
{
	const struct wf_agent_record *agent = wf_wire_agent(record);

	return agent && agent->id == agent->root_id && record->root_id != agent->root_id
		       ? agent->root_id
		       : 0;
}

/* The calls below it name the agent's root: they belong to the native call's trace. */
static void join_agent_root(struct wf_traces *traces, const struct wf_rec_span *record,
			    const struct wf_trace_context *context)
{
	uint64_t root_id = joined_root(record);
	struct tree *tree;

	if (!root_id || wf_map_get_ptr(traces->trees, root_id))
		return;
	tree = tree_new(traces, root_id);
	if (tree)
		tree->context = *context;
}

void wf_traces_resolve(struct wf_traces *traces, const struct wf_rec_span *record,
		       struct wf_trace_context *ret)
{
	struct tree *tree = wf_map_get_ptr(traces->trees, record->root_id), only = {0};

	if (!tree) {
		/* A tree of one record need not be remembered. */
		tree = ends_tree(record) ? &only : tree_new(traces, record->root_id);
		if (!tree)
			tree = &only;
		decide(traces, record, tree);
	} else if (!tree->ended_tick) {
		wf_list_remove(&traces->running, &tree->age);
		wf_list_append(&traces->running, &tree->age);
	}
	refresh(traces, record, tree);
	*ret = tree->context;
	join_agent_root(traces, record, ret);
}

void wf_traces_ended(struct wf_traces *traces, const struct wf_rec_span *record, uint64_t parent_id)
{
	struct tree *tree;

	if (record->head.kind == WF_REC_TOMBSTONE)
		wf_spawns_moved(traces->spawns, record->id, parent_id, record->head.time_ns);
	else
		wf_spawns_ended(traces->spawns, record->id, record->head.time_ns);
	if (record->id != record->root_id && !joined_root(record))
		return;
	tree = wf_map_get_ptr(traces->trees, record->id);
	if (!tree || tree->ended_tick)
		return;
	tree->ended_tick = traces->tick;
	wf_list_remove(&traces->running, &tree->age);
	wf_list_append(&traces->ended, &tree->age);
}

static void note_child(struct wf_traces *traces, const struct wf_rec_process *record)
{
	struct wf_spawn spawn = {.span_id = record->span_id, .start_ns = record->span_start_ns};
	struct wf_rec_span root = {.head = record->head};
	struct wf_trace_context context;

	if (!record->span_id || !record->root_id) {
		wf_spawns_forget(traces->spawns, record->child_tid);
		return;
	}
	/* Not known is when the root began; it runs, so the moment of its inner span serves. */
	root.root_start_ns = record->span_start_ns;
	root.root_id = record->root_id;
	root.trace_hi = record->trace_hi;
	root.trace_lo = record->trace_lo;
	wf_traces_resolve(traces, &root, &context);
	spawn.trace_hi = context.trace_hi;
	spawn.trace_lo = context.trace_lo;
	spawn.random = context.random;
	spawn.link_only =
		record->event == WF_PROC_FORK &&
		record->head.time_ns - record->span_start_ns > traces->limits.fork_child_ns;
	wf_spawns_add(traces->spawns, record->child_tid, &spawn);
}

void wf_traces_process(struct wf_traces *traces, const struct wf_rec_process *record)
{
	if (record->event == WF_PROC_FORK || record->event == WF_PROC_THREAD)
		note_child(traces, record);
	else if (record->event == WF_PROC_EXIT)
		wf_spawns_forget(traces->spawns, record->head.tid);
}

void wf_traces_tick(struct wf_traces *traces, uint64_t now_ns)
{
	struct tree *oldest;

	traces->tick++;
	while ((oldest = wf_list_oldest(&traces->ended)) &&
	       oldest->ended_tick + TICKS_KEPT < traces->tick)
		drop(traces, oldest);
	wf_spawns_tick(traces->spawns, now_ns);
}
