/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remap.h - a recorded stream as another set of rules would have recorded it, as far as it can be
 * told: DEFINE records and captured slots are rewritten, calls that no wanted rule means are left
 * out, and what they called goes to their callers, or begins a tree of its own.
 *
 * Two passes over the same stream: wf_remap_learn for each record, wf_remap_begin, then
 * wf_remap_record for each. What comes out is for wf_assembler_record with the wanted rules. Pure
 * (no clock, no I/O), one thread.
 */
#ifndef WF_REMAP_H
#define WF_REMAP_H

#include "userspace/base/buf.h"
#include "userspace/base/cleanup.h"
#include "userspace/base/err.h"
#include "userspace/rule/ruleset.h"

struct wf_remap;

struct wf_remap_counters {
	uint64_t spans;  /* SPAN, UNFINISHED and TOMBSTONE records that were left out */
	uint64_t events; /* EVENT records that were left out */
};

struct wf_remap_limits {
	size_t definitions_max; /* 100000 */
	size_t calls_max;       /* 8 million calls that called something */
};

/* Both rule sets are borrowed. limits NULL = the defaults above. */
int wf_remap_new(const struct wf_ruleset *recorded, const struct wf_ruleset *wanted,
		 const struct wf_remap_limits *limits, struct wf_remap **ret, struct wf_err *err);
void wf_remap_free(struct wf_remap *remap);

/* First pass. The record was checked (wire.h). -ENOMEM. */
int wf_remap_learn(struct wf_remap *remap, const struct wf_rec_head *record);
/* Between the passes. */
void wf_remap_begin(struct wf_remap *remap);
/* What stands for this record: itself, a rewritten one that lives until the next call, or NULL. */
const struct wf_rec_head *wf_remap_record(struct wf_remap *remap, const struct wf_rec_head *record);

/* After the first pass: what the wanted rules miss in this recording, a line each. */
void wf_remap_say(const struct wf_remap *remap, struct wf_buf *out);
/* After the first pass: wanted rules that a recorded function fits. */
uint32_t wf_remap_matched(const struct wf_remap *remap);
const struct wf_remap_counters *wf_remap_counters(const struct wf_remap *remap);

WF_DEFINE_FREEP(wf_remap_freep, struct wf_remap, wf_remap_free)

#endif
