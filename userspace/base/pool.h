/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.h - blocks that come and go, out of memory that stays.
 *
 * Blocks of power-of-two sizes with a free list each, cut from slabs that are kept until the pool
 * is freed: once warm it allocates nothing. One thread at a time. At the maximum (bytes of all
 * slabs) take returns NULL, which the caller counts.
 */
#ifndef WF_POOL_H
#define WF_POOL_H

#include <stddef.h>

#include "cleanup.h"

/* The longest block. */
#define WF_POOL_BLOCK_MAX 131064

struct wf_pool;

/* NULL when memory is out. */
struct wf_pool *wf_pool_new(size_t max_bytes);
/* All blocks go with it. */
void wf_pool_free(struct wf_pool *pool);

/* 8-byte aligned, not zeroed. NULL at the maximum, over WF_POOL_BLOCK_MAX, or without memory. */
void *wf_pool_take(struct wf_pool *pool, size_t bytes);
/* NULL is fine. */
void wf_pool_give(struct wf_pool *pool, void *block);

WF_DEFINE_FREEP(wf_pool_freep, struct wf_pool, wf_pool_free)

#endif
