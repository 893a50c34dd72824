/* SPDX-License-Identifier: Apache-2.0 */
/*
 * party.h - all processes of a session that have a Python agent: in, armed, what they counted, out.
 * Control thread only.
 */
#ifndef WF_PYTHON_PARTY_H
#define WF_PYTHON_PARTY_H

#include "bpf/record.h"
#include "userspace/collect/mailbox.h"
#include "userspace/kernel/attach.h"
#include "userspace/rule/ruleset.h"
#include "userspace/target/target.h"

struct wf_party;

struct wf_party_config {
	const struct wf_ruleset *rules;
	struct wf_kernel *kernel;
	struct wf_attacher *attacher;
	struct wf_mailbox *inbox; /* gets DEFINE records */
	bool force;
};

struct wf_party_status {
	uint32_t entering, armed, failed; /* processes */
	uint32_t functions, refused;      /* functions of all of them */
	uint32_t waiting;                 /* names whose module is not there yet */
	struct wf_err err;                /* of the last that failed */
};

int wf_party_new(const struct wf_party_config *config, struct wf_party **ret, struct wf_err *err);
/* Takes back what waits; what is armed stays so, idle: leave first. */
void wf_party_free(struct wf_party *party);

/* Begin to go into a process. One that has no interpreter is no error to a party: see failed. */
void wf_party_enter(struct wf_party *party, const struct wf_target *target);
/*
 * A process began to run another image, which may turn out to be an interpreter. first: that has
 * run nothing of its program, and is asked to wait a moment for the probes.
 */
void wf_party_expect(struct wf_party *party, pid_t pid, bool first);
/* The same, of one that is stopped there, with its interpreter up: it is asked now. */
void wf_party_enter_first(struct wf_party *party, pid_t pid);
/*
 * A guest forked at that time (CLOCK_MONOTONIC): the child has its agent, if it was there. Any
 * other process is of no interest.
 */
void wf_party_forked(struct wf_party *party, pid_t parent, pid_t child, uint64_t time_ns);
/* A process ended; what its agent counted was read. */
void wf_party_gone(struct wf_party *party, pid_t pid);
/* It runs another image since that time (CLOCK_MONOTONIC); what was counted there is not known. */
void wf_party_replaced(struct wf_party *party, pid_t pid, uint64_t time_ns);
/* Do what can be done now. Call it every millisecond or so while `entering`. */
void wf_party_tick(struct wf_party *party);
/* An agent noted something: functions that came late, or that it has taken all back. */
void wf_party_noted(struct wf_party *party, const struct wf_rec_span *note);
/* Has a function of this rule been found in any of them? */
bool wf_party_found(const struct wf_party *party, uint32_t rule);
void wf_party_status(const struct wf_party *party, struct wf_party_status *ret);

/*
 * Disarm them all, within that time; those that do not come by go idle when the probes go. Then
 * close their links and add what their agents counted.
 */
void wf_party_leave(struct wf_party *party, uint64_t timeout_ns,
		    uint64_t counters[static WF_REC_AGENT_COUNTERS]);

WF_DEFINE_FREEP(wf_party_freep, struct wf_party, wf_party_free)

#endif
