/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach.h - from a plan to live probes: writes specs into the maps and creates the links.
 *
 * One multi link per file and pid filter, since detaching costs up to 50 ms a link whatever its
 * size; perf uprobes in the reduced tier. Owns the links. Control thread only. Undo is closing:
 * wf_attacher_free (or the death of the process) leaves no probe behind.
 */
#ifndef WF_ATTACH_H
#define WF_ATTACH_H

#include <stdint.h>
#include <sys/types.h>

#include "kernel.h"
#include "userspace/base/cleanup.h"
#include "userspace/base/err.h"
#include "userspace/plan/plan.h"

struct wf_attacher;

#define WF_LINKS_PER_FILE_MAX 8

/* Whose calls of one file's functions are traced. */
struct wf_attach_scope {
	const pid_t *pids;  /* one filtered link each; NULL = one unfiltered link */
	uint32_t pid_count; /* at most WF_LINKS_PER_FILE_MAX */
	uint32_t ret_file;  /* set by wf_attach_plan: the file's number for wf_attach_process */
};

int wf_attacher_new(struct wf_kernel *kernel, struct wf_attacher **ret, struct wf_err *err);
void wf_attacher_free(struct wf_attacher *attacher);

/*
 * Attach a whole plan; scopes has plan->file_count entries. ret_span_ids has plan->span_count + 1
 * entries and gets the span id that records carry for each span id of the plan. Nothing stays
 * attached on failure. -ENOSPC where the maps have no room for more.
 */
int wf_attach_plan(struct wf_attacher *attacher, const struct wf_plan *plan,
		   struct wf_attach_scope *scopes, uint32_t *ret_span_ids, struct wf_err *err);
/* One more process for a file whose links are filtered. -E2BIG past WF_LINKS_PER_FILE_MAX. */
int wf_attach_process(struct wf_attacher *attacher, uint32_t file, pid_t pid, struct wf_err *err);
/* One unfiltered link in the place of a file's filtered ones. */
int wf_attach_widen(struct wf_attacher *attacher, uint32_t file, struct wf_err *err);
/* Drop the links filtered to a process that is gone. */
void wf_attach_forget(struct wf_attacher *attacher, pid_t pid);

#define WF_AGENT_SITES 3

/* Where the sites of a Python agent lie in its image: wf_site_span, _start, _note. */
struct wf_agent_sites {
	const char *path; /* that opens the image: /proc/PID/map_files/... */
	uint64_t offsets[WF_AGENT_SITES];
	uint64_t gate_offset; /* of its reference counter */
};

/* One unfiltered link: the image is mapped by this process and by what it forks. */
int wf_attach_agent(struct wf_attacher *attacher, const struct wf_agent_sites *sites,
		    uint32_t *ret_agent, struct wf_err *err);
/* Close the link of an agent, or of a file that has one. Its number may come again. */
void wf_attach_drop(struct wf_attacher *attacher, uint32_t file);
/* Close every link; hits in flight still run. */
void wf_attacher_detach(struct wf_attacher *attacher);
uint32_t wf_attacher_link_count(const struct wf_attacher *attacher);

WF_DEFINE_FREEP(wf_attacher_freep, struct wf_attacher, wf_attacher_free)

#endif
