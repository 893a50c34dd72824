/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.h - one link: the sites of one file, filtered to one process or not. Control thread only.
 *
 * A uprobe_multi link in the full tier, a perf uprobe a site in the reduced one. Inside the attach
 * module.
 */
#ifndef WF_LINK_H
#define WF_LINK_H

#include <stdint.h>
#include <sys/types.h>

#include "kernel.h"
#include "userspace/base/err.h"

/* The sites of one file as the kernel wants them; borrowed. */
struct wf_link_sites {
	const char *path;
	const uint64_t *offsets, *cookies;
	const uint64_t *ref_counters; /* per site, 0 = none; NULL = none at all */
	uint32_t count;
};

struct wf_link_probe {
	int fd;                 /* multi link, or -1 */
	struct bpf_link **perf; /* reduced tier: one per site */
	uint32_t perf_count;
};

/* pid 0 = every process. `shown` names the file in messages. -E2BIG: as wf_kernel_new says. */
int wf_link_open(struct wf_kernel *kernel, const struct wf_link_sites *sites, pid_t pid,
		 const char *shown, struct wf_link_probe *ret, struct wf_err *err);
void wf_link_close(struct wf_link_probe *link);

#endif
