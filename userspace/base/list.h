/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list.h - a doubly linked list through its members: oldest first. The node is the first member
 * of what is listed, so a pointer to one is a pointer to the other. A removed or zeroed node may
 * be removed again.
 */
#ifndef WF_LIST_H
#define WF_LIST_H

#include <stddef.h>

struct wf_node {
	struct wf_node *previous, *next;
};

struct wf_list {
	struct wf_node ends; /* next = oldest, previous = newest */
	size_t count;
};

static inline void wf_list_init(struct wf_list *list)
{
	list->ends.previous = list->ends.next = &list->ends;
	list->count = 0;
}

static inline void wf_list_append(struct wf_list *list, struct wf_node *node)
{
	node->previous = list->ends.previous;
	node->next = &list->ends;
	list->ends.previous->next = node;
	list->ends.previous = node;
	list->count++;
}

static inline void wf_list_remove(struct wf_list *list, struct wf_node *node)
{
	if (!node->next)
		return;
	node->previous->next = node->next;
	node->next->previous = node->previous;
	node->previous = node->next = NULL;
	list->count--;
}

/* NULL where it is empty. */
static inline void *wf_list_oldest(const struct wf_list *list)
{
	return list->count ? list->ends.next : NULL;
}

#endif
