/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selftest.h - measures, in a disposable child, what probes cost on this machine and whether the
 * hazards that wftrace avoids are real here. Control thread only; takes a second at most.
 */
#ifndef WF_SELFTEST_H
#define WF_SELFTEST_H

#include <stdbool.h>
#include <stdint.h>

#include "feature.h"
#include "userspace/plan/plan.h"

struct wf_selftest {
	struct wf_costs costs;
	double bare_ns;                     /* a call without probes */
	uint64_t calls_made, calls_seen;    /* on two threads, through a pid filter */
	uint64_t outside_seen;              /* of a process that the filter leaves out */
	uint64_t shared_calls, shared_seen; /* entry and exit at one instruction, entry first */
	bool nop5_tried;
	uint64_t nop5_calls, nop5_broken; /* red zone overwritten */
	int nop5_fork_signal;             /* that ended a forked child, 0 = it lived */
};

/* Only the costs. */
int wf_selftest_costs(const struct wf_features *features, struct wf_costs *ret, struct wf_err *err);
/* Everything. */
int wf_selftest_run(const struct wf_features *features, struct wf_selftest *ret,
		    struct wf_err *err);

#endif
