/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event.h - EVENT records that wait for the span they belong to. Data thread only.
 *
 * At the maximum the oldest leaves; its span never came, or runs for very long.
 */
#ifndef WF_EVENT_H
#define WF_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"
#include "userspace/base/cleanup.h"
#include "userspace/base/list.h"

/* The limit of OpenTelemetry SDKs. */
#define WF_EVENTS_PER_SPAN 128

/* In the order of their coming. */
struct wf_waiting_event {
	struct wf_node age;
	struct wf_waiting_event *next;
	struct wf_waiting_event *last; /* of the first only */
	uint32_t count, dropped;       /* of the first only */
	struct wf_rec_span record;     /* captured values follow */
};

struct wf_events;

/* NULL when memory is out. */
struct wf_events *wf_events_new(size_t max, size_t max_bytes);
void wf_events_free(struct wf_events *events);

/* Copy a checked record. Returns how many older events had to leave, or -ENOSPC. Events beyond
 * WF_EVENTS_PER_SPAN are counted in `dropped` of their span's first: -E2BIG. */
int wf_events_add(struct wf_events *events, const struct wf_rec_span *record);
/* The first event of this span, NULL = none. Valid until the next add or drop. */
const struct wf_waiting_event *wf_events_find(const struct wf_events *events, uint64_t span_id);
/* Forget the events of this span. Returns how many. */
uint32_t wf_events_drop(struct wf_events *events, uint64_t span_id);
/* Forget all. Returns how many. */
size_t wf_events_clear(struct wf_events *events);

WF_DEFINE_FREEP(wf_events_freep, struct wf_events, wf_events_free)

#endif
