/* SPDX-License-Identifier: Apache-2.0 */
/* interrupt.h - the signals that end a session, or are passed on to its command. Control thread. */
#ifndef WF_INTERRUPT_H
#define WF_INTERRUPT_H

#include "launch.h"

/*
 * From now on signals come by an fd. They stay blocked until the process ends: a second Ctrl-C must
 * not turn a session that was closed well into a death by signal.
 */
int wf_interrupt_open(int *ret_fd, struct wf_err *err);
/* True where a signal ends the session. With a launched command (or NULL) it is the command's. */
bool wf_interrupt_take(int fd, struct wf_launch *launch);

#endif
