/* SPDX-License-Identifier: Apache-2.0 */
#include "arena.h"

#include <stdint.h>
#include <string.h>

#define CHUNK_BYTES_MIN 4096
#define CHUNK_BYTES_MAX (1024 * 1024)

struct chunk {
	struct chunk *next;
	size_t size, used;
	_Alignas(16) unsigned char data[];
};

struct wf_arena {
	struct chunk *first;
	struct chunk *current; /* chunks behind it are empty; NULL: all are */
	size_t capacity, max;  /* payload of all chunks, and its limit */
};

struct wf_arena *wf_arena_new(size_t max_bytes)
{
	struct wf_arena *arena = calloc(1, sizeof(*arena));

	if (arena)
		arena->max = max_bytes;
	return arena;
}

static void free_chunks(struct wf_arena *arena, struct chunk *chunk)
{
	while (chunk) {
		struct chunk *next = chunk->next;

		arena->capacity -= chunk->size;
		free(chunk);
		chunk = next;
	}
}

void wf_arena_free(struct wf_arena *arena)
{
	if (!arena)
		return;
	free_chunks(arena, arena->first);
	free(arena);
}

void wf_arena_reset(struct wf_arena *arena)
{
	for (struct chunk *chunk = arena->first; chunk; chunk = chunk->next)
		chunk->used = 0;
	arena->current = NULL;
}

size_t wf_arena_used(const struct wf_arena *arena)
{
	size_t used = 0;

	for (const struct chunk *chunk = arena->first; chunk; chunk = chunk->next)
		used += chunk->used;
	return used;
}

/* The list of chunks behind the current one, all empty. */
static struct chunk **unused_chunks(struct wf_arena *arena)
{
	return arena->current ? &arena->current->next : &arena->first;
}

static struct chunk *chunk_new(struct wf_arena *arena, size_t bytes)
{
	struct chunk **unused = unused_chunks(arena);
	size_t size = arena->capacity;
	struct chunk *chunk;

	/* Empty chunks that are too small for this request give their share back. */
	if (bytes > arena->max - arena->capacity) {
		free_chunks(arena, *unused);
		*unused = NULL;
	}
	if (bytes > arena->max - arena->capacity)
		return NULL;
	if (size < CHUNK_BYTES_MIN)
		size = CHUNK_BYTES_MIN;
	if (size > CHUNK_BYTES_MAX)
		size = CHUNK_BYTES_MAX;
	if (size < bytes)
		size = bytes;
	if (size > arena->max - arena->capacity)
		size = arena->max - arena->capacity;
	chunk = malloc(sizeof(*chunk) + size);
	if (!chunk)
		return NULL;
	chunk->size = size;
	chunk->used = 0;
	chunk->next = *unused;
	*unused = chunk;
	arena->capacity += size;
	return chunk;
}

void *wf_arena_alloc_raw(struct wf_arena *arena, size_t bytes)
{
	struct chunk *chunk = arena->current ? arena->current : arena->first;
	void *ret;

	if (bytes > arena->max)
		return NULL;
	bytes = bytes ? (bytes + 7) & ~(size_t)7 : 8;
	while (chunk && chunk->size - chunk->used < bytes)
		chunk = chunk->next;
	if (!chunk)
		chunk = chunk_new(arena, bytes);
	if (!chunk)
		return NULL;
	arena->current = chunk;
	ret = chunk->data + chunk->used;
	chunk->used += bytes;
	return ret;
}

void *wf_arena_alloc(struct wf_arena *arena, size_t bytes)
{
	void *ret = wf_arena_alloc_raw(arena, bytes);

	return ret ? memset(ret, 0, bytes) : NULL;
}

void *wf_arena_copy(struct wf_arena *arena, const void *bytes, size_t len)
{
	void *ret = wf_arena_alloc_raw(arena, len);

	return ret && len ? memcpy(ret, bytes, len) : ret;
}

char *wf_arena_strndup(struct wf_arena *arena, const char *text, size_t len)
{
	char *ret = len < SIZE_MAX ? wf_arena_alloc_raw(arena, len + 1) : NULL;

	if (!ret)
		return NULL;
	if (len)
		memcpy(ret, text, len);
	ret[len] = '\0';
	return ret;
}

char *wf_arena_strdup(struct wf_arena *arena, const char *text)
{
	return wf_arena_strndup(arena, text, strlen(text));
}

char *wf_arena_printf(struct wf_arena *arena, const char *fmt, ...)
{
	va_list args;
	char *ret;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		return NULL;
	ret = wf_arena_alloc_raw(arena, (size_t)len + 1);
	if (!ret)
		return NULL;
	va_start(args, fmt);
	vsnprintf(ret, (size_t)len + 1, fmt, args);
	va_end(args);
	return ret;
}
