/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * state.h - what the kernel programs keep per task. The collector reads struct wf_stack too: stacks
 * of coroutines that are switched out when it leaves lie in the `saved_stacks` map.
 */
#ifndef WF_STATE_H
#define WF_STATE_H

#include "record.h"

#define WF_FRAME_ALT     0x01   /* pushed on the alternate signal stack */
#define WF_FRAME_CHILD   0x02   /* a record of a call inside it has gone out */
#define WF_FRAME_SAMPLED 0x04   /* sampled out: only holds its place */
#define WF_FRAME_GUARD   0x08   /* its guard said no: lends its parent's id to its children */
#define WF_FRAME_MIN     0x10   /* its rule has a min_duration */
#define WF_FRAME_HELD    0x20   /* a frame below it has one */
#define WF_FRAME_SPILL   0x40   /* its captured values lie in the 4 KiB arena */
#define WF_FRAME_PAIR    0x80   /* opened by another function than closes it: no stack rules */
#define WF_FRAME_LOST    0x100  /* a capture was dropped */
#define WF_FRAME_PHASE   0x200  /* a pair that only its own sites end, not a longjmp */
#define WF_FRAME_JUMPED  0x400  /* a phase that a longjmp has left: it failed */
#define WF_FRAME_AWAITS  0x800  /* a phase that a call of another rule makes ready to end */
#define WF_FRAME_WATCHED 0x1000 /* a frame below it awaits */
#define WF_FRAME_READY   0x2000 /* what it awaits has happened */
#define WF_FRAME_QUIET   (WF_FRAME_SAMPLED | WF_FRAME_GUARD)

struct wf_frame {
	__u64 sp; /* address of the return address */
	__u64 start_ns;
	__u64 id, parent_id;
	__u32 span; /* span id = index of its enter spec */
	__u32 flags;
	__u16 attr_off, attr_len; /* in the arena */
	__u16 announced;          /* an OPEN record has gone out */
	__u16 pad;
};

/* Strings are read with their maximum length, so the arena is longer than what it may hold. */
#define WF_ARENA_SLACK 320

/* Everything that moves with a stack when a coroutine is switched out. */
struct wf_stack {
	__u32 depth;
	__u32 arena_top;
	__u64 root_id, root_start_ns;
	__u64 trace_hi, trace_lo;
	__u64 high_sp; /* highest stack pointer of an armed entry */
	__u32 generation;
	__u32 pad;
	struct wf_frame frames[WF_FRAMES_MAX + 1]; /* the last one is scratch for events */
	__u8 arena[WF_ARENA_BYTES + WF_ARENA_SLACK];
};

struct wf_stack_key {
	__u64 sp;
	__u32 tgid, pad;
};

/* Totals of tasks that are gone and of hits without a task; `live` is filled by a sweep. */
struct wf_totals {
	__u64 counters[WF_COUNTERS];
	__u64 live[WF_COUNTERS];
	__u64 open_now;
};

_Static_assert(sizeof(struct wf_frame) == 48, "frame");

#endif
