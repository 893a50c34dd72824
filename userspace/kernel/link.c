/* SPDX-License-Identifier: Apache-2.0 */
#include "link.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TRACE_UPROBE_MULTI 48
#define LINK_CREATE        28
#define ENOTSUPP           524 /* the kernel's own: this instruction cannot carry a probe */

/* Tail of the kernel's bpf_attr for BPF_LINK_CREATE with uprobe_multi, newer than our headers. */
struct multi_attr {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t count, multi_flags, pid, pad;
};

void wf_link_close(struct wf_link_probe *link)
{
	if (link->fd >= 0)
		close(link->fd);
	for (uint32_t i = 0; i < link->perf_count; i++)
		bpf_link__destroy(link->perf[i]);
	free(link->perf);
	*link = (struct wf_link_probe){.fd = -1};
}

static int link_error(int code, const char *shown, pid_t pid, struct wf_err *err)
{
	if (code == EPERM || code == EACCES)
		return wf_err_set(err, code,
				  "'%s': probes are not permitted: run as root, or with CAP_BPF, "
				  "CAP_PERFMON and CAP_SYS_PTRACE",
				  shown);
	if (code == ESRCH)
		return wf_err_set(err, code, "process %d is gone", pid);
	if (code == ENOTSUPP)
		return wf_err_set(err, ENOSYS,
				  "'%s': the kernel refuses a probe on one of the instructions",
				  shown);
	return wf_err_set(err, code, "'%s': cannot attach: %s", shown, strerror(code));
}

static int link_multi(struct wf_kernel *kernel, const struct wf_link_sites *sites, pid_t pid,
		      struct wf_link_probe *link)
{
	struct multi_attr attr = {
		.prog_fd = wf_kernel_site_prog(kernel),
		.attach_type = TRACE_UPROBE_MULTI,
		.path = (uintptr_t)sites->path,
		.offsets = (uintptr_t)sites->offsets,
		.ref_ctr_offsets = (uintptr_t)sites->ref_counters,
		.cookies = (uintptr_t)sites->cookies,
		.count = sites->count,
		.pid = pid,
	};

	link->fd = syscall(SYS_bpf, LINK_CREATE, &attr, sizeof(attr));
	return link->fd < 0 ? -errno : 0;
}

static int link_perf(struct wf_kernel *kernel, const struct wf_link_sites *sites, pid_t pid,
		     struct wf_link_probe *link)
{
	link->perf = calloc(sites->count, sizeof(*link->perf));
	if (!link->perf)
		return -ENOMEM;
	for (uint32_t i = 0; i < sites->count; i++) {
		LIBBPF_OPTS(bpf_uprobe_opts, opts, .bpf_cookie = sites->cookies[i],
			    .ref_ctr_offset = sites->ref_counters ? sites->ref_counters[i] : 0);
		struct bpf_link *one = bpf_program__attach_uprobe_opts(
			wf_kernel_site_program(kernel), pid ? pid : -1, sites->path,
			sites->offsets[i], &opts);

		if (!one)
			return -errno;
		link->perf[link->perf_count++] = one;
	}
	return 0;
}

int wf_link_open(struct wf_kernel *kernel, const struct wf_link_sites *sites, pid_t pid,
		 const char *shown, struct wf_link_probe *ret, struct wf_err *err)
{
	struct wf_link_probe link = {.fd = -1};
	int rc;

	if (wf_kernel_tier(kernel) == WF_TIER_FULL)
		rc = link_multi(kernel, sites, pid, &link);
	else
		rc = link_perf(kernel, sites, pid, &link);
	if (rc < 0) {
		wf_link_close(&link);
		return link_error(-rc, shown, pid, err);
	}
	*ret = link;
	return 0;
}
