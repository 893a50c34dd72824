/* SPDX-License-Identifier: Apache-2.0 */
#include "interrupt.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

int wf_interrupt_open(int *ret_fd, struct wf_err *err)
{
	sigset_t mask;

	sigemptyset(&mask);
	for (const int *signal = wf_launch_signals; *signal; signal++)
		sigaddset(&mask, *signal);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	*ret_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return *ret_fd < 0 ? wf_err_set(err, errno, "signals: %s", strerror(errno)) : 0;
}

bool wf_interrupt_take(int fd, struct wf_launch *launch)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (!launch)
			return info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM ||
			       info.ssi_signo == SIGHUP;
		(void)wf_launch_signal(launch, info.ssi_signo, info.ssi_code, info.ssi_pid);
	}
	return false;
}
