/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* site.bpf.h - what happens at an entry and at an exit: the hot path. */
#ifndef WF_SITE_BPF_H
#define WF_SITE_BPF_H

#include "bpf/capture.bpf.h"
#include "bpf/stack.bpf.h"

static __always_inline __u32 on_alt_stack(struct task_struct *current, __u64 sp)
{
	return sp - current->sas_ss_sp < current->sas_ss_size ? WF_FRAME_ALT : 0;
}

/* Does the branch at an exit site leave the function this time? x86 condition codes. */
static __always_inline int branch_leaves(struct pt_regs *ctx, struct wf_spec *spec)
{
	__u64 eflags = ctx->flags;
	__u32 carry = eflags & 1, parity = eflags >> 2 & 1, zero = eflags >> 6 & 1;
	__u32 sign = eflags >> 7 & 1, overflow = eflags >> 11 & 1, taken;

	if (spec->direction == 3)
		return 1;
	switch (spec->condition >> 1) {
	case 0:
		taken = overflow;
		break;
	case 1:
		taken = carry;
		break;
	case 2:
		taken = zero;
		break;
	case 3:
		taken = carry | zero;
		break;
	case 4:
		taken = sign;
		break;
	case 5:
		taken = parity;
		break;
	case 6:
		taken = sign ^ overflow;
		break;
	default:
		taken = zero | (sign ^ overflow);
		break;
	}
	taken ^= spec->condition & 1;
	return spec->direction & (taken ? 1 : 2);
}

static __always_inline __u64 frame_sp(struct pt_regs *ctx, struct wf_spec *spec)
{
	__u64 base = ctx->sp, frame_base = ctx->bp;

	WF_OPAQUE(frame_base);
	if (spec->cfa_reg == WF_REG_RBP)
		base = frame_base;
	return base + spec->cfa_offset;
}

static __always_inline void first_entry(struct wf_task *task, struct task_struct *current)
{
	task->seed = ((__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32()) | 1;
	task->tid = current->pid;
	task->tgid = current->tgid;
	task->epoch = control.epoch;
}

/* A new outermost call: its id is the root of what follows, its trace id provisional. */
static __always_inline void start_root(struct wf_task *task, struct task_struct *current, __u64 id,
				       __u64 now, __u32 generation)
{
	task->cgroup_id = cgroup_of(current);
	task->stack.root_id = id;
	task->stack.root_start_ns = now;
	task->stack.trace_hi = mix(task->seed);
	task->stack.trace_lo = mix(id ^ task->seed);
	task->stack.generation = generation;
}

/* Pop what died below this entry. Returns the depth that is left. */
static __always_inline __u32 settle(struct wf_task *task, __u64 sp, __u32 alt, __u32 index)
{
	__u32 n = task->stack.depth;
	struct wf_frame *top = n ? frame_at(task, n - 1) : 0;

	if (!top || ((top->flags & (WF_FRAME_ALT | WF_FRAME_PAIR)) == alt && top->sp > sp))
		return n;
	pop_dead(task, sp, bpf_ktime_get_ns(), WF_END_DEAD << 8 | POP_EQUAL | alt, index);
	return task->stack.depth;
}

/* Flags of a new frame that follow from its spec and from the frame below. */
static __always_inline __u32 frame_flags(struct wf_spec *spec, struct wf_frame *below)
{
	__u32 flags = 0;

	if (below && below->flags & (WF_FRAME_MIN | WF_FRAME_HELD))
		flags |= WF_FRAME_HELD;
	if (spec->min_duration_ns)
		flags |= WF_FRAME_MIN;
	if (below && below->flags & (WF_FRAME_AWAITS | WF_FRAME_WATCHED))
		flags |= WF_FRAME_WATCHED;
	if (spec->kind != WF_SITE_OPEN || spec->flags & WF_SPEC_SCOPED)
		return flags;
	flags |= WF_FRAME_PAIR;
	if (spec->flags & WF_SPEC_AGAIN)
		flags |= WF_FRAME_PHASE;
	if (spec->flags & WF_SPEC_NEXT && spec->nearest_rule)
		flags |= WF_FRAME_AWAITS;
	return flags;
}

/* The innermost open frame of this span id, WF_FRAMES_MAX where there is none. */
static __always_inline __u32 find_open(struct wf_task *task, __u32 span)
{
	__u32 n = task->stack.depth;

	for (int i = 0; i < WF_FRAMES_MAX; i++) {
		__u32 k = n - 1 - i;
		struct wf_frame *frame = k < n ? frame_at(task, k) : 0;

		if (!frame)
			break;
		if (frame->span == span)
			return k;
	}
	return WF_FRAMES_MAX;
}

/*
 * A hit of a phase's opening site. While its span is open the hit belongs to it, or ends it where
 * it is ready. Returns 1 where a new span begins.
 */
__noinline int begins_phase(struct pt_regs *ctx, struct wf_task *task, __u32 index, __u64 now)
{
	struct wf_spec *spec = bpf_map_lookup_elem(&specs, &index);
	struct wf_frame *frame;
	__u32 found;

	if (!task || !spec || (spec->guard_count && !guards_hold(ctx, task, index)))
		return 0;
	found = find_open(task, spec->span);
	frame = frame_at(task, found);
	if (found >= WF_FRAMES_MAX || !frame)
		return 1;
	if (!(spec->flags & WF_SPEC_NEXT) ||
	    (spec->nearest_rule && !(frame->flags & WF_FRAME_READY)))
		return 0;
	for (int i = 0; i < WF_FRAMES_MAX; i++) {
		__u32 n = task->stack.depth;

		if (n > WF_FRAMES_MAX || n <= found)
			break;
		close_frame(task, n - 1, now, n - 1 == found ? WF_END_OK : WF_END_DEAD);
	}
	return 1;
}

/* Is the call left out, by --depth or by its rule's guards? */
static __always_inline int is_guarded(struct pt_regs *ctx, struct wf_task *task,
				      struct wf_spec *spec, __u32 index, __u32 depth)
{
	if (control.depth_max && depth >= control.depth_max)
		return 1;
	return spec->guard_count && !guards_hold(ctx, task, index);
}

static __always_inline void count_entry(struct wf_task *task, struct task_struct *current, __u64 sp,
					__u32 alt)
{
	if (!task->seed)
		first_entry(task, current);
	count(task, WF_CNT_ENTRIES);
	if (!alt && sp > task->stack.high_sp)
		task->stack.high_sp = sp;
}

static __always_inline int on_enter(struct pt_regs *ctx, struct wf_task *task,
				    struct task_struct *current, struct wf_spec *spec, __u32 index,
				    __u32 generation)
{
	__u32 alt = on_alt_stack(current, ctx->sp), flags, n;
	__u64 now, id, parent, sp = frame_sp(ctx, spec);
	struct wf_frame *frame, *below;

	count_entry(task, current, sp, alt);
	n = settle(task, sp, alt, index);
	if (spec->flags & WF_SPEC_AGAIN) {
		if (!begins_phase(ctx, task, index, bpf_ktime_get_ns())) {
			count(task, WF_CNT_GUARDED);
			return 0;
		}
		n = task->stack.depth;
	}
	if (n >= WF_FRAMES_MAX) {
		count(task, WF_CNT_STATE_FULL);
		return 0;
	}
	++task->sequence;
	below = n ? frame_at(task, n - 1) : 0;
	parent = below ? below->id : 0;
	flags = alt | frame_flags(spec, below);
	if (!below)
		task->stack.arena_top = 0;
	if (is_guarded(ctx, task, spec, index, n)) {
		/* it stands for its parent */
		flags |= WF_FRAME_GUARD;
		id = parent;
		now = below ? below->start_ns : 0;
		count(task, WF_CNT_GUARDED);
	} else {
		now = bpf_ktime_get_ns();
		id = mix(task->seed + task->sequence * 0x9e3779b97f4a7c15ULL);
		if (!parent)
			start_root(task, current, id, now, generation);
	}
	frame = frame_at(task, n);
	if (!frame)
		return 0;
	frame->sp = sp;
	frame->start_ns = now;
	frame->id = id;
	frame->parent_id = parent;
	frame->span = spec->span;
	frame->flags = flags;
	frame->attr_off = 0;
	frame->attr_len = 0;
	frame->announced = 0;
	task->stack.depth = n + 1;
	if (spec->capture_count && !(flags & WF_FRAME_GUARD))
		capture_values(ctx, task, index, n);
	return 0;
}

/* Of a task that has made no call yet. */
static __always_inline int leave_unknown(struct wf_spec *spec)
{
	if (spec->flags & WF_SPEC_FOREIGN)
		return 0;
	count_total(WF_CNT_EXITS);
	count_total(control.armed ? WF_CNT_EXIT_IN_FLIGHT : WF_CNT_EXIT_DISARMED);
	return 0;
}

static __always_inline int is_quiet_exit(struct wf_frame *frame, struct wf_spec *spec, __u64 sp)
{
	return (frame->flags & (WF_FRAME_QUIET | WF_FRAME_WATCHED)) == WF_FRAME_GUARD &&
	       frame->span == spec->span && frame->sp == sp && !spec->tail_set;
}

/* A call that was left out ends, and no phase waits for it: without a record, and so without a look
 * at the clock. */
static __always_inline int leave_quiet(struct wf_task *task, struct wf_frame *frame, __u32 top)
{
	struct wf_frame *below = top ? frame_at(task, top - 1) : 0;

	count(task, WF_CNT_EXITS);
	count(task, WF_CNT_EXIT_MATCHED);
	task->stack.depth = top;
	if (below && frame->flags & WF_FRAME_CHILD)
		below->flags |= WF_FRAME_CHILD;
	return 0;
}

static __always_inline int on_leave(struct pt_regs *ctx, struct wf_task *task, struct wf_spec *spec,
				    __u32 index)
{
	struct wf_frame *frame;
	__u64 sp = frame_sp(ctx, spec), now;
	__u32 n, top;

	if (!task || !task->sequence)
		return leave_unknown(spec);
	n = task->stack.depth;
	if (n == 0 || n > WF_FRAMES_MAX) {
		count_no_frame(task, sp, index);
		return 0;
	}
	top = n - 1;
	frame = frame_at(task, top);
	if (!frame)
		return 0;
	if (is_quiet_exit(frame, spec, sp))
		return leave_quiet(task, frame, top);
	now = bpf_ktime_get_ns();
	if (frame->span == spec->span && (frame->sp == sp || spec->kind == WF_SITE_CLOSE)) {
		/* values captured at the end belong to the frame that is closed: the top one */
		if (spec->capture_count && !(frame->flags & WF_FRAME_QUIET))
			capture_values(ctx, task, index, top);
		if (!spec->tail_set) {
			count(task, WF_CNT_EXITS);
			count(task, WF_CNT_EXIT_MATCHED);
			close_frame(task, top, now, WF_END_OK);
			return 0;
		}
	}
	leave_slow(task, sp, now, index);
	return 0;
}

/* An event belongs to the innermost open span, or to the innermost of the rule it names. */
__noinline int on_event(struct pt_regs *ctx, struct wf_task *task, __u32 index)
{
	struct wf_spec *spec = bpf_map_lookup_elem(&specs, &index);
	struct wf_frame *scratch;
	__u64 now, owner = 0;
	__u32 n;

	if (!task || !spec)
		return 0;
	n = task->stack.depth;
	count(task, WF_CNT_EVENTS);
	for (int i = 0; i < WF_FRAMES_MAX; i++) {
		__u32 k = n - 1 - i;
		struct wf_frame *frame;
		struct wf_spec *other;
		__u32 span; /* older kernels want the key on the stack */

		frame = k < n ? frame_at(task, k) : 0;
		if (!frame)
			break;
		if (frame->flags & WF_FRAME_QUIET)
			continue;
		span = frame->span;
		other = bpf_map_lookup_elem(&specs, &span);
		if (spec->nearest_rule && (!other || other->rule + 1 != spec->nearest_rule))
			continue;
		owner = frame->id;
		break;
	}
	if (!owner || (spec->guard_count && !guards_hold(ctx, task, index)))
		return 0;
	now = bpf_ktime_get_ns();
	scratch = &task->stack.frames[WF_FRAMES_MAX];
	scratch->start_ns = now;
	scratch->id = owner;
	scratch->parent_id = 0;
	scratch->span = spec->span;
	scratch->flags = 0;
	scratch->attr_off = 0;
	scratch->attr_len = 0;
	if (spec->capture_count)
		capture_values(ctx, task, index, WF_FRAMES_MAX);
	if (!emit_frame(task, 0, WF_FRAMES_MAX, now, WF_REC_EVENT << 8))
		count(task, WF_CNT_EVENTS_LOST);
	release_arena(task, scratch);
	return 0;
}

#endif
