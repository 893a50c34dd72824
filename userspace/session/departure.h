/* SPDX-License-Identifier: Apache-2.0 */
/* departure.h - leaving the targets: nothing of ours runs in them afterwards. Control thread. */
#ifndef WF_DEPARTURE_H
#define WF_DEPARTURE_H

#include "python.h"
#include "userspace/kernel/kernel.h"

struct wf_departure { /* all borrowed */
	struct wf_kernel *kernel;
	struct wf_arming *arming;
	struct wf_session_python *python;
	struct wf_mailbox *inbox; /* gets what is still open */
};

/*
 * No more entries, let calls end (a second at most), take the probes away, collect what is still
 * open. ret: the counters of it all, also where the last sweep failed.
 */
int wf_departure_run(const struct wf_departure *departure, struct wf_rec_ledger *ret,
		     struct wf_err *err);

#endif
