/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* emit.bpf.h - from a frame to a record in this CPU's ring. */
#ifndef WF_EMIT_BPF_H
#define WF_EMIT_BPF_H

#include "bpf/maps.bpf.h"

/* Record sizes that may be reserved: the helper wants a constant. */
#define WF_ATTR_SMALL  64
#define WF_ATTR_MEDIUM 256
#define WF_ATTR_LARGE  1024
#define WF_ATTR_HUGE   (WF_SPILL_BYTES + 64)

struct record_small {
	struct wf_rec_span span;
	__u64 attrs[WF_ATTR_SMALL / 8];
};

static __always_inline __u64 cgroup_of(struct task_struct *task)
{
	return task->cgroups->dfl_cgrp->kn->id;
}

/* A forced wake-up costs 5 us, so the collector polls and is woken only where a ring fills up;
 * the fill is asked for on every 16th record. */
static __always_inline __u64 wake_flag(struct wf_task *task, void *target)
{
	if (task->sequence & 15)
		return BPF_RB_NO_WAKEUP;
	return bpf_ringbuf_query(target, BPF_RB_AVAIL_DATA) >= control.wake_bytes
		       ? BPF_RB_FORCE_WAKEUP
		       : BPF_RB_NO_WAKEUP;
}

static __always_inline void *cpu_ring(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&rings, &cpu);
}

/* how = kind << 8 | status. room: bytes for captured values behind the record. */
static __always_inline void fill_span(struct wf_rec_span *record, struct wf_task *task,
				      struct wf_frame *frame, __u64 now, __u32 how, __u32 depth,
				      __u32 room)
{
	/* Read once: the sweep looks at frames of tasks that run and take them for other calls. */
	__u32 flags = frame->flags, attr_bytes = *(volatile __u16 *)&frame->attr_len;

	if (attr_bytes > room)
		attr_bytes = 0;
	record->head.kind = how >> 8;
	record->head.size = sizeof(*record) + attr_bytes;
	record->head.span = frame->span;
	record->head.time_ns = now;
	record->head.tid = task->tid;
	record->head.tgid = task->tgid;
	record->start_ns = frame->start_ns;
	record->id = frame->id;
	record->parent_id = frame->parent_id;
	record->trace_hi = task->stack.trace_hi;
	record->trace_lo = task->stack.trace_lo;
	record->root_id = task->stack.root_id;
	record->root_start_ns = task->stack.root_start_ns;
	record->task_key = task->seed;
	record->sequence = task->sequence;
	record->cgroup_id = task->cgroup_id;
	record->exception = (how & 255) == WF_END_THROW ? task->exception : 0;
	record->generation = task->stack.generation;
	record->depth = depth;
	record->status = how;
	record->flags = (frame->id == task->stack.root_id ? WF_SPAN_ROOT : 0) |
			(flags & WF_FRAME_HELD ? WF_SPAN_HELD : 0) |
			(flags & WF_FRAME_ALT ? WF_SPAN_ALT_STACK : 0) |
			(flags & WF_FRAME_LOST ? WF_SPAN_ATTR_LOST : 0);
	record->attr_bytes = attr_bytes;
	record->pad16 = 0;
	record->pad32 = 0;
}

/* Reserve and fill a record with room for `room` bytes of captured values (a constant). */
#define EMIT_SIZED(room)                                                                           \
	do {                                                                                       \
		struct wf_rec_span *sized =                                                        \
			bpf_ringbuf_reserve(target, sizeof(struct wf_rec_span) + (room), 0);       \
                                                                                                   \
		if (!sized)                                                                        \
			return 0;                                                                  \
		fill_span(sized, task, frame, now, how, k, (room));                                \
		WF_OPAQUE(len);                                                                    \
		if (len > (room))                                                                  \
			len = (room);                                                              \
		bpf_probe_read_kernel(sized + 1, len, from);                                       \
		bpf_ringbuf_submit(sized, wake_flag(task, target));                                \
	} while (0)

/*
 * Frames with more captured values than the small record holds. spill is the task's, or NULL where
 * the values lie inline. Returns 1 where a record went out.
 */
__noinline int emit_large(struct wf_task *task, struct wf_spill *spill, __u32 k, __u64 now,
			  __u32 how)
{
	struct wf_frame *frame;
	void *target = cpu_ring(), *from;
	__u32 len, off;

	if (!task || !target)
		return 0;
	frame = frame_at(task, k);
	if (!frame)
		return 0;
	len = frame->attr_len;
	off = frame->attr_off;
	if (frame->flags & WF_FRAME_SPILL) {
		if (!spill || off > WF_SPILL_BYTES)
			return 0;
		from = spill->bytes + off;
	} else {
		if (off > WF_ARENA_BYTES)
			return 0;
		from = task->stack.arena + off;
	}
	if (len <= WF_ATTR_MEDIUM)
		EMIT_SIZED(WF_ATTR_MEDIUM);
	else if (len <= WF_ATTR_LARGE)
		EMIT_SIZED(WF_ATTR_LARGE);
	else
		EMIT_SIZED(WF_ATTR_HUGE);
	return 1;
}

static __always_inline int emit_small(struct wf_task *task, struct wf_frame *frame, void *target,
				      __u64 now, __u32 how, __u32 k)
{
	struct record_small *record = bpf_ringbuf_reserve(target, sizeof(*record), 0);
	__u64 *from = (__u64 *)(task->stack.arena + (frame->attr_off & (WF_ARENA_BYTES - 8)));

	if (!record)
		return 0;
	fill_span(&record->span, task, frame, now, how, k, WF_ATTR_SMALL);
	for (int i = 0; i < WF_ATTR_SMALL / 8; i++)
		record->attrs[i] = from[i];
	bpf_ringbuf_submit(record, wake_flag(task, target));
	return 1;
}

/*
 * Emit frame k (WF_FRAMES_MAX = the scratch frame). how = kind << 8 | status. spill: the task's
 * 4 KiB arena; NULL = look it up, which only the task itself can do. Returns 1 where a record went
 * out, 0 where the ring was full.
 */
__noinline int emit_frame(struct wf_task *task, struct wf_spill *spill, __u32 k, __u64 now,
			  __u32 how)
{
	struct wf_rec_span *record;
	struct wf_frame *frame;
	void *target;

	if (!task)
		return 0;
	target = cpu_ring();
	frame = frame_at(task, k);
	if (!target || !frame)
		return 0;
	if (frame->attr_len) {
		if (frame->flags & WF_FRAME_SPILL && !spill)
			spill = bpf_task_storage_get(&spills, bpf_get_current_task_btf(), 0, 0);
		if (frame->attr_len > WF_ATTR_SMALL || frame->flags & WF_FRAME_SPILL)
			return emit_large(task, spill, k, now, how);
		return emit_small(task, frame, target, now, how, k);
	}
	record = bpf_ringbuf_reserve(target, sizeof(*record), 0);
	if (!record)
		return 0;
	fill_span(record, task, frame, now, how, k, 0);
	bpf_ringbuf_submit(record, wake_flag(task, target));
	return 1;
}

#endif
