/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* reader.bpf.c - copies what the agent shows at its sites into a ring. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/agent.h"

struct seen {
	__u32 tgid, tid;
	__u64 site;
	__u8 bytes[WF_AGENT_BYTES_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 << 20);
} ring SEC(".maps");

__u64 hits, lost, faults;

static __always_inline int copy(void *from, __u64 site)
{
	struct seen *seen;
	__u16 size = 0;

	__sync_fetch_and_add(&hits, 1);
	bpf_probe_read_user(&size, sizeof(size), from);
	seen = bpf_ringbuf_reserve(&ring, sizeof(*seen), 0);
	if (!seen) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	seen->site = site;
	seen->tgid = bpf_get_current_pid_tgid() >> 32;
	seen->tid = (__u32)bpf_get_current_pid_tgid();
	if (size > WF_AGENT_BYTES_MAX || bpf_probe_read_user(seen->bytes, size, from))
		__sync_fetch_and_add(&faults, 1);
	bpf_ringbuf_submit(seen, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("uprobe") int on_span(struct pt_regs *ctx)
{
	return copy((void *)PT_REGS_PARM1(ctx), WF_AGENT_SPAN);
}

SEC("uprobe") int on_start(struct pt_regs *ctx)
{
	return copy((void *)PT_REGS_PARM1(ctx), WF_AGENT_START);
}

SEC("uprobe") int on_note(struct pt_regs *ctx)
{
	return copy((void *)PT_REGS_PARM1(ctx), 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
