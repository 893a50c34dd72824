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
#include <sys/wait.h>
#include <unistd.h>

/* A pipe closes when it has become the program, and so this returns then. */
static inline pid_t sleeper_start(const char *path, char *const environment[])
{
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
	return pid;
}

static inline void sleeper_stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

#endif
