/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "userspace/base/map.h"

/* Parents that are waited for. Past it the one that waited longest is given up. */
#define PARENTS_MAX 65536
#define NODES_MAX   1000000

/* A batch that is kept because nodes point into it. */
struct wf_pin {
	struct wf_batch *batch;
	uint32_t nodes;
	size_t bytes;
};

/* The children of a parent that has not come. */
struct kin {
	TAILQ_ENTRY(kin) entry;
	uint64_t parent;
	struct wf_node *first, *last;
	uint32_t spans;  /* that wait, with all below them */
	uint32_t before; /* that were released early */
	uint64_t since_ns;
	uint64_t time_ns; /* of the direct children */
};

TAILQ_HEAD(kin_list, kin);

struct wf_forest {
	struct wf_forest_limits limits;
	const struct wf_forest_ops *ops;
	void *owner;
	struct wf_map *kins;     /* parent id -> struct kin */
	struct kin_list waiting; /* with nodes, the oldest first */
	struct kin_list spent;   /* all released early; kept for their sums */
	size_t pinned_bytes;
	size_t nodes;
};

struct wf_forest *wf_forest_new(const struct wf_forest_limits *limits,
				const struct wf_forest_ops *ops, void *owner)
{
	wf_auto(wf_forest_freep) struct wf_forest *forest = calloc(1, sizeof(*forest));

	if (!forest)
		return NULL;
	TAILQ_INIT(&forest->waiting);
	TAILQ_INIT(&forest->spent);
	forest->limits = *limits;
	forest->ops = ops;
	forest->owner = owner;
	forest->kins = wf_map_new(PARENTS_MAX);
	return forest->kins ? wf_take(forest) : NULL;
}

static void unpin(struct wf_forest *forest, struct wf_pin *pin)
{
	if (--pin->nodes)
		return;
	forest->pinned_bytes -= pin->bytes;
	wf_batch_unref(pin->batch);
	free(pin);
}

/* Not recursive: the children of each node are put in front of what is left to do. */
void wf_forest_release(struct wf_forest *forest, struct wf_node *root)
{
	struct wf_node *todo = root, *node;

	root->next = NULL;
	while (todo) {
		node = todo;
		todo = node->next;
		if (node->first) {
			node->last->next = todo;
			todo = node->first;
		}
		unpin(forest, node->pin);
		forest->nodes--;
		free(node);
	}
}

static void kin_forget(struct wf_forest *forest, struct kin *kin)
{
	TAILQ_REMOVE(kin->first ? &forest->waiting : &forest->spent, kin, entry);
	wf_map_del(forest->kins, kin->parent, NULL);
	free(kin);
}

/* Hand out all trees of a list of children; the sums stay until the parent comes. */
static void kin_release(struct wf_forest *forest, struct kin *kin)
{
	struct wf_node *node, *next;

	TAILQ_REMOVE(&forest->waiting, kin, entry);
	TAILQ_INSERT_TAIL(&forest->spent, kin, entry);
	node = kin->first;
	kin->first = kin->last = NULL;
	kin->before += kin->spans;
	kin->spans = 0;
	for (; node; node = next) {
		next = node->next;
		node->next = NULL;
		forest->ops->on_tree(forest->owner, node, true);
	}
}

void wf_forest_finish(struct wf_forest *forest)
{
	while (!TAILQ_EMPTY(&forest->waiting))
		kin_release(forest, TAILQ_FIRST(&forest->waiting));
}

void wf_forest_free(struct wf_forest *forest)
{
	struct kin *kin;

	if (!forest)
		return;
	while ((kin = TAILQ_FIRST(&forest->waiting))) {
		struct wf_node *node, *next;

		for (node = kin->first; node; node = next) {
			next = node->next;
			wf_forest_release(forest, node);
		}
		kin_forget(forest, kin);
	}
	while ((kin = TAILQ_FIRST(&forest->spent)))
		kin_forget(forest, kin);
	wf_map_free(forest->kins);
	free(forest);
}

static uint64_t id_of(const uint8_t *bytes)
{
	uint64_t id;

	memcpy(&id, bytes, sizeof(id));
	return id;
}

static struct kin *kin_new(struct wf_forest *forest, uint64_t parent, uint64_t now_ns)
{
	struct kin *kin, *old;

	if (wf_map_count(forest->kins) >= PARENTS_MAX - 1) {
		old = TAILQ_FIRST(&forest->spent);
		if (!old) {
			old = TAILQ_FIRST(&forest->waiting);
			kin_release(forest, old);
		}
		kin_forget(forest, old);
	}
	kin = calloc(1, sizeof(*kin));
	if (!kin)
		return NULL;
	kin->parent = parent;
	kin->since_ns = now_ns;
	if (wf_map_put_ptr(forest->kins, parent, kin) < 0) {
		free(kin);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&forest->spent, kin, entry);
	return kin;
}

/* The node waits for its parent. */
static void node_wait(struct wf_forest *forest, struct wf_node *node, uint64_t now_ns)
{
	uint64_t parent = id_of(node->span->parent_id);
	struct kin *kin = wf_map_get_ptr(forest->kins, parent);

	if (!kin)
		kin = kin_new(forest, parent, now_ns);
	if (!kin) {
		forest->ops->on_tree(forest->owner, node, true);
		return;
	}
	if (!kin->first) {
		TAILQ_REMOVE(&forest->spent, kin, entry);
		TAILQ_INSERT_TAIL(&forest->waiting, kin, entry);
		kin->since_ns = now_ns;
		kin->first = node;
	} else {
		kin->last->next = node;
	}
	kin->last = node;
	kin->spans += node->spans;
	kin->before += node->before;
	kin->time_ns += node->span->end_ns - node->span->start_ns;
	if (kin->spans > forest->limits.tree_spans)
		kin_release(forest, kin);
}

/* The children that waited for this span become its own. */
static void children_take(struct wf_forest *forest, struct wf_node *node)
{
	struct kin *kin = wf_map_get_ptr(forest->kins, id_of(node->span->span_id));

	if (!kin)
		return;
	node->first = kin->first;
	node->last = kin->last;
	node->spans += kin->spans;
	node->before = kin->before;
	node->children_ns = kin->time_ns;
	kin_forget(forest, kin);
}

static void span_add(struct wf_forest *forest, struct wf_pin *pin, const struct wf_span *span,
		     uint64_t now_ns)
{
	static const uint8_t none[8];
	uint32_t spans = wf_span_is(span, WF_SIGNAL_SPANS);
	struct wf_node alone = {.span = span, .spans = spans}, *node = NULL;

	if (forest->nodes < NODES_MAX)
		node = calloc(1, sizeof(*node));
	if (!node) {
		forest->ops->on_span(forest->owner, &alone);
		return;
	}
	node->span = span;
	node->spans = spans;
	node->pin = pin;
	pin->nodes++;
	forest->nodes++;
	if (spans)
		children_take(forest, node);
	forest->ops->on_span(forest->owner, node);
	if (span->local_root || memcmp(span->parent_id, none, sizeof(none)) == 0)
		forest->ops->on_tree(forest->owner, node, false);
	else
		node_wait(forest, node, now_ns);
}

void wf_forest_add(struct wf_forest *forest, struct wf_batch *batch, uint64_t now_ns)
{
	struct wf_pin *pin = calloc(1, sizeof(*pin));
	uint32_t i;

	if (!pin)
		return;
	pin->batch = batch;
	pin->nodes = 1; /* held until the loop is over */
	pin->bytes = wf_arena_used(batch->arena) + batch->capacity * sizeof(*batch->spans);
	forest->pinned_bytes += pin->bytes;
	wf_batch_ref(batch);
	for (i = 0; i < batch->count; i++)
		if (batch->spans[i].state != WF_SPAN_OPEN)
			span_add(forest, pin, &batch->spans[i], now_ns);
	unpin(forest, pin);
	while (forest->pinned_bytes > forest->limits.bytes && !TAILQ_EMPTY(&forest->waiting))
		kin_release(forest, TAILQ_FIRST(&forest->waiting));
}

uint64_t wf_forest_expire(struct wf_forest *forest, uint64_t now_ns)
{
	struct kin *kin;

	while ((kin = TAILQ_FIRST(&forest->waiting))) {
		if (now_ns - kin->since_ns < forest->limits.hold_ns)
			return kin->since_ns + forest->limits.hold_ns;
		kin_release(forest, kin);
	}
	return UINT64_MAX;
}
