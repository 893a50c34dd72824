/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h - one tracing session: wires the stages, owns threads and shutdown.
 *
 * The only file pair that knows all stages. Control thread. Order of life: new (rules, outputs,
 * features), add processes or a file, open (kernel side, data thread, probes, armed), loop, close
 * (disarm, drain, ledger). Freeing at any point leaves no probe behind.
 */
#ifndef WF_SESSION_H
#define WF_SESSION_H

#include <stdio.h>

#include "arming.h"
#include "launch.h"
#include "userspace/cli/config.h"

struct wf_session;

int wf_session_new(const struct wf_config *config, struct wf_session **ret, struct wf_err *err);
void wf_session_free(struct wf_session *session);

/* Take in the processes that -p and -n name, with their children. -ESRCH where there is none. */
int wf_session_add_processes(struct wf_session *session, struct wf_err *err);

/*
 * Plan, and refuse with a story on stderr where nothing matches: -ENOENT. file: the image that a
 * launched command will become, NULL = the processes taken in.
 */
int wf_session_plan(struct wf_session *session, const char *file, struct wf_err *err);
/* The plan, for --dry-run. */
const struct wf_wave *wf_session_wave(const struct wf_session *session);

/* Load, attach, arm. only: 0, or the process of a command that is still held. */
int wf_session_open(struct wf_session *session, pid_t only, struct wf_err *err);
/* The command was released: attach to what it maps, let it run, and say what found nothing yet. */
void wf_session_started(struct wf_session *session, struct wf_launch *launch);
/* Until a signal, the duration, the last process, or a broken output ends it. launch may be NULL.
 */
void wf_session_loop(struct wf_session *session, struct wf_launch *launch);
/* Leave the targets, drain, say which rules found nothing in a command, print the summary and the
 * ledger. */
int wf_session_close(struct wf_session *session, struct wf_err *err);

/* What an error means for the process's exit code (enum wf_exit). */
int wf_session_exit_code(const struct wf_err *err);

WF_DEFINE_FREEP(wf_session_freep, struct wf_session, wf_session_free)

#endif
