/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.h - spans put together to the trees a person reads. Pure; time is an argument.
 *
 * Children come before their parents; they wait here, by parent id, until the outermost call of
 * their task (local_root) has come. Batches stay referenced while one of their spans waits. A
 * limit met releases what has waited longest, as trees marked early.
 */
#ifndef WF_TREE_H
#define WF_TREE_H

#include "userspace/base/cleanup.h"
#include "userspace/span/span.h"

struct wf_forest;
struct wf_pin;

struct wf_node {
	const struct wf_span *span;
	struct wf_node *first, *last, *next; /* children, in order of their ends; next sibling */
	struct wf_pin *pin;                  /* private */
	uint32_t spans;                      /* of this tree, itself included; logs do not count */
	uint32_t before;                     /* spans below it that were released early */
	uint64_t children_ns;                /* time in direct children */
};

struct wf_forest_limits {
	uint32_t tree_spans; /* a tree that waits with more is released early */
	size_t bytes;        /* of pinned batches */
	uint64_t hold_ns;    /* the longest that a span waits for its parent */
};

struct wf_forest_ops {
	/* Each span as it comes, with its children below it (but for the early). */
	void (*on_span)(void *owner, const struct wf_node *node);
	/* A tree is whole, or early; the owner gives it back by wf_forest_release(). */
	void (*on_tree)(void *owner, struct wf_node *root, bool early);
};

/* NULL when memory is out. */
struct wf_forest *wf_forest_new(const struct wf_forest_limits *limits,
				const struct wf_forest_ops *ops, void *owner);
/* Trees that were not given back go too. */
void wf_forest_free(struct wf_forest *forest);

/* Take the finished and unfinished spans of a batch, and the logs, which are leaves. A span without
 * memory is seen by on_span only.
 */
void wf_forest_add(struct wf_forest *forest, struct wf_batch *batch, uint64_t now_ns);
/* Release early what waited too long. Returns when to be called again; UINT64_MAX = nothing waits.
 */
uint64_t wf_forest_expire(struct wf_forest *forest, uint64_t now_ns);
/* Release everything that waits. */
void wf_forest_finish(struct wf_forest *forest);
void wf_forest_release(struct wf_forest *forest, struct wf_node *root);

WF_DEFINE_FREEP(wf_forest_freep, struct wf_forest, wf_forest_free)

#endif
