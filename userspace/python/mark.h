/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mark.h - where an agent lies: its sites in the image that we carry, and its image in a process.
 * What is read of a process is hostile input. Control thread.
 */
#ifndef WF_PYTHON_MARK_H
#define WF_PYTHON_MARK_H

#include "bpf/agent.h"
#include "userspace/kernel/attach.h"

struct wf_mark {
	char path[96]; /* that opens the image: sites.path */
	struct wf_agent_sites sites;
	uint64_t device, inode; /* of the image: forked processes share it */
	uint64_t anchor;        /* addresses in the process */
	uint64_t page;
	uint32_t armed; /* functions */
};

/* -ENOENT: no image of ours is mapped there; -EBADMSG: its anchor is not as we know it. */
int wf_mark_find(pid_t pid, struct wf_mark *ret, struct wf_err *err);
/* The agent's counters; zeros in a child that has not used them. -EFAULT, -ESRCH. */
int wf_mark_counters(pid_t pid, uint64_t page, uint64_t out[static WF_AGENT_COUNTERS]);
/* Nonce of the tracer that the agent is armed for; 0: for none, or it cannot be read. */
uint64_t wf_mark_owner(pid_t pid, const struct wf_mark *mark);
/* CLOCK_MONOTONIC there - here, modulo 2^64: it may live in a time namespace. */
uint64_t wf_mark_clock_offset(pid_t pid);

#endif
