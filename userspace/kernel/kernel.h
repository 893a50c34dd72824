/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel.h - the loaded programs and maps: load, arm, the set of processes, counters, sweeps.
 *
 * Owns every map and program fd. Control thread only, but for the ring fds, which ring.c reads on
 * the data thread. Everything the kernel holds goes away when the object is freed or the process
 * dies, kill -9 included.
 */
#ifndef WF_KERNEL_H
#define WF_KERNEL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/record.h"
#include "userspace/base/cleanup.h"
#include "userspace/base/err.h"

enum wf_tier {
	WF_TIER_NONE,    /* cannot trace */
	WF_TIER_REDUCED, /* perf uprobes, at most WF_REDUCED_SITES_MAX sites */
	WF_TIER_FULL,    /* uprobe_multi with a pid filter that covers all threads */
};

#define WF_REDUCED_SITES_MAX 64

struct wf_kernel;

struct wf_kernel_config {
	enum wf_tier tier;
	uint32_t
		ring_bytes; /* of one CPU's ring; 0 = 32 MiB over all CPUs, 128 KiB each at least */
	uint32_t spec_max;  /* room for specs; likewise captures, guards, tail sets */
	uint32_t capture_max, guard_max, tail_set_max;
	uint64_t open_age_ns; /* announce calls older than this */
	uint32_t depth_max;
	bool follow; /* children of traced processes are traced too */
};

struct wf_kernel_totals {
	uint64_t counters[WF_COUNTERS];
	uint64_t open_now;
	uint64_t agent[WF_REC_AGENT_COUNTERS]; /* of processes that have ended */
};

/* -EPERM, -ENOSYS with what is missing and the cure; -ENOMEM. */
int wf_kernel_new(const struct wf_kernel_config *config, struct wf_kernel **ret,
		  struct wf_err *err);
void wf_kernel_free(struct wf_kernel *kernel);

int wf_kernel_add_process(struct wf_kernel *kernel, pid_t tgid);
/* Its Python agent's page is at that address (0 = it has none any more). -ENOENT: not in the set.
 */
int wf_kernel_set_agent(struct wf_kernel *kernel, pid_t tgid, uint64_t page,
			uint64_t clock_offset_ns);
int wf_kernel_remove_process(struct wf_kernel *kernel, pid_t tgid);
/* The set has changed: every task looks its process up again at its next hit. */
void wf_kernel_new_epoch(struct wf_kernel *kernel);

void wf_kernel_arm(struct wf_kernel *kernel);
/* Entries are ignored from now on; exits still match. */
void wf_kernel_disarm(struct wf_kernel *kernel);

/* From now on this process stops itself at each exec (SIGSTOP); 0 = none does. */
void wf_kernel_hold(struct wf_kernel *kernel, pid_t tgid);
/* Why the launched process stopped itself, WF_HELD_NOT where it did not. `reset` forgets it. */
enum wf_held_at wf_kernel_held(struct wf_kernel *kernel, bool reset);

/* Make a file slot live under a new generation; returns the generation. 0 <= slot < WF_FILES_MAX.
 */
uint32_t wf_kernel_open_slot(struct wf_kernel *kernel, uint32_t slot);
void wf_kernel_close_slot(struct wf_kernel *kernel, uint32_t slot);

/* Announce long calls and add up live counters; `final` takes every frame (after all links are
 * closed). */
int wf_kernel_sweep(struct wf_kernel *kernel, bool final, struct wf_err *err);
/*
 * Stacks of coroutines that are switched out at the end: one UNFINISHED record per frame goes to
 * deliver(). Call after the final sweep; counted as unfinished in the totals.
 */
void wf_kernel_saved_stacks(struct wf_kernel *kernel,
			    void (*deliver)(void *context, const struct wf_rec_head *record),
			    void *context);
/* Totals of ended tasks plus what the last sweep saw of live ones. */
void wf_kernel_totals(const struct wf_kernel *kernel, struct wf_kernel_totals *ret);

/* For link.c and ring.c. */
enum wf_tier wf_kernel_tier(const struct wf_kernel *kernel);
int wf_kernel_site_prog(const struct wf_kernel *kernel);
struct bpf_program *wf_kernel_site_program(const struct wf_kernel *kernel);
int wf_kernel_ring_count(const struct wf_kernel *kernel);
uint32_t wf_kernel_ring_bytes(const struct wf_kernel *kernel);
int wf_kernel_ring_fd(const struct wf_kernel *kernel, int cpu);
int wf_kernel_put_spec(struct wf_kernel *kernel, uint32_t index, const struct wf_spec *spec);
int wf_kernel_put_capture(struct wf_kernel *kernel, uint32_t index,
			  const struct wf_capture *capture);
int wf_kernel_put_guard(struct wf_kernel *kernel, uint32_t index, const struct wf_guard *guard);
int wf_kernel_put_tail_set(struct wf_kernel *kernel, uint32_t index, const struct wf_tail_set *set);
const struct wf_kernel_config *wf_kernel_get_config(const struct wf_kernel *kernel);
/* Stop the process tracepoints (after the final sweep). */
void wf_kernel_stop_tracepoints(struct wf_kernel *kernel);

WF_DEFINE_FREEP(wf_kernel_freep, struct wf_kernel, wf_kernel_free)

#endif
