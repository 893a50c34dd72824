/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order.h - the reorder buffer: from rings that are drained in rounds to one stream in time order.
 *
 * The rings of all processors are drained one after another; the records of one task may lie in
 * several. A record whose time lies before the begin of the previous round has been drained by
 * the end of this one, so that moment is the watermark: round_end delivers all up to it, then a
 * TICK with it. A record that still comes later (its writer was preempted between reading the
 * clock and submitting) is delivered at once, and counted `late`.
 *
 * Equal times: what a span needs goes before it (PROCESS, EXCEPTION, EVENT, OPEN), inner calls go
 * before outer ones, and a task's exit goes last. Otherwise the order of adding stays.
 *
 * Data thread only. At the maximum the older half is delivered early (`forced`); nothing is lost.
 */
#ifndef WF_ORDER_H
#define WF_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"
#include "userspace/base/cleanup.h"
#include "userspace/base/err.h"

struct wf_order;

/* Borrow the record for the time of the call. */
typedef void (*wf_order_deliver)(void *ctx, const struct wf_rec_head *record);

struct wf_order_counters {
	uint64_t records; /* added */
	uint64_t late;
	uint64_t forced; /* delivered before their time because the buffer was full */
	uint64_t lost;   /* span records, for want of memory; the ledger's lost_before */
	uint64_t lost_other;
};

/* max_bytes counts records and their index; at least 1 MiB is used. */
int wf_order_new(size_t max_bytes, wf_order_deliver deliver, void *ctx, struct wf_order **ret,
		 struct wf_err *err);
void wf_order_free(struct wf_order *order);

/* now_ns: CLOCK_MONOTONIC, read before the first ring of the round is looked at. */
void wf_order_round_begin(struct wf_order *order, uint64_t now_ns);
/* Copy one record; its size was checked against the ring. */
void wf_order_add(struct wf_order *order, const struct wf_rec_head *record);
void wf_order_round_end(struct wf_order *order);
/* Deliver everything, then a TICK with now_ns. */
void wf_order_flush(struct wf_order *order, uint64_t now_ns);

const struct wf_order_counters *wf_order_counters(const struct wf_order *order);

WF_DEFINE_FREEP(wf_order_freep, struct wf_order, wf_order_free)

#endif
