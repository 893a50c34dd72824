/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warden.h - a small process that lets the command of `run` go on where wftrace is killed while the
 * command stands still for it. Control thread only.
 */
#ifndef WF_WARDEN_H
#define WF_WARDEN_H

#include <sys/types.h>

struct wf_warden {
	pid_t pid; /* 0 = none */
	int fd;    /* -1 = none */
};

void wf_warden_init(struct wf_warden *warden);
/* For the process of this descriptor; there may be threads already. -errno. */
int wf_warden_start(struct wf_warden *warden, int pid_fd);
/* It is needed no more. */
void wf_warden_end(struct wf_warden *warden);

#endif
