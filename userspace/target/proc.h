/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc.h - what /proc says of one process. Names are the target's to choose: they may hold
 * spaces, parentheses and newlines. Control thread.
 */
#ifndef WF_PROC_H
#define WF_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define WF_PROC_NAMESPACES_MAX 32 /* the kernel's own limit */
#define WF_PROC_COMM_MAX       64 /* workers of the kernel have longer names than 15 */

struct wf_proc_stat {
	pid_t pid, ppid;
	char comm[WF_PROC_COMM_MAX];
	char state; /* R S D T Z X ... */
	bool kernel_thread;
	uint64_t start_time; /* clock ticks since boot */
};

struct wf_proc_status {
	pid_t tgid, tracer;
	uid_t uid; /* effective */
	gid_t gid;
	bool seccomp, shadow_stack;
	pid_t inner[WF_PROC_NAMESPACES_MAX]; /* its PIDs, from ours to its own namespace */
	size_t inner_count;
};

/* -ESRCH where it is gone, -EACCES where it is hidden, -EIO where the text is not understood. */
int wf_proc_stat(pid_t pid, struct wf_proc_stat *ret);
int wf_proc_status(pid_t pid, struct wf_proc_status *ret);
/* Pure parts of these, for tests. */
int wf_proc_parse_stat(const char *text, struct wf_proc_stat *ret);
int wf_proc_parse_status(const char *text, struct wf_proc_status *ret);

/* All PIDs of /proc, ascending; to be freed. */
int wf_proc_list(pid_t **ret, size_t *ret_count);
/* Target of a link in /proc/PID; its length, or -errno. */
ssize_t wf_proc_link(pid_t pid, const char *name, char *out, size_t size);

#endif
