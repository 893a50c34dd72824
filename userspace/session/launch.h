/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch.h - the command of `wftrace run`: started, held before its first instruction, released.
 *
 * The child inherits what wftrace inherited: descriptors, directory, signal mask and dispositions,
 * limits, environment. So prepare must be called before wftrace starts threads or changes how it
 * takes signals. Run by sudo (SUDO_UID) or with --user, the command gets that user's ids, groups,
 * HOME, USER and LOGNAME, and nothing else changes. Control thread only.
 */
#ifndef WF_LAUNCH_H
#define WF_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "userspace/cli/config.h"
#include "warden.h"

struct wf_launch {
	pid_t pid;      /* of the command, also before it is executed; 0 = none */
	int pid_fd;     /* readable once it ended; -1 = none */
	char *file;     /* the image that will run: for a script, its interpreter */
	int exit_code;  /* set when prepare or release fails, and by wait */
	int control_fd; /* to the held child, -1 once it runs */
	bool ended;
	struct wf_warden warden; /* while it may stand still for us */
};

void wf_launch_init(struct wf_launch *launch);
/* A child that was not released ends without running anything. One that runs is left alone. */
void wf_launch_done(struct wf_launch *launch);

/*
 * Find the command in PATH with the rights of its user, and hold a child that will become it.
 * On failure exit_code is what wftrace ends with: 125, 126 (not executable), 127 (not found).
 */
int wf_launch_prepare(const struct wf_config *config, struct wf_launch *launch, struct wf_err *err);
/* Let it run. Returns once it was executed, or why it was not (exit_code as above). */
int wf_launch_release(struct wf_launch *launch, struct wf_err *err);

/* The signals that a caller should take and hand to wf_launch_signal; ends with 0. */
extern const int wf_launch_signals[];
/*
 * Forward a signal that wftrace got; code and sender are its si_code and si_pid. What the terminal
 * sent reached the command already where both are in one process group, and what the command sent
 * does not go back to it. -ESRCH once it ended.
 */
int wf_launch_signal(const struct wf_launch *launch, int signal, int code, pid_t sender);

bool wf_launch_is_stopped(const struct wf_launch *launch);
/* It does not stop itself any more. */
void wf_launch_trust(struct wf_launch *launch);
/* Wait until the command is stopped: 0, -ETIMEDOUT, or -ECHILD where it ended. Then go on. */
int wf_launch_wait_stop(const struct wf_launch *launch, unsigned timeout_ms);
void wf_launch_continue(const struct wf_launch *launch);
/* 0 when the command has ended, and exit_code is its status, 128 + N for signal N. -EAGAIN. */
int wf_launch_wait(struct wf_launch *launch, bool block);

#endif
