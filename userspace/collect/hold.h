/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold.h - span records that wait until it is known whether their parent is recorded.
 *
 * A call below its rule's min_duration leaves a tombstone, and its inner calls go to its parent.
 * A held record leaves once its parent's fate is known, oldest first; at the limits it leaves
 * early. Data thread only.
 */
#ifndef WF_HOLD_H
#define WF_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exception.h"
#include "trace.h"
#include "userspace/base/cleanup.h"
#include "userspace/base/list.h"

struct wf_held {
	struct wf_node age;
	struct wf_held *next; /* waits for the same parent */
	struct wf_held *last; /* of the first only */
	struct wf_trace_context context;
	uint64_t parent_id;
	struct wf_exception *exception; /* a reference, or NULL */
	struct wf_rec_span record;      /* captured values follow */
};

/* Borrow the record; `exception` passes to the callee. */
typedef void (*wf_hold_release)(void *ctx, struct wf_held *held);

struct wf_holds;

/* NULL when memory is out. */
struct wf_holds *wf_holds_new(size_t max, size_t max_bytes, wf_hold_release release, void *ctx);
/* What is still held is forgotten without release. */
void wf_holds_free(struct wf_holds *holds);

/*
 * Copy a checked record (the exception reference passes). Returns how many others had to leave
 * early, or -ENOSPC (then nothing passed: let it go at once).
 */
int wf_holds_add(struct wf_holds *holds, const struct wf_rec_span *record,
		 const struct wf_trace_context *context, uint64_t parent_id,
		 struct wf_exception *exception);
/* This span is recorded, for sure: what waits for it leaves. */
void wf_holds_settle(struct wf_holds *holds, uint64_t id);
/* The same while it still runs: what comes later need not wait either, until forget. */
void wf_holds_settle_open(struct wf_holds *holds, uint64_t id);
bool wf_holds_is_settled(const struct wf_holds *holds, uint64_t id);
/* It ended: forget that it was settled. */
void wf_holds_forget(struct wf_holds *holds, uint64_t id);
/* This span is not recorded: what waits for it goes to parent_id, and waits for that where it may
 * be missing too. Returns how many. */
size_t wf_holds_move(struct wf_holds *holds, uint64_t id, uint64_t parent_id, bool wait);
/* Release what ended up to this moment. Returns how many. */
size_t wf_holds_expire(struct wf_holds *holds, uint64_t until_ns);
size_t wf_holds_count(const struct wf_holds *holds);

WF_DEFINE_FREEP(wf_holds_freep, struct wf_holds, wf_holds_free)

#endif
