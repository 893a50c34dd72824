/* SPDX-License-Identifier: Apache-2.0 */
#include "span.h"

#include <string.h>

struct wf_resource *wf_resource_new(size_t max_bytes)
{
	struct wf_arena *arena = wf_arena_new(max_bytes);
	struct wf_resource *resource = arena ? wf_arena_alloc(arena, sizeof(*resource)) : NULL;

	if (!resource) {
		wf_arena_free(arena);
		return NULL;
	}
	atomic_init(&resource->refs, 1);
	resource->arena = arena;
	return resource;
}

void wf_resource_ref(struct wf_resource *resource)
{
	if (resource)
		atomic_fetch_add_explicit(&resource->refs, 1, memory_order_relaxed);
}

void wf_resource_unref(struct wf_resource *resource)
{
	/* Release what we wrote, and acquire what the others did before freeing. */
	if (resource && atomic_fetch_sub_explicit(&resource->refs, 1, memory_order_acq_rel) == 1)
		wf_arena_free(resource->arena);
}

struct wf_batch *wf_batch_new(uint32_t capacity, size_t max_bytes)
{
	struct wf_batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return NULL;
	atomic_init(&batch->refs, 1);
	batch->capacity = capacity;
	batch->arena = wf_arena_new(max_bytes);
	batch->spans = calloc(capacity ? capacity : 1, sizeof(*batch->spans));
	if (batch->arena && batch->spans)
		return batch;
	wf_batch_unref(batch);
	return NULL;
}

void wf_batch_ref(struct wf_batch *batch)
{
	atomic_fetch_add_explicit(&batch->refs, 1, memory_order_relaxed);
}

void wf_batch_unref(struct wf_batch *batch)
{
	if (!batch || atomic_fetch_sub_explicit(&batch->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (uint32_t i = 0; i < batch->count; i++)
		wf_resource_unref(batch->spans[i].resource);
	wf_arena_free(batch->arena);
	free(batch->spans);
	free(batch);
}

struct wf_span *wf_batch_add(struct wf_batch *batch)
{
	struct wf_span *span;

	if (batch->count == batch->capacity)
		return NULL;
	span = &batch->spans[batch->count++];
	memset(span, 0, sizeof(*span));
	return span;
}
