/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target.h - processes to trace: identity, mapped files, refusals. Reads /proc, which is hostile
 * input where a target controls it. Control thread only.
 */
#ifndef WF_TARGET_H
#define WF_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "maps.h"
#include "userspace/base/arena.h"
#include "userspace/base/err.h"

struct wf_target {
	struct wf_arena *arena;
	pid_t pid, ppid;     /* in wftrace's pid namespace */
	pid_t inner_pid;     /* in its own */
	uint64_t start_time; /* clock ticks since boot: pid + start_time name a process */
	uid_t uid;
	gid_t gid;
	const char *comm;
	const char *exe;  /* as the target sees it, without " (deleted)" */
	const char *root; /* "/proc/PID/root" */
	bool is_32bit, exe_deleted, seccomp, traced_by_debugger;
	pid_t debugger;
	bool shadow_stack;
	struct wf_mapping *mappings; /* file-backed executable mappings, one per file */
	size_t mapping_count;
};

/*
 * Read one process. Refuses, with a sentence that says what and what to do: no such process (a
 * PID that exists only in another namespace is answered with its host PID), kernel thread, zombie,
 * 32-bit process, wftrace itself. -ESRCH, -ENOTSUP, -EACCES.
 */
int wf_target_open(pid_t pid, struct wf_target **ret, struct wf_err *err);
void wf_target_free(struct wf_target *target);
/* True while pid still names the same process. */
bool wf_target_alive(const struct wf_target *target);

/*
 * Mapped file whose base name matches the glob ("libsqlite3*") or is the name and an ending
 * ("libsqlite3" for libsqlite3.so.0.8.6); a pattern with a '/' is held against the whole path.
 * NULL pattern = the executable. `after` continues a search.
 */
const struct wf_mapping *wf_target_find(const struct wf_target *target, const char *pattern,
					const struct wf_mapping *after);

/* Why no process has this PID: "in a container it is ..." with the host PIDs; "" = unknown. */
void wf_target_in_other_namespace(pid_t pid, char *out, size_t size);

/*
 * All descendants; all whose comm or executable's base name is this (-ESRCH: none; wftrace itself
 * and kernel threads are left out). Arrays, by PID, to be freed.
 */
int wf_target_children(pid_t pid, pid_t **ret, size_t *ret_count, struct wf_err *err);
int wf_target_by_name(const char *name, pid_t **ret, size_t *ret_count, struct wf_err *err);
/* Processes that map this file executable (device and inode as in wf_mapping). */
int wf_target_mappers(uint64_t device, uint64_t inode, pid_t **ret, size_t *ret_count,
		      struct wf_err *err);

WF_DEFINE_FREEP(wf_target_freep, struct wf_target, wf_target_free)

#endif
