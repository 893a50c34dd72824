/* SPDX-License-Identifier: Apache-2.0 */
#include "launch.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "identity.h"
#include "program.h"
#include "userspace/base/cleanup.h"
#include "userspace/base/log.h"

const int wf_launch_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, 0};

/* What the child says: first what it found, then, only if exec fails, why. */
enum stage { STAGE_USER, STAGE_FIND, STAGE_FOUND, STAGE_EXEC };

struct message {
	int32_t stage;
	int32_t error; /* errno */
	char path[PATH_MAX];
};

void wf_launch_init(struct wf_launch *launch)
{
	*launch = (struct wf_launch){.pid_fd = -1, .control_fd = -1};
	wf_warden_init(&launch->warden);
}

void wf_launch_done(struct wf_launch *launch)
{
	/* A held child would leave by itself, unless somebody stopped it. */
	if (launch->control_fd >= 0 && launch->pid > 0 && !launch->ended) {
		kill(launch->pid, SIGKILL);
		wf_launch_wait(launch, true);
	}
	wf_warden_end(&launch->warden);
	wf_closep(&launch->control_fd);
	wf_closep(&launch->pid_fd);
	free(launch->file);
	wf_launch_init(launch);
}

static int read_message(int fd, struct message *message)
{
	size_t have = 0;

	while (have < sizeof(*message)) {
		ssize_t n = recv(fd, (char *)message + have, sizeof(*message) - have, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EPIPE;
		have += (size_t)n;
	}
	message->path[sizeof(message->path) - 1] = 0;
	return 0;
}

static void write_message(int fd, const struct message *message)
{
	size_t have = 0;

	while (have < sizeof(*message)) {
		ssize_t n = send(fd, (const char *)message + have, sizeof(*message) - have,
				 MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return;
		have += n > 0 ? (size_t)n : 0;
	}
}

static void child_execute(const char *path, char *const *argv, char *const *environment)
{
	size_t count = 0;
	const char **shell_argv;

	execve(path, argv, environment);
	if (errno != ENOEXEC)
		return;
	/* A script without #!, as in execvp. */
	while (argv[count])
		count++;
	shell_argv = calloc(count + 2, sizeof(char *));
	if (!shell_argv)
		return;
	shell_argv[0] = "/bin/sh";
	shell_argv[1] = path;
	for (size_t i = 1; i < count; i++)
		shell_argv[i + 1] = argv[i];
	execve("/bin/sh", (char *const *)shell_argv, environment);
}

static __attribute__((noreturn)) void child_main(char *const *argv,
						 const struct wf_identity *identity, int control_fd)
{
	struct message message = {.stage = STAGE_USER};
	char go;

	message.error = -wf_identity_apply(identity);
	if (!message.error) {
		message.stage = STAGE_FIND;
		message.error = -wf_program_find(argv[0], getenv("PATH"), message.path,
						 sizeof(message.path));
	}
	if (!message.error)
		message.stage = STAGE_FOUND;
	write_message(control_fd, &message);
	if (message.error || recv(control_fd, &go, 1, 0) != 1)
		_exit(WF_EXIT_NOT_STARTED);
	child_execute(message.path, argv, identity->environment);
	message.stage = STAGE_EXEC;
	message.error = errno;
	write_message(control_fd, &message);
	_exit(WF_EXIT_NOT_STARTED);
}

static int start_failed(struct wf_launch *launch, const char *command,
			const struct message *message, struct wf_err *err)
{
	const char *reason = strerrordesc_np(message->error);

	launch->exit_code = WF_EXIT_NOT_STARTED;
	if (message->stage == STAGE_USER)
		return wf_err_set(err, message->error, "cannot become the user of the command: %s",
				  reason);
	launch->exit_code = message->error == ENOENT ? WF_EXIT_NOT_FOUND : WF_EXIT_NOT_EXECUTABLE;
	if (message->stage == STAGE_EXEC && message->error == ENOENT)
		return wf_err_set(err, ENOENT, "'%s': its interpreter was not found",
				  message->path);
	if (message->error == ENOENT)
		return wf_err_set(err, ENOENT, "'%s': command not found", command);
	return wf_err_set(err, message->error, "'%s': cannot be executed: %s", command, reason);
}

static int child_start(struct wf_launch *launch, char *const *argv,
		       const struct wf_identity *identity, struct wf_err *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return wf_err_set(err, errno, "cannot make a socket pair: %m");
	launch->control_fd = pair[0];
	fflush(NULL);
	launch->pid = fork();
	if (!launch->pid) {
		close(pair[0]);
		child_main(argv, identity, pair[1]);
	}
	close(pair[1]);
	if (launch->pid < 0) {
		launch->pid = 0;
		return wf_err_set(err, EAGAIN, "cannot start another process");
	}
	launch->pid_fd = pidfd_open(launch->pid, 0);
	if (launch->pid_fd < 0)
		return wf_err_set(err, errno, "cannot watch the command: %m");
	return 0;
}

int wf_launch_prepare(const struct wf_config *config, struct wf_launch *launch, struct wf_err *err)
{
	wf_auto(wf_identity_freep) struct wf_identity *identity = NULL;
	struct message message;
	int rc;

	launch->exit_code = WF_EXIT_NOT_STARTED;
	rc = wf_identity_new(config->user, &identity, err);
	if (rc < 0)
		return rc;
	rc = child_start(launch, config->argv, identity, err);
	if (rc < 0)
		return rc;
	if (read_message(launch->control_fd, &message) < 0)
		return wf_err_set(err, ECHILD, "the command's process ended before it began");
	if (message.error)
		return start_failed(launch, config->argv[0], &message, err);
	return wf_program_image(message.path, getenv("PATH"), &launch->file, err);
}

int wf_launch_release(struct wf_launch *launch, struct wf_err *err)
{
	struct message message;

	if (wf_warden_start(&launch->warden, launch->pid_fd) < 0)
		wf_log(WF_LOG_DEBUG, "launch", "nobody lets it go on if wftrace is killed");
	/* A child killed while it waited is no failure of ours: wait has its status. */
	if (send(launch->control_fd, "", 1, MSG_NOSIGNAL) < 0 ||
	    read_message(launch->control_fd, &message) < 0) {
		close(wf_take_fd(&launch->control_fd));
		return 0;
	}
	return start_failed(launch, message.path, &message, err);
}

int wf_launch_signal(const struct wf_launch *launch, int signal, int code, pid_t sender)
{
	bool from_terminal = code == SI_KERNEL && getpgid(launch->pid) == getpgrp();

	if (launch->pid <= 0 || launch->ended)
		return -ESRCH;
	if (from_terminal || sender == launch->pid)
		return 0;
	return kill(launch->pid, signal) < 0 ? -errno : 0;
}

int wf_launch_wait(struct wf_launch *launch, bool block)
{
	int status;
	pid_t pid;

	if (launch->ended)
		return 0;
	do {
		pid = waitpid(launch->pid, &status, block ? 0 : WNOHANG);
	} while (pid < 0 && errno == EINTR);
	if (pid < 0)
		return -errno;
	if (pid == 0)
		return -EAGAIN;
	launch->ended = true;
	launch->exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return 0;
}

void wf_launch_trust(struct wf_launch *launch)
{
	wf_warden_end(&launch->warden);
}

bool wf_launch_is_stopped(const struct wf_launch *launch)
{
	siginfo_t info = {0};

	return waitid(P_PID, launch->pid, &info, WSTOPPED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid && info.si_code == CLD_STOPPED;
}

int wf_launch_wait_stop(const struct wf_launch *launch, unsigned timeout_ms)
{
	struct timespec step = {.tv_nsec = 1000000};

	for (unsigned i = 0; i < timeout_ms; i++) {
		siginfo_t info = {0};

		if (waitid(P_PID, launch->pid, &info, WSTOPPED | WEXITED | WNOHANG | WNOWAIT) < 0)
			return -ECHILD;
		if (info.si_pid)
			return info.si_code == CLD_STOPPED ? 0 : -ECHILD;
		nanosleep(&step, NULL);
	}
	return -ETIMEDOUT;
}

void wf_launch_continue(const struct wf_launch *launch)
{
	if (!launch->ended)
		kill(launch->pid, SIGCONT);
}
