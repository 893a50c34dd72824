/* SPDX-License-Identifier: Apache-2.0 */
/*
 * headroom.h - do the probes fit into the memory that a target's cgroup may use? A probe makes the
 * page of text it sits on a private one of each process, charged to the process's cgroup. Reads
 * /proc and cgroup files. Control thread only.
 */
#ifndef WF_HEADROOM_H
#define WF_HEADROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wave.h"

/*
 * -ENOSPC with the reason where the pages that the wave's probes make private do not fit four times
 * into the memory limit of one of the targets' cgroups, counting all targets in it.
 */
int wf_headroom_check(const struct wf_wave *wave, struct wf_target *const *targets, uint32_t count,
		      struct wf_err *err);

/*
 * Pure part, for tests: the folder of the memory cgroup that the text of /proc/PID/cgroup names,
 * and whether it is one of version 1. False where it names none that can be reached from here.
 */
bool wf_headroom_folder(const char *cgroup, char *out, size_t size, bool *ret_v1);

#endif
