/* SPDX-License-Identifier: Apache-2.0 */
#include "departure.h"

#include <time.h>

#include "userspace/base/clock.h"

#define LEAVE_NS  1000000000ull /* for running calls to end */
#define STEP_MS   20
#define STILL_MAX 10 /* steps without any call ending: they hang */

/* Give running calls up to a second to end by themselves; those that hang do not hold us up. */
static void wait_for_calls(struct wf_kernel *kernel)
{
	struct wf_kernel_totals totals;
	uint64_t end_ns = wf_clock_monotonic_ns() + LEAVE_NS, before = UINT64_MAX;
	struct timespec pause = {.tv_nsec = STEP_MS * 1000000};
	unsigned still = 0;

	while (wf_clock_monotonic_ns() < end_ns && still < STILL_MAX) {
		if (wf_kernel_sweep(kernel, false, NULL) < 0)
			return;
		wf_kernel_totals(kernel, &totals);
		if (!totals.open_now)
			return;
		still = totals.open_now < before ? 0 : still + 1;
		before = totals.open_now;
		nanosleep(&pause, NULL);
	}
}

static void deliver_saved(void *context, const struct wf_rec_head *record)
{
	struct wf_mailbox *inbox = context;

	(void)wf_mailbox_put(inbox, record);
}

/* The order matters: the sweep may claim stacks because their owners run no probes any more. */
int wf_departure_run(const struct wf_departure *departure, struct wf_rec_ledger *ret,
		     struct wf_err *err)
{
	uint64_t agent[WF_REC_AGENT_COUNTERS] = {0};
	struct wf_kernel_totals totals;
	int rc;

	wf_kernel_disarm(departure->kernel);
	wait_for_calls(departure->kernel);
	wf_session_python_leave(departure->python, agent);
	wf_arming_detach(departure->arming);
	rc = wf_kernel_sweep(departure->kernel, true, err);
	wf_kernel_saved_stacks(departure->kernel, deliver_saved, departure->inbox);
	wf_kernel_stop_tracepoints(departure->kernel);
	wf_kernel_totals(departure->kernel, &totals);
	*ret = (struct wf_rec_ledger){
		.head = {.kind = WF_REC_LEDGER, .size = sizeof(*ret)},
		.open_now = totals.open_now,
	};
	ret->head.time_ns = wf_clock_monotonic_ns();
	for (int i = 0; i < WF_COUNTERS; i++)
		ret->counters[i] = totals.counters[i];
	for (int i = 0; i < WF_REC_AGENT_COUNTERS; i++)
		ret->agent[i] = totals.agent[i] + agent[i];
	return rc;
}
