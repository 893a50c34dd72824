// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * wftrace.bpf.c - the kernel programs. One program interprets every probe site by the spec that its
 * attach cookie names, so adding a probe adds data and no program; three tracepoints keep the set
 * of processes and end stacks; one iterator announces and collects open calls.
 */
#include "bpf/python.bpf.h"
#include "bpf/process.bpf.h"
#include "bpf/site.bpf.h"
#include "bpf/unwind.bpf.h"

#define SIGNAL_STOP 19 /* SIGSTOP */

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/*
 * The task's state, if its process is traced. The process set is a hash, read only where the task
 * has no state yet or the set has changed (a hash read on every hit costs 60-90 ns).
 */
static __always_inline struct wf_task *traced_task(struct task_struct *current, int may_create,
						   int *ret_outside)
{
	struct wf_task *task = bpf_task_storage_get(&tasks, current, 0, 0);
	struct wf_process *process;
	__u32 tgid = current->tgid;

	*ret_outside = 0;
	if (task && task->epoch == control.epoch)
		return task;
	process = bpf_map_lookup_elem(&processes, &tgid);
	if (!process) {
		count_total(WF_CNT_NOT_IN_SET);
		*ret_outside = 1;
		return 0;
	}
	if (!task && may_create)
		task = bpf_task_storage_get(&tasks, current, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (task) {
		task->epoch = control.epoch;
		task->stack.high_sp = 0;
		task->agent_page = process->agent_page;
		task->clock_offset_ns = process->clock_offset_ns;
	}
	return task;
}

static __always_inline int on_rare(struct pt_regs *ctx, struct wf_task *task,
				   struct task_struct *current, struct wf_spec *spec)
{
	__u64 sp = ctx->sp, arg1 = ctx->di, now = bpf_ktime_get_ns();
	__u32 alt = on_alt_stack(current, sp);

	switch (spec->kind) {
	case WF_SITE_THROW:
		on_throw(task, arg1, ctx->si, now);
		break;
	case WF_SITE_RAISE:
		on_raise(task, arg1);
		break;
	case WF_SITE_LAND:
		on_land(task, arg1, sp, now, alt);
		break;
	case WF_SITE_CATCH:
		pop_dead(task, sp, now, WF_END_THROW << 8 | POP_EQUAL | alt, ~0u);
		break;
	case WF_SITE_LONGJMP:
		on_longjmp(task, current, arg1, sp, now, alt);
		break;
	case WF_SITE_SWITCH_OUT:
		switch_out(sp, now);
		break;
	}
	return 0;
}

static __always_inline int opens(__u32 kind)
{
	return kind == WF_SITE_ENTER || kind == WF_SITE_OPEN;
}

static __always_inline int is_agent(__u32 kind)
{
	return kind >= WF_SITE_AGENT_SPAN && kind <= WF_SITE_AGENT_NOTE;
}

static __always_inline int closes(__u32 kind)
{
	return kind == WF_SITE_BRANCH || kind == WF_SITE_RET || kind == WF_SITE_TAIL_JUMP ||
	       kind == WF_SITE_CLOSE;
}

/* Hits that need no task: nothing to do, or not this time. */
static __always_inline int is_idle(struct pt_regs *ctx, struct wf_spec *spec, __u32 kind)
{
	if (opens(kind) && !control.armed)
		return 1;
	return (kind == WF_SITE_BRANCH || kind == WF_SITE_TAIL_JUMP) && !branch_leaves(ctx, spec);
}

/* A closing site whose guards say no this time. */
static __always_inline int is_no_close(struct pt_regs *ctx, struct wf_task *task,
				       struct wf_spec *spec, __u32 index)
{
	return spec->guard_count && task && !guards_hold(ctx, task, index);
}

/* Our own child, before it runs anything of its program; the session lets it go on. */
static __always_inline void hold(__u32 reason)
{
	control.held = reason;
	bpf_send_signal(SIGNAL_STOP);
}

/* Sites that neither open nor close a frame. */
static __always_inline int on_other(struct pt_regs *ctx, struct wf_task *task,
				    struct task_struct *current, struct wf_spec *spec, __u32 index)
{
	if (spec->kind == WF_SITE_START) {
		hold(WF_HELD_SITE);
		return 0;
	}
	if (!task)
		return 0;
	if (spec->kind == WF_SITE_SWITCH_IN)
		return switch_in(ctx->sp, bpf_ktime_get_ns());
	if (!task->stack.depth)
		return 0;
	if (spec->kind == WF_SITE_EVENT)
		return control.armed ? on_event(ctx, task, index) : 0;
	return on_rare(ctx, task, current, spec);
}

/* A call whose task got no state: there was no memory for it. */
static __always_inline int count_stateless(__u32 kind)
{
	if (kind == WF_SITE_AGENT_START || kind == WF_SITE_AGENT_NOTE)
		return 0;
	count_total(WF_CNT_ENTRIES);
	count_total(WF_CNT_STATE_FULL);
	if (kind == WF_SITE_AGENT_SPAN)
		count_total(WF_CNT_AGENT_SPANS);
	return 0;
}

SEC("uprobe")
int on_site(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx);
	__u32 index = cookie, kind;
	struct task_struct *current;
	struct wf_task *task;
	struct wf_spec *spec;
	int outside;

	spec = bpf_map_lookup_elem(&specs, &index);
	if (!spec)
		return 0;
	if (control.generation[spec->file & (WF_FILES_MAX - 1)] != cookie >> 32) {
		count_total(WF_CNT_STALE);
		return 0;
	}
	if (control.never)
		bpf_tail_call(ctx, &never_site, 0);
	kind = spec->kind;
	if (is_idle(ctx, spec, kind))
		return 0;
	current = bpf_get_current_task_btf();
	task = traced_task(current, opens(kind) || is_agent(kind), &outside);
	if (outside)
		return 0;
	if (is_agent(kind))
		return task ? on_agent(ctx, task, kind, cookie >> 32) : count_stateless(kind);
	if (closes(kind) && is_no_close(ctx, task, spec, index))
		return 0;
	if (closes(kind))
		return on_leave(ctx, task, spec, index);
	if (!opens(kind))
		return on_other(ctx, task, current, spec, index);
	return task ? on_enter(ctx, task, current, spec, index, cookie >> 32)
		    : count_stateless(kind);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 tgid = parent->tgid, child_tgid = child->tgid;
	struct wf_process *process;
	struct wf_task *task;

	if (control.never)
		bpf_tail_call(ctx, &never_fork, 0);
	process = bpf_map_lookup_elem(&processes, &tgid);
	if (!process)
		return 0;
	task = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), 0, 0);
	if (tgid != child_tgid) {
		if (control.follow)
			add_child(process, child_tgid);
		emit_process(task, parent, child, WF_PROC_FORK, 0);
	} else if (task && task->stack.depth) {
		emit_process(task, parent, child, WF_PROC_THREAD, 0);
	}
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *doer)
{
	struct wf_process *process;
	__u32 tgid = doer->tgid;
	struct wf_task *task;

	if (control.never)
		bpf_tail_call(ctx, &never_exec, 0);
	process = bpf_map_lookup_elem(&processes, &tgid);
	if (!process)
		return 0;
	process->agent_page = 0;
	/* what the agent of the old image counted went with its memory */
	__sync_fetch_and_add(&totals.counters[WF_CNT_AGENT_UNREAD], process->agent_spans);
	process->agent_spans = 0;
	task = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), 0, 0);
	if (task) {
		finish_stack(task, bpf_get_current_task_btf(), WF_END_EXEC);
		__sync_fetch_and_add(&totals.counters[WF_CNT_AGENT_UNREAD],
				     task->counters[WF_CNT_AGENT_SPANS]);
		flush_counters(task);
		/* a new image, a new identity: the next entry starts afresh */
		task->seed = 0;
		task->stack.high_sp = 0;
		task->agent_page = 0;
	}
	emit_process(0, doer, 0, WF_PROC_EXEC, 0);
	if (control.hold_tgid == tgid)
		hold(WF_HELD_EXEC);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *doer)
{
	__u32 tgid = doer->tgid;
	struct wf_process *process;
	struct wf_task *task;

	if (control.never)
		bpf_tail_call(ctx, &never_exit, 0);
	process = bpf_map_lookup_elem(&processes, &tgid);
	task = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), 0, 0);
	if (task) {
		finish_stack(task, bpf_get_current_task_btf(), WF_END_THREAD_EXIT);
		if (process)
			__sync_fetch_and_add(&process->agent_spans,
					     task->counters[WF_CNT_AGENT_SPANS]);
		flush_counters(task);
	}
	if (doer->signal->live.counter == 0 && process) {
		read_agent_counters(process, task);
		bpf_map_delete_elem(&processes, &tgid);
		emit_process(0, doer, 0, WF_PROC_EXIT, doer->exit_code);
	}
	return 0;
}

/* Once a second: announce calls that run long, add up live counters. At the end: take everything.
 */
SEC("iter/task")
int on_sweep(struct bpf_iter__task *ctx)
{
	struct task_struct *swept = ctx->task;
	struct wf_spill *spill;
	struct wf_task *task;
	__u64 now;

	if (!swept)
		return 0;
	task = bpf_task_storage_get(&tasks, swept, 0, 0);
	if (!task)
		return 0;
	if (control.sweep_final) {
		finish_stack(task, swept, WF_END_UNFINISHED);
		flush_counters(task);
		return 0;
	}
	now = bpf_ktime_get_ns();
	spill = bpf_task_storage_get(&spills, swept, 0, 0);
	for (int i = 0; i < WF_COUNTERS; i++)
		if (task->counters[i])
			__sync_fetch_and_add(&totals.live[i], task->counters[i]);
	for (__u32 k = 0; k < WF_FRAMES_MAX; k++) {
		struct wf_frame *frame = &task->stack.frames[k];

		if (k >= task->stack.depth)
			break;
		if (frame->flags & WF_FRAME_QUIET)
			continue;
		__sync_fetch_and_add(&totals.open_now, 1);
		/* its task runs meanwhile, so a call may have begun after `now` */
		if (frame->announced || frame->start_ns + control.open_age_ns > now)
			continue;
		frame->announced = 1;
		if (emit_frame(task, spill, k, now, WF_REC_OPEN << 8 | WF_END_OPEN))
			count_total(WF_CNT_OPEN_ANNOUNCED);
		else
			count_total(WF_CNT_OTHER_LOST);
	}
	return 0;
}
