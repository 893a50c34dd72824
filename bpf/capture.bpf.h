/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * capture.bpf.h - values of the target: registers and memory by struct wf_source, never faulting
 * a page in. A page that is not resident costs the value, counted; a faulting read could hang the
 * target, and with it every detach on the machine, in userfaultfd or FUSE.
 */
#ifndef WF_CAPTURE_BPF_H
#define WF_CAPTURE_BPF_H

#include "bpf/maps.bpf.h"
#include "bpf/source.h"

/* The barrier keeps the compiler from computing one offset into ctx, which the verifier refuses. */
#define REGISTER(number, field)                                                                    \
	case number:                                                                               \
		value = ctx->field;                                                                \
		WF_OPAQUE(value);                                                                  \
		return value

__noinline __u64 register_value(struct pt_regs *ctx, __u32 reg)
{
	__u64 value;

	switch (reg) {
		REGISTER(WF_REG_RAX, ax);
		REGISTER(WF_REG_RDX, dx);
		REGISTER(WF_REG_RCX, cx);
		REGISTER(WF_REG_RBX, bx);
		REGISTER(WF_REG_RSI, si);
		REGISTER(WF_REG_RDI, di);
		REGISTER(WF_REG_RBP, bp);
		REGISTER(WF_REG_RSP, sp);
		REGISTER(WF_REG_R8, r8);
		REGISTER(WF_REG_R9, r9);
		REGISTER(WF_REG_R10, r10);
		REGISTER(WF_REG_R11, r11);
		REGISTER(WF_REG_R12, r12);
		REGISTER(WF_REG_R13, r13);
		REGISTER(WF_REG_R14, r14);
		REGISTER(WF_REG_R15, r15);
		REGISTER(WF_REG_RIP, ip);
	default:
		return 0;
	}
}

static __always_inline __u64 narrow(__u64 value, __u32 type)
{
	switch (type) {
	case WF_SRC_I8:
		return (__s64)(__s8)value;
	case WF_SRC_I16:
		return (__s64)(__s16)value;
	case WF_SRC_I32:
		return (__s64)(__s32)value;
	case WF_SRC_U8:
		return (__u8)value;
	case WF_SRC_U16:
		return (__u16)value;
	case WF_SRC_U32:
	case WF_SRC_F32:
		return (__u32)value;
	case WF_SRC_BOOL:
		return (__u8)value != 0;
	default:
		return value;
	}
}

/* Leaves the value, or the address of a string, in task->value. -1: a page is not resident. */
__noinline int source_value(struct pt_regs *ctx, struct wf_task *task, struct wf_source *source)
{
	__u32 type, steps;
	__u64 value;

	if (!task || !source)
		return -1;
	type = source->type;
	steps = source->steps;
	value = source->reg == WF_REG_NONE ? (__u64)source->constant
					   : register_value(ctx, source->reg);
	if (source->index_reg != WF_REG_NONE)
		value += register_value(ctx, source->index_reg) * source->scale;
	for (int i = 0; i < WF_STEPS_MAX; i++) {
		void *address;

		if (i >= steps)
			break;
		address = (void *)(value + (__s64)source->offset[i]);
		task->value = 0;
		if (i == steps - 1) {
			if (type == WF_SRC_CHARS || type == WF_SRC_STDSTRING) {
				task->value = (__u64)address;
				return 0;
			}
			if (bpf_probe_read_user(&task->value, wf_src_width(type), address))
				return -1;
		} else if (bpf_probe_read_user(&task->value, 8, address)) {
			return -1;
		}
		value = task->value;
	}
	task->value = narrow(value, type);
	return 0;
}

static __always_inline __u32 value_type(__u32 type)
{
	if (type >= WF_SRC_I8 && type <= WF_SRC_I64)
		return WF_VAL_I64;
	if (type == WF_SRC_BOOL)
		return WF_VAL_BOOL;
	if (type == WF_SRC_F32)
		return WF_VAL_F32;
	if (type == WF_SRC_F64)
		return WF_VAL_F64;
	if (type == WF_SRC_POINTER)
		return WF_VAL_POINTER;
	return WF_VAL_U64;
}

/*
 * Read the string at task->value into `to`, at most max (<= limit, a constant) bytes with the NUL.
 * Returns its length or -1. full gets the length in the target where it is known.
 */
static __always_inline long read_string(struct wf_task *task, __u32 type, void *to, __u32 max,
					__u32 limit, __u32 *full)
{
	__u32 bytes;
	__u64 address = task->value;
	long n;

	if (!address)
		return -1;
	if (type != WF_SRC_STDSTRING) {
		n = bpf_probe_read_user_str(to, max, (void *)address);
		if (n < 0)
			return -1;
		n = n > 0 ? n - 1 : 0;
		*full = n;
		return n;
	}
	/* libstdc++: pointer to the bytes, then their number */
	if (bpf_probe_read_user(&task->value, 16, (void *)address))
		return -1;
	bytes = task->value2 < max ? task->value2 : max;
	*full = task->value2 > 0xffffffff ? 0xffffffff : task->value2;
	WF_OPAQUE(bytes); /* the verifier wants to see the bound right here */
	if (bytes > limit)
		return -1;
	if (bytes && bpf_probe_read_user(to, bytes, (void *)task->value))
		return -1;
	return bytes;
}

static __always_inline void put_head(__u8 *at, __u32 type, __u32 slot, __u32 len, __u32 full)
{
	*(__u64 *)at = type | slot << 8 | (__u64)len << 16 | (__u64)full << 32;
}

#define CAPTURE_FAULT -1
#define CAPTURE_FULL  -2

/* Write one value at `top` of the inline arena. Returns bytes used or CAPTURE_*. */
__noinline int capture_inline(struct pt_regs *ctx, struct wf_task *task, __u32 index, __u32 top)
{
	struct wf_capture *capture = bpf_map_lookup_elem(&captures, &index);
	__u32 max, full = 0, type;
	long n;

	if (!task || !capture || top > WF_ARENA_BYTES - 16)
		return CAPTURE_FULL;
	if (source_value(ctx, task, &capture->source))
		return CAPTURE_FAULT;
	type = capture->source.type;
	if (type < WF_SRC_CSTRING) {
		put_head(task->stack.arena + top, value_type(type), capture->slot, 8, 8);
		*(__u64 *)(task->stack.arena + top + 8) = task->value;
		return 16;
	}
	max = capture->max_bytes;
	if (max > WF_ARENA_BYTES - 8 - top)
		max = WF_ARENA_BYTES - 8 - top;
	if (max < 8)
		return CAPTURE_FULL;
	if (max > WF_ARENA_SLACK)
		max = WF_ARENA_SLACK;
	n = read_string(task, type, task->stack.arena + top + 8, max, WF_ARENA_SLACK, &full);
	if (n < 0)
		return CAPTURE_FAULT;
	put_head(task->stack.arena + top, WF_VAL_STRING, capture->slot, n, full);
	return 8 + ((n + 7) & ~7);
}

/* The same in the 4 KiB arena. */
__noinline int capture_spill(struct pt_regs *ctx, struct wf_task *task, __u32 index, __u32 top)
{
	struct wf_capture *capture = bpf_map_lookup_elem(&captures, &index);
	struct wf_spill *spill = bpf_task_storage_get(&spills, bpf_get_current_task_btf(), 0, 0);
	__u32 max, full = 0, type;
	long n;

	if (!task || !capture || !spill || top > WF_SPILL_BYTES - 16)
		return CAPTURE_FULL;
	if (source_value(ctx, task, &capture->source))
		return CAPTURE_FAULT;
	type = capture->source.type;
	if (type < WF_SRC_CSTRING) {
		put_head(spill->bytes + top, value_type(type), capture->slot, 8, 8);
		*(__u64 *)(spill->bytes + top + 8) = task->value;
		return 16;
	}
	max = capture->max_bytes;
	if (max > WF_SPILL_BYTES - 8 - top)
		max = WF_SPILL_BYTES - 8 - top;
	if (max < 8)
		return CAPTURE_FULL;
	if (max > WF_CAPTURE_BYTES_MAX)
		max = WF_CAPTURE_BYTES_MAX;
	n = read_string(task, type, spill->bytes + top + 8, max, WF_CAPTURE_BYTES_MAX, &full);
	if (n < 0)
		return CAPTURE_FAULT;
	put_head(spill->bytes + top, WF_VAL_STRING, capture->slot, n, full);
	return 8 + ((n + 7) & ~7);
}

/* Capture the spec's values behind those that frame k (WF_FRAMES_MAX = scratch) has already. */
__noinline int capture_values(struct pt_regs *ctx, struct wf_task *task, __u32 index, __u32 k)
{
	struct wf_spec *spec = bpf_map_lookup_elem(&specs, &index);
	struct wf_spill *spill = 0;
	struct wf_frame *frame;
	__u32 top;

	if (!task || !spec)
		return 0;
	frame = frame_at(task, k);
	if (!frame)
		return 0;
	top = task->stack.arena_top;
	if (!frame->attr_len && spec->flags & WF_SPEC_SPILL)
		frame->flags |= WF_FRAME_SPILL;
	if (frame->flags & WF_FRAME_SPILL) {
		spill = bpf_task_storage_get(&spills, bpf_get_current_task_btf(), 0,
					     BPF_LOCAL_STORAGE_GET_F_CREATE);
		if (!spill) {
			count(task, WF_CNT_ARENA_FULL);
			return 0;
		}
		top = spill->top;
	}
	if (!frame->attr_len)
		frame->attr_off = top;
	for (int i = 0; i < WF_CAPTURES_MAX; i++) {
		__u32 capture = spec->capture_first + i;
		int used;

		if (i >= spec->capture_count)
			break;
		used = spill ? capture_spill(ctx, task, capture, top)
			     : capture_inline(ctx, task, capture, top);
		if (used < 0) {
			count(task, used == CAPTURE_FAULT ? WF_CNT_READ_FAULT : WF_CNT_ARENA_FULL);
			frame->flags |= WF_FRAME_LOST;
			continue;
		}
		top += used;
	}
	frame->attr_len = top - frame->attr_off;
	if (spill)
		spill->top = top;
	else
		task->stack.arena_top = top;
	return 0;
}

/* Do the guards of this spec let the call through? An unreadable value makes its compare false. */
__noinline int guards_hold(struct pt_regs *ctx, struct wf_task *task, __u32 index)
{
	struct wf_spec *spec = bpf_map_lookup_elem(&specs, &index);
	int any;

	if (!task || !spec)
		return 0;
	any = spec->flags & WF_SPEC_GUARD_ANY;
	for (int i = 0; i < WF_GUARDS_MAX; i++) {
		__u32 number = spec->guard_first + i;
		struct wf_guard *guard;
		int holds;

		if (i >= spec->guard_count)
			break;
		guard = bpf_map_lookup_elem(&guards, &number);
		if (!guard)
			return 0;
		holds = !source_value(ctx, task, &guard->source) &&
			wf_src_compare(guard->compare, guard->source.type, task->value,
				       guard->value);
		if (any && holds)
			return 1;
		if (!any && !holds)
			return 0;
	}
	return !any;
}

#endif
