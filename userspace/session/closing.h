/* SPDX-License-Identifier: Apache-2.0 */
/* closing.h - the end of a session: summary, ledger, and what went wrong. Control thread only. */
#ifndef WF_CLOSING_H
#define WF_CLOSING_H

#include "exporter/exporter.h"
#include "userspace/cli/config.h"
#include "userspace/collect/assemble.h"

struct wf_closing {
	const struct wf_config *config;
	const struct wf_exporter *exporter; /* stopped */
	const struct wf_rec_ledger *record;
	const struct wf_assembler_counters *assembler;
	uint64_t lost_before, lost_handover;
	uint64_t dropped_by_rule, events_dropped_by_rule; /* before the assembler saw them */
	const struct wf_err *recording_error;             /* code 0 = none; may be NULL */
	bool cut; /* the record stream ended before its ledger: there is none to print */
};

/* Before anything is armed: can --ledger FILE be written? -EIO where not. Leaves no file. */
int wf_closing_check(const struct wf_config *config, struct wf_err *err);

/*
 * Print the closing table and the ledger (stderr), write --ledger FILE. -EIO where an output
 * failed for good or spans or log records were lost on the way to it, with the reason.
 */
int wf_closing_report(const struct wf_closing *closing, struct wf_err *err);

#endif
