/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * python.bpf.h - spans of Python functions, which an agent in the target pairs itself, and how they
 * nest with the native ones.
 *
 * A hit's record is checked and copied to the ring behind the head of an ordinary span record. A
 * native call takes the thread's Python span as its parent, from the agent's table, where that is
 * nearer than the native call around it; a Python span takes the native call around it likewise.
 */
#ifndef WF_PYTHON_BPF_H
#define WF_PYTHON_BPF_H

#include "bpf/emit.bpf.h"

/* Bytes of values behind a record that may be reserved: the helper wants a constant. */
#define AGENT_ROOM_SMALL  64
#define AGENT_ROOM_MEDIUM 192 /* what an agent keeps inline */
#define AGENT_ROOM_LARGE  768
#define AGENT_ROOM_HUGE   (WF_AGENT_BYTES_MAX - sizeof(struct wf_agent_record))

/* How far an agent's time may be ahead of the last tick: more than what ticks are apart. */
#define AGENT_AHEAD_NS 20000000

#define AGENT_OUTSIDE (WF_AGENT_REMOTE | WF_AGENT_SDK) /* its parent is no span of ours */

struct record_agent {
	struct wf_rec_span span;
	struct wf_rec_attr value; /* the agent's record as it came */
	struct wf_agent_record agent;
};

/* The thread's current Python span, left in task->context. 0: there is none, or it is not known. */
__noinline int read_context(struct wf_task *task)
{
	struct wf_agent_page *page;
	__u64 thread_pointer;
	__u32 slot;

	if (!task)
		return 0;
	thread_pointer = bpf_get_current_task_btf()->thread.fsbase;
	page = (struct wf_agent_page *)task->agent_page;
	slot = wf_agent_slot_of(thread_pointer);
	for (int i = 0; i <= WF_AGENT_THREAD_PROBES; i++) {
		struct wf_agent_thread *at = &page->threads[(slot + i) & (WF_AGENT_THREADS - 1)];

		if (bpf_probe_read_user(&task->context, sizeof(task->context), at))
			return 0;
		if (task->context.thread_pointer == thread_pointer)
			break;
		task->context.id = 0;
		if (!task->context.thread_pointer)
			break;
	}
	task->context.start_ns -= task->clock_offset_ns;
	task->context.root_start_ns -= task->clock_offset_ns;
	return task->context.id != 0;
}

/*
 * The native call that a Python span began in, if that is nearer than its Python parent: leaves
 * its frame's number in task->found, WF_FRAMES_MAX where there is none. Only a call of the same
 * tree can stand between a span and its parent.
 */
__noinline int find_native(struct wf_task *task, __u64 sp, __u64 start_ns, __u64 parent_start_ns,
			   __u64 root_id)
{
	__u32 n;

	if (!task)
		return 0;
	task->found = WF_FRAMES_MAX;
	n = task->stack.depth;
	if (root_id && root_id != task->stack.root_id)
		return 0;
	for (int i = 0; i < WF_FRAMES_MAX; i++) {
		__u32 k = n - 1 - i;
		struct wf_frame *frame = k < n ? frame_at(task, k) : 0;

		if (!frame)
			return 0;
		/* dead already, or begun inside the span */
		if ((frame->sp < sp && !(frame->flags & WF_FRAME_ALT)) ||
		    frame->start_ns > start_ns)
			continue;
		if (frame->start_ns > parent_start_ns && frame->id)
			task->found = k;
		return 0;
	}
	return 0;
}

static __always_inline __u32 record_kind(__u32 kind)
{
	switch (kind) {
	case WF_AGENT_SPAN:
		return WF_REC_SPAN;
	case WF_AGENT_START:
		return WF_REC_OPEN;
	case WF_AGENT_EVENT:
		return WF_REC_EVENT;
	case WF_AGENT_LOG:
		return WF_REC_LOG;
	default:
		return WF_REC_NOTE;
	}
}

static __always_inline __u32 end_status(__u32 status)
{
	switch (status) {
	case WF_AGENT_OPEN:
		return WF_END_OPEN;
	case WF_AGENT_RAISED:
		return WF_END_RAISED;
	case WF_AGENT_CANCELLED:
		return WF_END_CANCELLED;
	case WF_AGENT_ABANDONED:
		return WF_END_DEAD;
	default:
		return WF_END_OK;
	}
}

static __always_inline void set_parent(struct wf_task *task, struct record_agent *record, __u64 sp)
{
	struct wf_agent_record *agent = &record->agent;
	__u32 outside = agent->flags & AGENT_OUTSIDE;
	__u32 told = (agent->trace_hi | agent->trace_lo) != 0;
	__u64 parent_start_ns = 0;
	struct wf_frame *frame;

	record->span.parent_id = agent->parent_id;
	record->span.root_id = agent->root_id;
	record->span.root_start_ns = agent->root_start_ns - task->clock_offset_ns;
	record->span.trace_hi = told ? agent->trace_hi : wf_agent_trace(agent->root_id, 0);
	record->span.trace_lo = told ? agent->trace_lo : wf_agent_trace(agent->root_id, 1);
	if (!task->stack.depth || outside || agent->flags & WF_AGENT_MOVED)
		return;
	if (agent->parent_start_ns)
		parent_start_ns = agent->parent_start_ns - task->clock_offset_ns;
	find_native(task, sp, record->span.start_ns, parent_start_ns,
		    agent->parent_id ? agent->root_id : 0);
	if (task->found >= WF_FRAMES_MAX)
		return;
	frame = frame_at(task, task->found);
	if (!frame)
		return;
	record->span.parent_id = frame->id;
	record->span.root_id = task->stack.root_id;
	record->span.root_start_ns = task->stack.root_start_ns;
	record->span.trace_hi = task->stack.trace_hi;
	record->span.trace_lo = task->stack.trace_lo;
}

/* The clock and the cgroup once a tick: for each record they would cost 4 % of the hit. */
static __always_inline void look_around(struct wf_task *task, struct task_struct *current)
{
	__u64 jiffies = bpf_jiffies64();

	if (jiffies == task->jiffies)
		return;
	task->jiffies = jiffies;
	task->tick_ns = bpf_ktime_get_ns();
	task->tick_cgroup_id = cgroup_of(current);
}

/* The head of a record whose agent's part, of `size` bytes, is there. */
__noinline int fill_agent(struct wf_task *task, struct record_agent *record, __u64 sp,
			  __u32 generation, __u32 size)
{
	struct task_struct *current = bpf_get_current_task_btf();
	__u64 latest, start_ns, end_ns;
	__u32 kind;

	if (!task || !record)
		return 0;
	/* whatever it says itself */
	record->agent.size = size;
	kind = record->agent.kind;
	start_ns = record->agent.start_ns - task->clock_offset_ns;
	end_ns = record->agent.end_ns - task->clock_offset_ns;
	look_around(task, current);
	latest = task->tick_ns + AGENT_AHEAD_NS;
	if (start_ns > latest)
		start_ns = bpf_ktime_get_ns();
	if (kind != WF_AGENT_SPAN || end_ns > latest)
		end_ns = bpf_ktime_get_ns();
	if (end_ns < start_ns)
		end_ns = start_ns;
	record->span.head.kind = record_kind(kind);
	record->span.head.size = sizeof(*record) - sizeof(record->agent) + size;
	record->span.head.span = WF_SPAN_ID_AGENT | record->agent.function;
	record->span.head.time_ns = end_ns;
	record->span.head.tid = current->pid;
	record->span.head.tgid = current->tgid;
	record->span.start_ns = start_ns;
	record->span.id = record->agent.id;
	set_parent(task, record, sp);
	record->span.task_key = record->agent.task_key;
	record->span.sequence = 0;
	record->span.cgroup_id = task->tick_cgroup_id;
	record->span.exception = 0;
	record->span.generation = generation;
	record->span.depth = 0;
	record->span.status = end_status(record->agent.status);
	record->span.flags = WF_SPAN_AGENT;
	if (record->span.root_id == record->agent.id)
		record->span.flags |= WF_SPAN_ROOT;
	if (record->agent.flags & WF_AGENT_ATTR_LOST)
		record->span.flags |= WF_SPAN_ATTR_LOST;
	record->span.attr_bytes = sizeof(record->value) + size;
	record->span.pad16 = 0;
	record->span.pad32 = 0;
	record->value.type = WF_VAL_AGENT;
	record->value.slot = 255;
	record->value.len = sizeof(record->agent);
	record->value.full_len = sizeof(record->agent);
	return 0;
}

#define AGENT_OK   0
#define AGENT_BAD  1
#define AGENT_FULL 2

/* Copy, fill and submit a record with room for `room` bytes of values (a constant). */
#define AGENT_SIZED(room)                                                                          \
	do {                                                                                       \
		struct record_agent *sized =                                                       \
			bpf_ringbuf_reserve(target, sizeof(struct record_agent) + (room), 0);      \
		__u32 len = size;                                                                  \
                                                                                                   \
		if (!sized)                                                                        \
			return AGENT_FULL;                                                         \
		WF_OPAQUE(len);                                                                    \
		if (len > sizeof(struct wf_agent_record) + (room))                                 \
			len = sizeof(struct wf_agent_record) + (room);                             \
		if (bpf_probe_read_user(&sized->agent, len, (void *)address)) {                    \
			bpf_ringbuf_discard(sized, BPF_RB_NO_WAKEUP);                              \
			return AGENT_BAD;                                                          \
		}                                                                                  \
		fill_agent(task, sized, sp, generation, size);                                     \
		task->found = sized->span.head.kind | (__u32)sized->span.status << 16;             \
		bpf_ringbuf_submit(sized, wake);                                                   \
	} while (0)

/* The record at an address of the target. Its kind and status are left in task->found. */
__noinline int emit_agent(struct wf_task *task, __u64 address, __u32 size, __u64 sp,
			  __u32 generation)
{
	void *target = cpu_ring();
	__u64 wake = BPF_RB_NO_WAKEUP;

	if (!task || !target)
		return AGENT_FULL;
	if (size < sizeof(struct wf_agent_record) || size > WF_AGENT_BYTES_MAX)
		return AGENT_BAD;
	if (!(task->counters[WF_CNT_AGENT_SPANS] & 15) &&
	    bpf_ringbuf_query(target, BPF_RB_AVAIL_DATA) >= control.wake_bytes)
		wake = BPF_RB_FORCE_WAKEUP;
	if (size <= sizeof(struct wf_agent_record) + AGENT_ROOM_SMALL)
		AGENT_SIZED(AGENT_ROOM_SMALL);
	else if (size <= sizeof(struct wf_agent_record) + AGENT_ROOM_MEDIUM)
		AGENT_SIZED(AGENT_ROOM_MEDIUM);
	else if (size <= sizeof(struct wf_agent_record) + AGENT_ROOM_LARGE)
		AGENT_SIZED(AGENT_ROOM_LARGE);
	else
		AGENT_SIZED(AGENT_ROOM_HUGE);
	return AGENT_OK;
}

/* A hit of wf_site_span: one call that has ended. */
static __always_inline void on_agent_span(struct wf_task *task, int result)
{
	count(task, WF_CNT_ENTRIES);
	count(task, WF_CNT_AGENT_SPANS);
	if (result == AGENT_FULL)
		count(task, WF_CNT_RING_FULL);
	else if (result == AGENT_BAD)
		count(task, WF_CNT_AGENT_BAD);
	else if (task->found >> 16 == WF_END_DEAD)
		count(task, WF_CNT_ABANDONED);
	else
		count(task, WF_CNT_COMPLETED);
}

__noinline int on_agent(struct pt_regs *ctx, struct wf_task *task, __u32 kind, __u32 generation)
{
	int result;

	if (!task)
		return 0;
	result = emit_agent(task, ctx->di, ctx->si & 0xffff, ctx->sp, generation);
	if (kind == WF_SITE_AGENT_SPAN) {
		on_agent_span(task, result);
		return 0;
	}
	count(task, kind == WF_SITE_AGENT_START ? WF_CNT_AGENT_STARTS : WF_CNT_AGENT_NOTES);
	if (kind == WF_SITE_AGENT_NOTE && !result && (task->found & 0xffff) == WF_REC_EVENT)
		count(task, WF_CNT_EVENTS);
	if (kind == WF_SITE_AGENT_NOTE && !result && (task->found & 0xffff) == WF_REC_LOG)
		count(task, WF_CNT_LOGS);
	if (result)
		count(task, WF_CNT_OTHER_LOST);
	return 0;
}

#endif
