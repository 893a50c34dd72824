/* SPDX-License-Identifier: Apache-2.0 */
/* sleeper.h - a process to look at: sleep, or a copy of it. */
#ifndef WF_TEST_SLEEPER_H
#define WF_TEST_SLEEPER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "userspace/target/proc.h"

/* The pipe closes in the middle of execve, before the program has its arguments and environment:
 * it has them when it sleeps (or is gone, where this kernel cannot run it). */
static inline pid_t sleeper_start(const char *path, char *const environment[])
{
	struct wf_proc_stat stat;
	int fds[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		execle(path, path, "100", (char *)NULL, environment);
		_exit(127);
	}
	close(fds[1]);
	(void)!read(fds[0], &byte, 1);
	close(fds[0]);
	while (wf_proc_stat(pid, &stat) == 0 && stat.state != 'S' && stat.state != 'Z')
		sched_yield();
	return pid;
}

static inline void sleeper_stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

#endif
