/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start.h - spans of Python agents that have begun and not ended: their START records, kept until
 * their own record comes. Data thread only. At the maximum the oldest is forgotten.
 */
#ifndef WF_START_H
#define WF_START_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"
#include "userspace/base/cleanup.h"

struct wf_starts;

/* The record is valid during the call. */
typedef void (*wf_start_deliver)(void *context, const struct wf_rec_span *record);

/* NULL when memory is out. */
struct wf_starts *wf_starts_new(size_t max, size_t max_bytes);
void wf_starts_free(struct wf_starts *starts);

/* Copy a checked OPEN record of an agent. */
void wf_starts_add(struct wf_starts *starts, const struct wf_rec_span *record);
/* The span has ended. */
void wf_starts_end(struct wf_starts *starts, uint64_t span_id);
/* Those that came before this moment and were not announced yet, once each. */
void wf_starts_announce(struct wf_starts *starts, uint64_t before_ns, wf_start_deliver deliver,
			void *context);
/*
 * Nobody will end them any more: take out those of one process that has ended (SPAN records), or
 * where tgid is 0 all of them (UNFINISHED), and deliver them as records that end now.
 */
void wf_starts_take(struct wf_starts *starts, uint32_t tgid, uint64_t now_ns,
		    wf_start_deliver deliver, void *context);

WF_DEFINE_FREEP(wf_starts_freep, struct wf_starts, wf_starts_free)

#endif
