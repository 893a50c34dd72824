/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lineage.h - who called whom, where some calls are left out: the nearest that stays, and the
 * outermost, whose tree a call then belongs to.
 *
 * Inner calls end before outer ones, so only calls that an earlier record named as its parent are
 * kept: what calls nothing costs no memory. Pure, one thread.
 */
#ifndef WF_LINEAGE_H
#define WF_LINEAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/base/cleanup.h"

struct wf_lineage;

/* One call. parent_id 0 = the outermost of its task. */
struct wf_line {
	uint64_t id, parent_id;
	uint64_t start_ns;
	uint32_t rule; /* any number, for wf_lineage_nearest */
	bool stays;
};

/* What is left above a call. */
struct wf_descent {
	uint64_t id, start_ns;           /* the nearest that stays, 0 = none */
	uint64_t root_id, root_start_ns; /* the outermost that stays, 0 = none */
	uint32_t left_out;               /* between the call and `id` */
	bool unknown; /* not all of them are known: the root is as it was recorded */
};

/* NULL when memory is out. */
struct wf_lineage *wf_lineage_new(size_t calls_max);
void wf_lineage_free(struct wf_lineage *lineage);

/* A record refers to this call: keep it, when it comes. 0 is nobody. */
void wf_lineage_expect(struct wf_lineage *lineage, uint64_t id);
/* Its own record; the last one counts. Its parent is expected from now on. */
void wf_lineage_learn(struct wf_lineage *lineage, const struct wf_line *line);
/* Calls that did not fit: above them lineages are unknown. */
uint64_t wf_lineage_lost(const struct wf_lineage *lineage);

/* From this call upwards, itself included. id 0: nobody. */
void wf_lineage_trace(const struct wf_lineage *lineage, uint64_t id, struct wf_descent *ret);
/* The nearest of this rule that stays, itself included; 0 = none. */
uint64_t wf_lineage_nearest(const struct wf_lineage *lineage, uint64_t id, uint32_t rule);

WF_DEFINE_FREEP(wf_lineage_freep, struct wf_lineage, wf_lineage_free)

#endif
