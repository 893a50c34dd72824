/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * stack.bpf.h - the stack of open calls: close, pop what is dead, match an exit.
 *
 * Frames lie in the order of their calls. A frame is found again by (stack pointer, span id); one
 * that died without an exit is recognised because a later event runs above it. Frames of the
 * alternate signal stack carry a bit and are never popped from the other stack's side.
 */
#ifndef WF_STACK_BPF_H
#define WF_STACK_BPF_H

#include "bpf/emit.bpf.h"

/* How pop_dead() treats frames at exactly the given stack pointer. */
#define POP_ALT   0x01 /* the event runs on the alternate stack */
#define POP_EQUAL 0x02 /* equal is dead too, but for what the entering spec keeps */
#define POP_ALL   0x04 /* the whole stack is gone */

static __always_inline int in_tail_set(__u32 set, __u32 span)
{
	struct wf_tail_set *origins;

	if (!set)
		return 0;
	origins = bpf_map_lookup_elem(&tail_sets, &set);
	if (!origins)
		return 0;
	for (int i = 0; i < WF_TAIL_SET_MAX; i++)
		if (i < origins->count && origins->span[i] == span)
			return 1;
	return 0;
}

static __always_inline void release_arena(struct wf_task *task, struct wf_frame *frame)
{
	if (!frame->attr_len)
		return;
	if (!(frame->flags & WF_FRAME_SPILL)) {
		task->stack.arena_top = frame->attr_off;
		return;
	}
	struct wf_spill *spill = bpf_task_storage_get(&spills, bpf_get_current_task_btf(), 0, 0);

	if (spill)
		spill->top = frame->attr_off;
}

/* A call below its rule's min_duration: only a tombstone, and that only where children are out. */
static __always_inline int is_short(struct wf_frame *frame, __u64 now)
{
	__u32 index = frame->span;
	struct wf_spec *spec;

	if (!(frame->flags & WF_FRAME_MIN))
		return 0;
	spec = bpf_map_lookup_elem(&specs, &index);
	return spec && now - frame->start_ns < spec->min_duration_ns;
}

/* A call has ended: the innermost phase below it that awaits a call of its rule is ready to end. */
__noinline int make_ready(struct wf_task *task, __u32 k, __u32 span)
{
	struct wf_spec *ended = bpf_map_lookup_elem(&specs, &span), *spec;

	if (!task || !ended)
		return 0;
	for (int i = 0; i < WF_FRAMES_MAX; i++) {
		__u32 below = k - 1 - i, index;
		struct wf_frame *frame = below < k ? frame_at(task, below) : 0;

		if (!frame)
			return 0;
		if (!(frame->flags & WF_FRAME_AWAITS))
			continue;
		index = frame->span;
		spec = bpf_map_lookup_elem(&specs, &index);
		if (spec && spec->nearest_rule == ended->rule + 1)
			frame->flags |= WF_FRAME_READY;
		return 0;
	}
	return 0;
}

/* What the end of frame k means for phases: for one below it, and for itself. Returns its status.
 */
static __always_inline __u32 phase_end(struct wf_task *task, struct wf_frame *frame, __u32 k,
				       __u32 status)
{
	if (frame->flags & WF_FRAME_WATCHED)
		make_ready(task, k, frame->span);
	return frame->flags & WF_FRAME_JUMPED && status == WF_END_OK ? WF_END_JUMP : status;
}

/* Close frame k, which is the top: count its outcome, emit, free its values. */
__noinline int close_frame(struct wf_task *task, __u32 k, __u64 now, __u32 status)
{
	struct wf_frame *frame;
	__u32 flags;

	if (!task || k >= WF_FRAMES_MAX)
		return 0;
	frame = frame_at(task, k);
	if (!frame)
		return 0;
	flags = frame->flags;
	task->stack.depth = k;
	status = phase_end(task, frame, k, status);
	if (flags & WF_FRAME_QUIET)
		goto parent;
	if (status == WF_END_OK && is_short(frame, now)) {
		count(task, WF_CNT_SHORT);
		release_arena(task, frame);
		if (!(flags & WF_FRAME_CHILD))
			return 0;
		frame->attr_len = 0;
		count(task, emit_frame(task, 0, k, now, WF_REC_TOMBSTONE << 8)
				    ? WF_CNT_TOMBSTONES
				    : WF_CNT_TOMBSTONES_LOST);
		goto parent;
	}
	if (!emit_frame(task, 0, k, now, WF_REC_SPAN << 8 | status))
		count(task, WF_CNT_RING_FULL);
	else
		count(task, status == WF_END_OK ? WF_CNT_COMPLETED : WF_CNT_ABANDONED);
	release_arena(task, frame);
	flags |= WF_FRAME_CHILD;
parent:
	frame = k > 0 ? frame_at(task, k - 1) : 0;
	if (frame && flags & WF_FRAME_CHILD)
		frame->flags |= WF_FRAME_CHILD;
	return 0;
}

/* Does the entering spec keep an older frame that sits at its own stack pointer? */
static __always_inline int keeps_equal(__u32 entering, __u32 span)
{
	struct wf_spec *spec = bpf_map_lookup_elem(&specs, &entering);

	if (!spec)
		return 0;
	/* A static probe's span sits at its function's stack pointer, inside the function's frame;
	 * it replaces only one of its own. */
	if (spec->kind == WF_SITE_OPEN)
		return spec->span != span;
	/* The older function may have handed its frame over by a tail jump. */
	return in_tail_set(spec->tail_set, span);
}

static __always_inline int is_dead(struct wf_frame *frame, __u64 sp, __u32 how, __u32 entering)
{
	__u32 alt = frame->flags & WF_FRAME_ALT;

	if (how & POP_ALL)
		return 1;
	if (alt != (how & POP_ALT))
		return alt; /* back on the normal stack: all alternate frames are gone */
	if (frame->sp != sp)
		return frame->sp < sp;
	if (!(how & POP_EQUAL))
		return 0;
	return entering == ~0u || !keeps_equal(entering, frame->span);
}

/*
 * A pair that is opened and closed by different functions outlives the one that opened it. It is
 * dead where the stack was unwound past it for certain, or with the call it was opened in. A phase
 * lasts over a longjmp until its own sites end it: a server's main loop recovers from errors so.
 */
__noinline int pair_is_dead(struct wf_task *task, __u32 k, __u64 sp, __u32 how)
{
	__u32 status = how >> 8, alt = how & POP_ALT;
	struct wf_frame *frame;

	if (!task)
		return 0;
	if (how & POP_ALL)
		return 1;
	frame = frame_at(task, k);
	if (!frame)
		return 0;
	if ((status == WF_END_THROW || status == WF_END_JUMP) &&
	    (frame->flags & WF_FRAME_ALT) == alt && frame->sp < sp) {
		if (!(frame->flags & WF_FRAME_PHASE) || status == WF_END_THROW)
			return 1;
		frame->flags |= WF_FRAME_JUMPED;
	}
	for (int i = 0; i < WF_FRAMES_MAX; i++) {
		__u32 below = k - 1 - i;

		frame = below < k ? frame_at(task, below) : 0;
		if (!frame)
			return 0;
		if (!(frame->flags & WF_FRAME_PAIR))
			return (frame->flags & WF_FRAME_ALT) == alt ? frame->sp < sp : !alt;
	}
	return 0;
}

/* Pop the frames that lie dead below sp. how = POP_* | status << 8; entering spec or ~0. */
__noinline int pop_dead(struct wf_task *task, __u64 sp, __u64 now, __u32 how, __u32 entering)
{
	if (!task)
		return 0;
	for (int i = 0; i < WF_FRAMES_MAX; i++) {
		__u32 k = task->stack.depth;
		struct wf_frame *frame;

		if (k == 0 || k > WF_FRAMES_MAX)
			return 0;
		frame = frame_at(task, k - 1);
		if (!frame)
			return 0;
		if (frame->flags & WF_FRAME_PAIR ? !pair_is_dead(task, k - 1, sp, how)
						 : !is_dead(frame, sp, how, entering))
			return 0;
		close_frame(task, k - 1, now, how >> 8);
	}
	return 0;
}

#define MATCH_NO   0
#define MATCH_YES  1
#define MATCH_LAST 2 /* yes, and nothing older may match */
#define MATCH_PAST 3 /* the frame lies above the exit's: nothing older can match */

/* Is frame k closed by the exit spec `index` at frame stack pointer sp? */
__noinline int match_frame(struct wf_task *task, __u32 k, __u64 sp, __u32 index)
{
	struct wf_spec *spec;
	struct wf_frame *frame;
	__u32 span;

	if (!task || k >= WF_FRAMES_MAX)
		return MATCH_NO;
	spec = bpf_map_lookup_elem(&specs, &index);
	frame = frame_at(task, k);
	if (!spec || !frame)
		return MATCH_NO;
	span = frame->span;
	if (spec->kind == WF_SITE_CLOSE)
		return spec->span == span ? MATCH_LAST : MATCH_NO;
	if (frame->sp != sp)
		return frame->sp > sp && !(frame->flags & (WF_FRAME_PAIR | WF_FRAME_ALT))
			       ? MATCH_PAST
			       : MATCH_NO;
	return spec->span == span || in_tail_set(spec->tail_set, span);
}

/* An exit that closes nothing. An exit of a function that is not traced itself, and planned only
 * because others may hand their frames over to it, is none. */
static __always_inline void count_no_frame(struct wf_task *task, __u64 sp, __u32 index)
{
	struct wf_spec *spec = bpf_map_lookup_elem(&specs, &index);
	__u32 n = task->stack.depth;

	if (!spec || spec->flags & WF_SPEC_FOREIGN)
		return;
	count(task, WF_CNT_EXITS);
	if (n == WF_FRAMES_MAX && task->stack.frames[WF_FRAMES_MAX - 1].sp > sp)
		count(task, WF_CNT_EXIT_STATE_FULL);
	else if (!control.armed)
		count(task, WF_CNT_EXIT_DISARMED);
	else if (sp > task->stack.high_sp)
		count(task, WF_CNT_EXIT_IN_FLIGHT);
	else
		count(task, WF_CNT_EXIT_UNMATCHED);
}

/* An exit that is not simply the top frame's: find the deepest frame it closes, pop down to it. */
__noinline int leave_slow(struct wf_task *task, __u64 sp, __u64 now, __u32 index)
{
	__u32 n;

	if (!task)
		return 0;
	n = task->stack.depth;
	if (n > WF_FRAMES_MAX)
		return 0;
	task->found = WF_FRAMES_MAX;
	for (int i = 0; i < WF_FRAMES_MAX; i++) {
		__u32 k = n - 1 - i;
		int match;

		WF_OPAQUE(k);
		if (k >= WF_FRAMES_MAX)
			break;
		match = match_frame(task, k, sp, index);
		if (match == MATCH_YES || match == MATCH_LAST)
			task->found = k;
		if (match >= MATCH_LAST)
			break;
	}
	if (task->found >= WF_FRAMES_MAX) {
		count_no_frame(task, sp, index);
		return 0;
	}
	count(task, WF_CNT_EXITS);
	count(task, WF_CNT_EXIT_MATCHED);
	for (int i = 0; i < WF_FRAMES_MAX; i++) {
		__u32 k = task->stack.depth;
		int match;

		if (k == 0 || k > WF_FRAMES_MAX)
			break;
		k--;
		if (k < task->found)
			break;
		match = match_frame(task, k, sp, index);
		close_frame(task, k, now,
			    match == MATCH_YES || match == MATCH_LAST ? WF_END_OK : WF_END_DEAD);
	}
	return 0;
}

#endif
