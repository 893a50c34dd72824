/* SPDX-License-Identifier: Apache-2.0 */
/*
 * data.h - the data thread: rings -> order -> (recording) -> assembler -> exporter.
 *
 * The control thread talks to it only through the inbox (RESOURCE, DEFINE records) and hears of
 * forks, execs, exits and what agents note through the outbox. The driver is the one impure part:
 * it reads the clock and writes what it read into the stream as CLOCK and TICK records.
 */
#ifndef WF_DATA_H
#define WF_DATA_H

#include "assemble.h"
#include "mailbox.h"
#include "order.h"
#include "recording.h"
#include "userspace/kernel/ring.h"

struct wf_data;

struct wf_data_config {
	struct wf_kernel *kernel;
	const struct wf_ruleset *rules;
	struct wf_recording *recording; /* may be NULL */
	struct wf_mailbox *inbox, *outbox;
	/* Where finished batches go; owns the reference. Called on the data thread. */
	void (*push)(void *context, struct wf_batch *batch);
	void *push_context;
	bool drop_privileges; /* the thread needs none */
};

int wf_data_start(const struct wf_data_config *config, struct wf_data **ret, struct wf_err *err);
/* Drain what is left, finish the stream with a LEDGER record, join the thread. */
void wf_data_stop(struct wf_data *data, const struct wf_rec_ledger *ledger);
void wf_data_free(struct wf_data *data);

/* After stop. */
const struct wf_assembler_counters *wf_data_assembler_counters(const struct wf_data *data);
const struct wf_order_counters *wf_data_order_counters(const struct wf_data *data);
uint64_t wf_data_malformed(const struct wf_data *data);
/* First failure of the recording, code 0 = none. */
const struct wf_err *wf_data_recording_error(const struct wf_data *data);

WF_DEFINE_FREEP(wf_data_freep, struct wf_data, wf_data_free)

#endif
