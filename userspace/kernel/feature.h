/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature.h - what this kernel and these privileges can do: asked of the kernel, never derived from
 * its version. Plain data once filled. Control thread only.
 */
#ifndef WF_FEATURE_H
#define WF_FEATURE_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel.h"
#include "userspace/base/err.h"

/* Answers of syscall 336, which exists where the kernel rewrites probed NOPs into calls. */
enum wf_nop5 {
	WF_NOP5_PLAIN,  /* no rewriting: safe, slower */
	WF_NOP5_UNSAFE, /* ENXIO: the rewrite breaks red zones and forked children */
	WF_NOP5_FIXED,  /* EPROTO: only 10-byte NOPs are rewritten, safely */
};

/* Capabilities that matter, as bits of wf_features.missing_caps. */
enum wf_cap {
	WF_CAP_BPF,
	WF_CAP_PERFMON,
	WF_CAP_SYS_PTRACE,
	WF_CAP_DAC_READ_SEARCH,
	WF_CAP_CHECKPOINT_RESTORE,
	WF_CAP_SYS_ADMIN,
	WF_CAPS,
};

struct wf_features {
	enum wf_tier tier;
	bool btf;
	bool cookies; /* a probe can carry a number: from Linux 5.15 on, with all else we need */
	bool uprobe_multi;
	bool pid_filter; /* a multi link's pid filter covers all threads of the process */
	bool host_pids;  /* our pid namespace is the initial one */
	enum wf_nop5 nop5;
	uint32_t effective_caps; /* bit per enum wf_cap */
	char release[65];
	char lockdown[32]; /* "none", "integrity", "confidentiality", "" = not built in */
};

/* Fills ret; fails only where nothing can be asked at all. */
int wf_feature_probe(struct wf_features *ret, struct wf_err *err);
/* Refuse (-EPERM, -ENOSYS) with what is missing and the cure, unless this kernel can trace. */
int wf_feature_require(const struct wf_features *features, struct wf_err *err);
const char *wf_cap_name(enum wf_cap cap);
/* Capabilities that the tier needs and we lack, as a bit mask. */
uint32_t wf_feature_missing_caps(const struct wf_features *features);

#endif
