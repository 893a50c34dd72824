/* SPDX-License-Identifier: Apache-2.0 */
#include "warden.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"

#define PIPE_FD 0
#define PID_FD  1
#define TIMES   10 /* the kernel programs that stop it may go a moment later than we */

void wf_warden_init(struct wf_warden *warden)
{
	*warden = (struct wf_warden){.fd = -1};
}

/* After a fork among threads: nothing but calls of the kernel. */
static __attribute__((noreturn)) void watch(int pipe_end, int pid_fd)
{
	const struct timespec pause = {.tv_nsec = 100000000};
	ssize_t n;
	char byte;

	if (dup2(pipe_end, PIPE_FD) < 0 || dup2(pid_fd, PID_FD) < 0 ||
	    close_range(PID_FD + 1, ~0U, 0) < 0)
		_exit(1);
	do {
		n = read(PIPE_FD, &byte, 1);
	} while (n < 0 && errno == EINTR);
	for (int i = 0; n == 0 && i < TIMES; i++) {
		if (pidfd_send_signal(PID_FD, SIGCONT, NULL, 0) < 0)
			break;
		nanosleep(&pause, NULL);
	}
	_exit(0);
}

int wf_warden_start(struct wf_warden *warden, int pid_fd)
{
	wf_auto(wf_closep) int end = -1;
	int pair[2], own;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	end = pair[0];
	warden->fd = pair[1];
	/* above the first three, wherever the pipe came to lie */
	own = fcntl(pid_fd, F_DUPFD_CLOEXEC, 3);
	warden->pid = own < 0 ? -1 : fork();
	if (!warden->pid)
		watch(end, own);
	if (own >= 0)
		close(own);
	if (warden->pid > 0)
		return 0;
	warden->pid = 0;
	close(wf_take_fd(&warden->fd));
	return -EAGAIN;
}

void wf_warden_end(struct wf_warden *warden)
{
	if (!warden->pid)
		return;
	if (write(warden->fd, "", 1) < 0)
		kill(warden->pid, SIGKILL);
	close(wf_take_fd(&warden->fd));
	while (waitpid(warden->pid, NULL, 0) < 0 && errno == EINTR)
		;
	warden->pid = 0;
}
