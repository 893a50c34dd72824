/* SPDX-License-Identifier: Apache-2.0 */
/* process.h - the traced processes, each as it was when it was last looked at. Control thread only.
 */
#ifndef WF_PROCESS_H
#define WF_PROCESS_H

#include "userspace/target/target.h"

#define WF_PROCESSES_MAX 4096

struct wf_process {
	struct wf_target *target;
	uint64_t due_ns; /* look at it again then; 0 = with the others */
};

struct wf_processes {
	struct wf_process items[WF_PROCESSES_MAX];
	struct wf_target *targets[WF_PROCESSES_MAX]; /* the same, for those who want an array */
	uint32_t count;
};

void wf_processes_done(struct wf_processes *processes);

/* NULL where it is not among them. Valid until one is removed. */
struct wf_process *wf_processes_find(struct wf_processes *processes, pid_t pid);
/* One that is not among them yet. -ENOSPC, else as wf_target_open. */
int wf_processes_add(struct wf_processes *processes, pid_t pid, struct wf_err *err);
/* The last one takes its place. */
void wf_processes_remove(struct wf_processes *processes, struct wf_process *process);
/* Look at it again; true where it maps other files than before. */
bool wf_processes_has_changed(struct wf_processes *processes, uint32_t index);
/* Is one of them due? */
bool wf_processes_is_waiting(const struct wf_processes *processes);

#endif
