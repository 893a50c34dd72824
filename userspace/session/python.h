/* SPDX-License-Identifier: Apache-2.0 */
/*
 * python.h - the Python part of a session: refuses what cannot be, brings the session's processes
 * into a party, judges what came of it, and sees them out. Does nothing where no rule is about
 * Python. Control thread only.
 */
#ifndef WF_SESSION_PYTHON_H
#define WF_SESSION_PYTHON_H

#include "arming.h"
#include "userspace/cli/config.h"
#include "userspace/python/party.h"

struct wf_session_python {
	const struct wf_config *config;
	const struct wf_ruleset *rules;
	struct wf_arming *arming;
	struct wf_party *party; /* NULL: no rule is about Python, or not started yet */
	uint32_t told;          /* functions that the arming counts already */
	pid_t held;
	bool announced;
};

/* Options that Python rules cannot be traced with. -EINVAL, -ENOTSUP. */
int wf_session_python_check(const struct wf_config *config, const struct wf_ruleset *rules,
			    struct wf_err *err);
/*
 * Go into the processes that run. Those that take longer than a moment are waited for by the ticks.
 * only: as in wf_session_open. After an error nothing stays armed.
 */
int wf_session_python_start(struct wf_session_python *python, struct wf_kernel *kernel,
			    struct wf_mailbox *inbox, pid_t only, struct wf_err *err);
/* Is it waited for processes that run already, before anything is announced? */
bool wf_session_python_is_entering(const struct wf_session_python *python);
/* Are there rules for it? */
bool wf_session_python_is_wanted(const struct wf_session_python *python);
/*
 * The process of a command that stops at each exec of it, and at the start of its interpreter: when
 * it is expected and entered is decided there. 0: there is none.
 */
void wf_session_python_hold(struct wf_session_python *python, pid_t pid);
/* It executed another image just now. */
void wf_session_python_replaced(struct wf_session_python *python, pid_t pid);
/* It stands where its interpreter is up, and nothing of its program has run. */
void wf_session_python_enter(struct wf_session_python *python, pid_t pid);
/* Is it waited for an interpreter that was asked? */
bool wf_session_python_is_going_in(const struct wf_session_python *python);
/*
 * A process that begins, which may turn out to be an interpreter. first: it is one, and has run
 * nothing of its program.
 */
void wf_session_python_expect(struct wf_session_python *python, pid_t pid, bool first);
void wf_session_python_on_process(struct wf_session_python *python,
				  const struct wf_rec_process *event);
/* What an agent noted, up to the end of the record stream; other kinds are of no interest. */
void wf_session_python_on_note(void *session_python, const struct wf_rec_head *record);
/* False where nothing can come of it any more, which was said then. */
bool wf_session_python_tick(struct wf_session_python *python);
/* True where the rule found a function, or, unless the session is over, still may. */
bool wf_session_python_found(const struct wf_session_python *python, uint32_t rule, bool over);
/* Disarm, which takes a second at most, and add what the agents counted. */
void wf_session_python_leave(struct wf_session_python *python,
			     uint64_t counters[static WF_REC_AGENT_COUNTERS]);
void wf_session_python_done(struct wf_session_python *python);

#endif
