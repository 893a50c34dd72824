/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * unwind.bpf.h - what makes frames die without an exit: exceptions, longjmp, stack switches.
 *
 * Without these hooks the next deeper traced call would become a child of a dead frame (measured:
 * 500 of 500). They sit on rare functions and cost nothing while nothing is thrown.
 */
#ifndef WF_UNWIND_BPF_H
#define WF_UNWIND_BPF_H

#include "bpf/stack.bpf.h"

#define STACK_BYTES_MAX     (64 << 20) /* a jump further up than this is no stack pointer of ours */
#define LIBGCC_CONTEXT_CFA  144        /* struct _Unwind_Context: 18 registers, then cfa */
#define JMP_BUF_RSP         48         /* glibc and musl: slot 6 */
#define GLIBC_POINTER_GUARD 0x30       /* fs:0x30 */
#define UNWIND_HEADER_BYTES 32         /* struct _Unwind_Exception; the object follows it */
#define DEPENDENT_PRIMARY   (-80)      /* __cxa_dependent_exception: first word before its header */
#define CLASS_DEPENDENT     0x474e5543432b2b01ULL /* "GNUCC++\1" */

static __always_inline __u64 user_word(struct wf_task *task, __u64 address)
{
	task->value = 0;
	if (bpf_probe_read_user(&task->value, 8, (void *)address))
		return 0;
	return task->value;
}

static __always_inline int plausible_sp(__u64 target, __u64 sp)
{
	return target > sp && target - sp < STACK_BYTES_MAX;
}

static __always_inline void on_throw(struct wf_task *task, __u64 object, __u64 type, __u64 now)
{
	struct wf_rec_exception *record;
	__u32 k = task->stack.depth - 1;
	void *target = cpu_ring();

	if (!target || k >= WF_FRAMES_MAX)
		return;
	record = bpf_ringbuf_reserve(target, sizeof(*record), 0);
	if (!record) {
		count(task, WF_CNT_OTHER_LOST);
		return;
	}
	record->head.kind = WF_REC_EXCEPTION;
	record->head.size = sizeof(*record);
	record->head.span = 0;
	record->head.time_ns = now;
	record->head.tid = task->tid;
	record->head.tgid = task->tgid;
	record->span_id = task->stack.frames[k].id;
	record->object = object;
	record->task_key = task->seed;
	record->vtable = user_word(task, type);
	for (int i = 0; i < 4; i++) {
		__u64 name = type ? user_word(task, type + 8) : 0;

		record->type[i][0] = 0;
		if (!name || bpf_probe_read_user_str(record->type[i], sizeof(record->type[i]),
						     (void *)name) < 0)
			record->type[i][0] = 0;
		type = type ? user_word(task, type + 16) : 0;
	}
	record->message[0] = 0;
	if (bpf_probe_read_user_str(record->message, sizeof(record->message),
				    (void *)user_word(task, object + 8)) < 0)
		record->message[0] = 0;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

/* arg1 is the unwind header; an exception_ptr's header names the object it shares. */
static __always_inline void on_raise(struct wf_task *task, __u64 header)
{
	if (user_word(task, header) == CLASS_DEPENDENT)
		task->exception = user_word(task, header + DEPENDENT_PRIMARY);
	else
		task->exception = header + UNWIND_HEADER_BYTES;
}

/* _Unwind_SetIP(context, ip): the frame that will go on is known, all below it are dead. */
static __always_inline void on_land(struct wf_task *task, __u64 context, __u64 sp, __u64 now,
				    __u32 alt)
{
	__u64 cfa = user_word(task, context + LIBGCC_CONTEXT_CFA);

	if (plausible_sp(cfa, sp))
		pop_dead(task, cfa, now, WF_END_THROW << 8 | alt, ~0u);
}

/* musl keeps the stack pointer as it is; glibc rotates it and mixes in a secret of the thread. */
static __always_inline void on_longjmp(struct wf_task *task, struct task_struct *current,
				       __u64 buffer, __u64 sp, __u64 now, __u32 alt)
{
	__u64 target = user_word(task, buffer + JMP_BUF_RSP);

	if (!plausible_sp(target, sp)) {
		target = target >> 17 | target << 47;
		target ^= user_word(task, current->thread.fsbase + GLIBC_POINTER_GUARD);
	}
	if (plausible_sp(target, sp))
		pop_dead(task, target, now, WF_END_JUMP << 8 | alt, ~0u);
}

/* The stack is left at this stack pointer; it comes back with the same one. */
__noinline int switch_out(__u64 sp, __u64 now)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct wf_task *task = bpf_task_storage_get(&tasks, current, 0, 0);
	struct wf_stack_key key = {.sp = sp};

	if (!task || !task->stack.depth)
		return 0;
	key.tgid = current->tgid;
	if (bpf_map_update_elem(&saved_stacks, &key, &task->stack, BPF_ANY)) {
		task->counters[WF_CNT_SWITCH_LOST] += task->stack.depth;
		pop_dead(task, 0, now, WF_END_DEAD << 8 | POP_ALL, ~0u);
	}
	task->stack.depth = 0;
	task->stack.arena_top = 0;
	task->stack.high_sp = 0;
	return 0;
}

__noinline int switch_in(__u64 sp, __u64 now)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct wf_task *task = bpf_task_storage_get(&tasks, current, 0, 0);
	struct wf_stack_key key = {.sp = sp};
	struct wf_stack *saved;

	if (!task)
		return 0;
	key.tgid = current->tgid;
	saved = bpf_map_lookup_elem(&saved_stacks, &key);
	if (!saved) {
		/* setcontext to a context that was not switched out: a jump on this stack */
		pop_dead(task, sp, now, WF_END_JUMP << 8, ~0u);
		return 0;
	}
	pop_dead(task, 0, now, WF_END_DEAD << 8 | POP_ALL, ~0u);
	bpf_probe_read_kernel(&task->stack, sizeof(task->stack), saved);
	bpf_map_delete_elem(&saved_stacks, &key);
	return 0;
}

#endif
