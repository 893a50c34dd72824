/* SPDX-License-Identifier: Apache-2.0 */
#include "aside.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "clock.h"

static void be_child(wf_aside_work work, void *context, int fd, pid_t parent)
{
	static const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
	FILE *out;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	/* a crash is an answer here: no core, no report */
	prctl(PR_SET_DUMPABLE, 0);
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		signal(deadly[i], SIG_DFL);
	out = fdopen(fd, "w");
	if (!out)
		_exit(1);
	work(context, out);
	_exit(fflush(out) ? 1 : 0);
}

/* 0 at the end of the answer. */
static int read_answer(int fd, unsigned timeout_ms, struct wf_buf *answer)
{
	uint64_t end_ns = wf_clock_monotonic_ns() + timeout_ms * 1000000ull;
	char part[16384];

	for (;;) {
		uint64_t now_ns = wf_clock_monotonic_ns();
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		int left_ms = now_ns < end_ns ? (int)((end_ns - now_ns + 999999) / 1000000) : 0;
		ssize_t n;

		if (!left_ms)
			return -ETIMEDOUT;
		if (poll(&ready, 1, left_ms) <= 0)
			continue;
		n = read(fd, part, sizeof(part));
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0 && wf_buf_append(answer, part, (size_t)n) < 0)
			return -E2BIG;
	}
}

int wf_aside_run(wf_aside_work work, void *context, unsigned timeout_ms, struct wf_buf *answer)
{
	wf_auto(wf_closep) int reader = -1;
	pid_t parent = getpid(), child;
	int pipes[2], status = 0, rc;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	reader = pipes[0];
	child = fork();
	if (child == 0)
		be_child(work, context, pipes[1], parent);
	rc = child < 0 ? -errno : 0;
	close(pipes[1]);
	if (rc < 0)
		return rc;
	rc = read_answer(reader, timeout_ms, answer);
	if (rc < 0)
		kill(child, SIGKILL);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (rc == 0 && (!WIFEXITED(status) || WEXITSTATUS(status)))
		return -EPROTO;
	return rc;
}
