/* SPDX-License-Identifier: Apache-2.0 */
#include "group.h"

#include <errno.h>
#include <string.h>

struct grouping {
	struct wf_arena *arena;
	struct wf_groups *ret;
	struct wf_group **of; /* by span: its group */
	struct wf_group *last;
};

static const char *span_scope(const struct wf_span *span)
{
	return span->scope ? span->scope : WF_GROUP_SCOPE;
}

static bool is_of(const struct wf_group *group, const struct wf_span *span)
{
	const char *scope = span_scope(span);

	return group->resource == span->resource &&
	       (group->scope == scope || strcmp(group->scope, scope) == 0);
}

/* The scope list of the span's resource; a new, empty one where there is none. */
static struct wf_group **resource_find(struct wf_groups *groups, const struct wf_span *span)
{
	uint32_t i;

	for (i = groups->resource_count; i-- > 0;)
		if (groups->resources[i]->resource == span->resource)
			return &groups->resources[i];
	return &groups->resources[groups->resource_count++];
}

static struct wf_group *group_find(struct grouping *grouping, const struct wf_span *span)
{
	struct wf_group **at, *group;

	/* Spans come in runs of one process and one profile. */
	if (grouping->last && is_of(grouping->last, span))
		return grouping->last;
	for (at = resource_find(grouping->ret, span); *at; at = &(*at)->next_scope)
		if (is_of(*at, span))
			return grouping->last = *at;
	group = wf_arena_alloc(grouping->arena, sizeof(*group));
	if (!group)
		return NULL;
	group->resource = span->resource;
	group->scope = span_scope(span);
	*at = group;
	return grouping->last = group;
}

/* First count, then fill: each group gets an array of its own size. */
static int groups_fill(struct grouping *grouping, const struct wf_batch *batch, uint32_t from,
		       uint32_t to)
{
	struct wf_group *group;
	uint32_t i;

	for (i = 0; i < grouping->ret->resource_count; i++) {
		for (group = grouping->ret->resources[i]; group; group = group->next_scope) {
			group->spans = wf_arena_alloc_raw(grouping->arena,
							  group->count * sizeof(*group->spans));
			if (!group->spans)
				return -ENOMEM;
			group->count = 0;
		}
	}
	for (i = from; i < to; i++) {
		group = grouping->of[i - from];
		if (group)
			group->spans[group->count++] = &batch->spans[i];
	}
	return 0;
}

int wf_group_spans(struct wf_arena *arena, const struct wf_batch *batch, uint32_t from, uint32_t to,
		   enum wf_signal signal, struct wf_groups *ret)
{
	struct grouping grouping = {.arena = arena, .ret = ret};
	uint32_t i;

	memset(ret, 0, sizeof(*ret));
	if (from >= to)
		return 0;
	grouping.of = wf_arena_alloc(arena, (to - from) * sizeof(*grouping.of));
	/* Zeroed: an entry past the count is the empty list of the next new resource. */
	ret->resources = wf_arena_alloc(arena, (to - from) * sizeof(*ret->resources));
	if (!grouping.of || !ret->resources)
		return -ENOMEM;
	for (i = from; i < to; i++) {
		if (!wf_span_is(&batch->spans[i], signal))
			continue;
		grouping.of[i - from] = group_find(&grouping, &batch->spans[i]);
		if (!grouping.of[i - from])
			return -ENOMEM;
		grouping.of[i - from]->count++;
		ret->spans++;
	}
	return groups_fill(&grouping, batch, from, to);
}

uint32_t wf_group_count(const struct wf_batch *batch, uint32_t from, uint32_t to,
			enum wf_signal signal)
{
	uint32_t count = 0, i;

	for (i = from; i < to; i++)
		count += wf_span_is(&batch->spans[i], signal);
	return count;
}
