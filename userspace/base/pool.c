/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

#include <stdint.h>

#define BIN_FIRST_BYTES 64
#define BINS            12 /* 64 B ... 128 KiB */
#define SLAB_BYTES      (128 * 1024)

struct slab {
	struct slab *next;
	uint64_t pad;
	unsigned char data[SLAB_BYTES];
};

/* In front of each block; `next` overlays the block itself while it is free. */
struct block {
	uint64_t bin;
	struct block *next;
};

struct wf_pool {
	struct slab *slabs;
	size_t used; /* of the first slab */
	size_t bytes, max;
	struct block *free[BINS];
};

struct wf_pool *wf_pool_new(size_t max_bytes)
{
	struct wf_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->used = SLAB_BYTES;
	pool->max = max_bytes;
	return pool;
}

void wf_pool_free(struct wf_pool *pool)
{
	if (!pool)
		return;
	while (pool->slabs) {
		struct slab *next = pool->slabs->next;

		free(pool->slabs);
		pool->slabs = next;
	}
	free(pool);
}

static size_t bin_bytes(unsigned bin)
{
	return (size_t)BIN_FIRST_BYTES << bin;
}

/* What a full slab has left becomes free blocks of the sizes that fit. */
static void spend_rest(struct wf_pool *pool)
{
	for (unsigned bin = BINS; bin-- > 0;) {
		while (SLAB_BYTES - pool->used >= bin_bytes(bin)) {
			struct block *block = (struct block *)(pool->slabs->data + pool->used);

			block->bin = bin;
			block->next = pool->free[bin];
			pool->free[bin] = block;
			pool->used += bin_bytes(bin);
		}
	}
}

static struct block *cut(struct wf_pool *pool, unsigned bin)
{
	struct block *block;

	if (SLAB_BYTES - pool->used < bin_bytes(bin)) {
		struct slab *slab;

		if (pool->max - pool->bytes < sizeof(*slab))
			return NULL;
		slab = malloc(sizeof(*slab));
		if (!slab)
			return NULL;
		spend_rest(pool);
		slab->next = pool->slabs;
		pool->slabs = slab;
		pool->bytes += sizeof(*slab);
		pool->used = 0;
	}
	block = (struct block *)(pool->slabs->data + pool->used);
	pool->used += bin_bytes(bin);
	block->bin = bin;
	return block;
}

void *wf_pool_take(struct wf_pool *pool, size_t bytes)
{
	unsigned bin = 0;
	struct block *block;

	if (bytes > WF_POOL_BLOCK_MAX)
		return NULL;
	while (bin_bytes(bin) < bytes + sizeof(block->bin))
		bin++;
	block = pool->free[bin];
	if (block)
		pool->free[bin] = block->next;
	else
		block = cut(pool, bin);
	return block ? &block->next : NULL;
}

void wf_pool_give(struct wf_pool *pool, void *taken)
{
	struct block *block;

	if (!taken)
		return;
	block = (struct block *)((unsigned char *)taken - offsetof(struct block, next));
	block->next = pool->free[block->bin];
	pool->free[block->bin] = block;
}
