/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* process.bpf.h - fork, exec and exit: the set of traced processes, and the end of stacks. */
#ifndef WF_PROCESS_BPF_H
#define WF_PROCESS_BPF_H

#include "bpf/stack.bpf.h"

/* Hand a task's counters over to the totals. */
static __always_inline void flush_counters(struct wf_task *task)
{
	for (int i = 0; i < WF_COUNTERS; i++) {
		__u64 value = __sync_lock_test_and_set(&task->counters[i], 0);

		if (value)
			__sync_fetch_and_add(&totals.counters[i], value);
	}
}

/*
 * The end of a stack: emit every frame. The depth is claimed by exchange, since the final sweep
 * and the exit tracepoint may meet here; the owner runs no more probes by then. Outcomes go to the
 * totals because the owner's counters are being handed over.
 */
static __always_inline void finish_stack(struct wf_task *task, struct task_struct *owner,
					 __u32 status)
{
	struct wf_spill *spill = bpf_task_storage_get(&spills, owner, 0, 0);
	__u64 now = bpf_ktime_get_ns();
	__u32 n = __sync_lock_test_and_set(&task->stack.depth, 0);
	__u32 kind = status == WF_END_UNFINISHED ? WF_REC_UNFINISHED : WF_REC_SPAN;

	if (n > WF_FRAMES_MAX)
		n = WF_FRAMES_MAX;
	for (int i = 0; i < WF_FRAMES_MAX; i++) {
		__u32 k = n - 1 - i;
		struct wf_frame *frame;

		frame = k < n ? frame_at(task, k) : 0;
		if (!frame)
			break;
		if (frame->flags & WF_FRAME_QUIET)
			continue;
		if (!emit_frame(task, spill, k, now, kind << 8 | status))
			count_total(WF_CNT_RING_FULL);
		else
			count_total(status == WF_END_UNFINISHED ? WF_CNT_UNFINISHED
								: WF_CNT_ABANDONED);
	}
	task->stack.arena_top = 0;
	if (spill)
		spill->top = 0;
}

/* event = enum wf_process_event; child is NULL for EXEC and EXIT. */
static __always_inline void emit_process(struct wf_task *task, struct task_struct *doer,
					 struct task_struct *child, __u32 event, __u32 code)
{
	struct wf_rec_process *record;
	void *target = cpu_ring();
	struct wf_frame *frame;

	record = target ? bpf_ringbuf_reserve(target, sizeof(*record), 0) : 0;
	if (!record) {
		count_total(WF_CNT_OTHER_LOST);
		return;
	}
	__builtin_memset(record, 0, sizeof(*record));
	record->head.kind = WF_REC_PROCESS;
	record->head.size = sizeof(*record);
	record->head.time_ns = bpf_ktime_get_ns();
	record->head.tid = doer->pid;
	record->head.tgid = doer->tgid;
	record->event = event;
	record->exit_code = code;
	if (child) {
		record->child_tid = child->pid;
		record->child_tgid = child->tgid;
	}
	if (task) {
		record->task_key = task->seed;
		frame = task->stack.depth ? frame_at(task, task->stack.depth - 1) : 0;
		if (frame) {
			record->span_id = frame->id;
			record->span_start_ns = frame->start_ns;
			record->root_id = task->stack.root_id;
			record->trace_hi = task->stack.trace_hi;
			record->trace_lo = task->stack.trace_lo;
		}
	}
	bpf_get_current_comm(record->comm, sizeof(record->comm));
	bpf_ringbuf_submit(record,
			   event == WF_PROC_THREAD ? BPF_RB_NO_WAKEUP : BPF_RB_FORCE_WAKEUP);
}

/* A child lives in the same address space, and where its agent's page is it finds zeros. */
static __always_inline void add_child(struct wf_process *parent, __u32 child_tgid)
{
	struct wf_process child = {.agent_page = parent->agent_page,
				   .clock_offset_ns = parent->clock_offset_ns};

	bpf_map_update_elem(&processes, &child_tgid, &child, BPF_ANY);
}

/*
 * The last thread of a process ends: add up what its agent has counted, while the page can still
 * be read (since Linux 6.16 the tracepoint comes before the memory goes).
 */
static __always_inline void read_agent_counters(struct wf_process *process, struct wf_task *task)
{
	struct wf_agent_page *page = (struct wf_agent_page *)process->agent_page;
	__u64 *counters;

	if (!page)
		return;
	counters = task ? (__u64 *)task->stack.arena : 0;
	if (!counters || bpf_probe_read_user(counters, 8 * WF_AGENT_COUNTERS, page->counters)) {
		__sync_fetch_and_add(&totals.counters[WF_CNT_AGENT_UNREAD], process->agent_spans);
		return;
	}
	for (int i = 0; i < WF_AGENT_COUNTERS; i++)
		__sync_fetch_and_add(&totals.agent[i], counters[i]);
}

#endif
