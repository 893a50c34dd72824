/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* maps.bpf.h - maps, control words and counters of the kernel programs. */
#ifndef WF_MAPS_BPF_H
#define WF_MAPS_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/state.h"

/* One task. Values that subprograms hand to each other live here and not in registers: a search
 * result that stays in a register multiplies the verifier's work (over 1,000,000 instructions). */
struct wf_task {
	__u64 seed; /* 0 until the first entry */
	__u64 sequence;
	__u64 exception; /* object of the exception that is in flight */
	__u64 cgroup_id; /* when the current root began */
	__u64 value;     /* result of source_value() */
	__u64 value2;
	__u32 tid, tgid;
	__u32 epoch;                       /* control.epoch when the process was last looked up */
	__u32 found;                       /* result of a search */
	__u64 agent_page, clock_offset_ns; /* as in its process's entry */
	struct wf_agent_thread context;    /* result of read_context() */
	__u64 jiffies; /* of the timer's tick in which the next two were looked at */
	__u64 tick_ns, tick_cgroup_id;
	__u64 counters[WF_COUNTERS];
	struct wf_stack stack;
};

struct wf_spill {
	__u32 top, pad;
	__u8 bytes[WF_SPILL_BYTES + WF_CAPTURE_BYTES_MAX + 8];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct wf_task);
} tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct wf_spill);
} spills SEC(".maps");

/* Sizes are set from the plan before loading. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct wf_spec);
} specs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct wf_capture);
} captures SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct wf_guard);
} guards SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct wf_tail_set);
} tail_sets SEC(".maps");

/* Traced processes (tgid), kept by the fork and exit programs. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct wf_process);
} processes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct wf_stack_key);
	__type(value, struct wf_stack);
} saved_stacks SEC(".maps");

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct ring);
} rings SEC(".maps") = {.values = {&ring}};

/*
 * Never-taken tail calls: a program that holds one gets no per-CPU private stack, which uprobe
 * programs must not have (they are preemptible; kernels 6.13 and later, see docs/architecture.md).
 * The array is bound to the prototype of its first user, so each kind of program has its own.
 */
#define WF_PROG_ARRAY(name)                                                                        \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_PROG_ARRAY);                                             \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		__type(value, __u32);                                                              \
	} name SEC(".maps")

WF_PROG_ARRAY(never_site);
WF_PROG_ARRAY(never_fork);
WF_PROG_ARRAY(never_exec);
WF_PROG_ARRAY(never_exit);

volatile struct wf_control control SEC(".data.control");

struct wf_totals totals SEC(".data.totals");

static __always_inline void count_total(__u32 counter)
{
	__sync_fetch_and_add(&totals.counters[counter], 1);
}

static __always_inline void count(struct wf_task *task, __u32 counter)
{
	task->counters[counter]++;
}

/* Keeps the compiler from deriving an index anew after its bound was checked. */
#define WF_OPAQUE(variable) asm volatile("" : "+r"(variable))

/* Frame k or NULL. Check and address stay together: a copy of k that the compiler spilled before
 * the check would come back without its bound. */
static __always_inline struct wf_frame *frame_at(struct wf_task *task, __u32 k)
{
	WF_OPAQUE(k);
	if (k > WF_FRAMES_MAX)
		return 0;
	return &task->stack.frames[k];
}

static __always_inline __u64 mix(__u64 z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

#endif
