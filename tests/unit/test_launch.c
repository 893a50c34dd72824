/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch.h"
#include "userspace/base/str.h"
#include "userspace/session/launch.h"
#include "userspace/session/program.h"

extern char **environ;

#define ARGV(...) ((char *const[]){__VA_ARGS__, NULL})

static const char *in_scratch(const char *name)
{
	static char path[64][128];
	static unsigned next;

	next = (next + 1) % 64;
	snprintf(path[next], sizeof(path[next]), "%s/%s", scratch, name);
	return path[next];
}

static const char *write_file(const char *name, const char *text, mode_t mode)
{
	const char *path = in_scratch(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	return path;
}

static int make_scratch(void **state)
{
	(void)state;
	return scratch_make();
}

/* Run to the end with stdout in a file; the exit code that wftrace would end with. */
static int run_as(char *const *argv, const char *user, char **ret_output, size_t *ret_len)
{
	struct wf_config config = {.command = WF_COMMAND_RUN, .argv = argv, .user = user};
	struct wf_launch launch;
	struct wf_err err = {0};
	const char *out = write_file("stdout", "", 0666);
	int kept = fcntl(1, F_DUPFD_CLOEXEC, 100), code;

	fflush(stdout);
	close(1);
	assert_int_equal(open(out, O_RDWR), 1);
	wf_launch_init(&launch);
	if (!wf_launch_prepare(&config, &launch, &err) && !wf_launch_release(&launch, &err))
		wf_launch_wait(&launch, true);
	code = launch.exit_code;
	wf_launch_done(&launch);
	dup2(kept, 1);
	close(kept);
	if (ret_output)
		assert_int_equal(wf_read_file(out, 1 << 20, ret_output, ret_len, NULL), 0);
	return code;
}

static int run(char *const *argv)
{
	return run_as(argv, NULL, NULL, NULL);
}

static void the_status_of_the_command_is_passed_on(void **state)
{
	const char *plain = write_file("plain", "exit $#5\n", 0755);
	const char *orphan = write_file("orphan", "#!/no/such/interpreter\n", 0755);
	const char *data = write_file("data", "#!/bin/sh\n", 0644);

	(void)state;
	assert_int_equal(run(ARGV("true")), 0);
	assert_int_equal(run(ARGV("sh", "-c", "exit 3")), 3);
	assert_int_equal(run(ARGV("/bin/sh", "-c", "exit 255")), 255);
	assert_int_equal(run(ARGV("sh", "-c", "kill -9 $$")), 128 + SIGKILL);
	assert_int_equal(run(ARGV("sh", "-c", "kill -SEGV $$")), 128 + SIGSEGV);
	assert_int_equal(run(ARGV("no-such-command-at-all")), 127);
	assert_int_equal(run(ARGV("/no/such/file")), 127);
	assert_int_equal(run(ARGV("")), 127);
	assert_int_equal(run(ARGV("/tmp")), 126);
	assert_int_equal(run(ARGV((char *)data)), 126);
	assert_int_equal(run(ARGV((char *)orphan)), 127);
	/* No #!: the shell runs it, with its arguments. */
	assert_int_equal(run(ARGV((char *)plain, "a", "b")), 25);
}

static void the_environment_is_unchanged(void **state)
{
	char *output = NULL;
	size_t len = 0, at = 0;

	(void)state;
	unsetenv("SUDO_UID");
	setenv("WFTRACE_TEST", "two\nlines = \303\244", 1);
	assert_int_equal(run_as(ARGV("env", "-0"), NULL, &output, &len), 0);
	for (char **entry = environ; *entry; entry++) {
		assert_true(at < len);
		assert_string_equal(output + at, *entry);
		at += strlen(*entry) + 1;
	}
	assert_int_equal(at, len);
	free(output);
	unsetenv("WFTRACE_TEST");
}

static void only_inherited_descriptors_are_passed_on(void **state)
{
	char *output = NULL, expected[4096] = "";
	int inherited = dup2(0, 57), ours = fcntl(0, F_DUPFD_CLOEXEC, 58);
	size_t len = 0, used = 0;
	bool directory = false;

	(void)state;
	assert_int_equal(inherited, 57);
	for (int fd = 0; fd < 1024; fd++) {
		int flags = fcntl(fd, F_GETFD);
		bool passed = flags >= 0 && !(flags & FD_CLOEXEC);

		/* The lowest free one is where ls reads the directory. */
		if (passed || !directory)
			used += (size_t)snprintf(expected + used, sizeof(expected) - used, "%d\n",
						 fd);
		directory |= !passed;
	}
	assert_int_equal(run_as(ARGV("ls", "-1v", "/proc/self/fd"), NULL, &output, &len), 0);
	assert_string_equal(output, expected);
	free(output);
	close(inherited);
	close(ours);
}

/* The lines of /proc/self/status that begin with Sig or ShdPnd. */
static void signal_lines(const char *status, char *out, size_t size)
{
	size_t used = 0;

	for (const char *line = status; *line; line = strchr(line, '\n') + 1) {
		int len = (int)strcspn(line, "\n");

		if (!strncmp(line, "SigBlk", 6) || !strncmp(line, "SigIgn", 6))
			used += (size_t)snprintf(out + used, size - used, "%.*s\n", len, line);
	}
}

static void signal_state_is_what_wftrace_inherited(void **state)
{
	struct wf_config config = {.command = WF_COMMAND_RUN};
	struct wf_launch launch;
	char script[160], expected[256], got[256], *status, *child;
	const char *out = in_scratch("status");
	sigset_t set, old;
	size_t len;

	(void)state;
	snprintf(script, sizeof(script), "%s", out);
	config.argv = ARGV("cp", "/proc/self/status", script);
	signal(SIGUSR2, SIG_IGN);
	assert_int_equal(wf_read_file("/proc/self/status", 1 << 16, &status, &len, NULL), 0);
	signal_lines(status, expected, sizeof(expected));
	wf_launch_init(&launch);
	assert_int_equal(wf_launch_prepare(&config, &launch, NULL), 0);
	/* What wftrace does for itself afterwards does not reach the command. */
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, &old);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(wf_launch_release(&launch, NULL), 0);
	assert_int_equal(wf_launch_wait(&launch, true), 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
	assert_int_equal(launch.exit_code, 0);
	assert_int_equal(wf_read_file(out, 1 << 16, &child, &len, NULL), 0);
	signal_lines(child, got, sizeof(got));
	assert_string_equal(got, expected);
	wf_launch_done(&launch);
	free(status);
	free(child);
}

static void nothing_runs_before_the_release(void **state)
{
	const char *mark = in_scratch("mark");
	struct wf_config config = {.argv = ARGV("touch", (char *)mark)};
	struct wf_launch launch;

	(void)state;
	wf_launch_init(&launch);
	assert_int_equal(wf_launch_prepare(&config, &launch, NULL), 0);
	assert_true(launch.pid > 0);
	assert_int_equal(wf_launch_wait(&launch, false), -EAGAIN);
	wf_launch_done(&launch);
	/* Given up: the child is gone and never ran. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(access(mark, F_OK), -1);
	assert_int_equal(run(config.argv), 0);
	assert_int_equal(access(mark, F_OK), 0);
}

static void start(struct wf_launch *launch, char *const *argv)
{
	struct wf_config config = {.argv = argv};

	wf_launch_init(launch);
	assert_int_equal(wf_launch_prepare(&config, launch, NULL), 0);
	assert_int_equal(wf_launch_release(launch, NULL), 0);
}

static void signals_are_forwarded_once(void **state)
{
	struct wf_launch launch;

	(void)state;
	start(&launch, ARGV("sleep", "100"));
	/* From the terminal, or from the command itself: it has it already. */
	assert_int_equal(wf_launch_signal(&launch, SIGINT, SI_KERNEL, 0), 0);
	assert_int_equal(wf_launch_signal(&launch, SIGTERM, SI_USER, launch.pid), 0);
	assert_int_equal(wf_launch_wait(&launch, false), -EAGAIN);
	assert_int_equal(wf_launch_signal(&launch, SIGTERM, SI_USER, 1), 0);
	assert_int_equal(wf_launch_wait(&launch, true), 0);
	assert_int_equal(launch.exit_code, 128 + SIGTERM);
	assert_int_equal(wf_launch_signal(&launch, SIGTERM, SI_USER, 1), -ESRCH);
	wf_launch_done(&launch);
}

static void a_terminal_signal_reaches_a_command_in_another_group(void **state)
{
	struct wf_launch launch;

	(void)state;
	start(&launch, ARGV("setsid", "-w", "sleep", "100"));
	while (getpgid(launch.pid) == getpgrp() && wf_launch_wait(&launch, false) == -EAGAIN)
		sched_yield();
	assert_int_equal(wf_launch_signal(&launch, SIGQUIT, SI_KERNEL, 0), 0);
	assert_int_equal(wf_launch_wait(&launch, true), 0);
	assert_int_equal(launch.exit_code, 128 + SIGQUIT);
	wf_launch_done(&launch);
}

static void a_stopped_command_has_not_ended(void **state)
{
	struct wf_launch launch;
	siginfo_t info;

	(void)state;
	start(&launch, ARGV("sh", "-c", "kill -STOP $$; exit 7"));
	assert_int_equal(waitid(P_PID, (id_t)launch.pid, &info, WSTOPPED | WNOWAIT), 0);
	assert_int_equal(info.si_status, SIGSTOP); /* an orphaned group ignores SIGTSTP */
	assert_int_equal(wf_launch_wait(&launch, false), -EAGAIN);
	assert_int_equal(kill(launch.pid, SIGCONT), 0);
	assert_int_equal(wf_launch_wait(&launch, true), 0);
	assert_int_equal(launch.exit_code, 7);
	wf_launch_done(&launch);
}

static void a_held_command_that_is_killed_ends_with_its_signal(void **state)
{
	struct wf_config config = {.argv = ARGV("true")};
	struct wf_launch launch;
	siginfo_t info;

	(void)state;
	wf_launch_init(&launch);
	assert_int_equal(wf_launch_prepare(&config, &launch, NULL), 0);
	kill(launch.pid, SIGINT);
	assert_int_equal(waitid(P_PID, (id_t)launch.pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(wf_launch_release(&launch, NULL), 0);
	assert_int_equal(wf_launch_wait(&launch, true), 0);
	assert_int_equal(launch.exit_code, 128 + SIGINT);
	wf_launch_done(&launch);
}

#define WHO "echo $(id -u) $(id -g) $(id -G) $HOME $USER $LOGNAME $WFTRACE_TEST"

static void assert_is_nobody(const char *user)
{
	const struct passwd *nobody = getpwnam("nobody");
	char *output = NULL, expected[256];
	size_t len;

	assert_non_null(nobody);
	snprintf(expected, sizeof(expected), "%u %u %u %s nobody nobody kept\n", nobody->pw_uid,
		 nobody->pw_gid, nobody->pw_gid, nobody->pw_dir);
	assert_int_equal(run_as(ARGV("sh", "-c", WHO), user, &output, &len), 0);
	assert_string_equal(output, expected);
	free(output);
}

static void the_command_runs_as_who_called_sudo(void **state)
{
	const char *secret = write_file("secret", "#!/bin/sh\nexit 4\n", 0700);
	char id[16];

	(void)state;
	if (geteuid() != 0)
		skip();
	setenv("WFTRACE_TEST", "kept", 1);
	assert_is_nobody("nobody");
	snprintf(id, sizeof(id), "%u", getpwnam("nobody")->pw_uid);
	assert_is_nobody(id);
	setenv("SUDO_UID", id, 1);
	assert_is_nobody(NULL);
	/* Looked up with the rights of that user. */
	assert_int_equal(run(ARGV((char *)secret)), 126);
	assert_int_equal(run_as(ARGV((char *)secret), "root", NULL, NULL), 4);
	setenv("SUDO_UID", "0", 1);
	assert_int_equal(run(ARGV((char *)secret)), 4);
	setenv("SUDO_UID", "-1", 1);
	assert_int_equal(run(ARGV("true")), 125);
	unsetenv("SUDO_UID");
	unsetenv("WFTRACE_TEST");
	assert_int_equal(run_as(ARGV("true"), "no-such-user", NULL, NULL), 125);
}

static void an_unknown_sudo_user_gets_its_numbers(void **state)
{
	char *output = NULL;
	size_t len;

	(void)state;
	if (geteuid() != 0)
		skip();
	setenv("SUDO_UID", "54321", 1);
	setenv("SUDO_GID", "54322", 1);
	assert_int_equal(run_as(ARGV("sh", "-c", "id -u; id -g; id -G"), NULL, &output, &len), 0);
	assert_string_equal(output, "54321\n54322\n54322\n");
	free(output);
	unsetenv("SUDO_GID");
	assert_int_equal(run(ARGV("true")), 125);
	unsetenv("SUDO_UID");
}

static void the_image_of_a_script_is_its_interpreter(void **state)
{
	char nested[160];
	const struct {
		const char *name, *text, *image;
	} scripts[] = {
		{"sh", "#!/bin/sh\nexit\n", "/bin/sh"},
		{"spaced", "#! /bin/sh -e\n", "/bin/sh"},
		{"plain", "exit\n", "/bin/sh"},
		{"env", "#!/usr/bin/env sh\n", NULL},
		{"split", "#!/usr/bin/env -S A=1 sh -e\n", NULL},
		{"lost", "#!/usr/bin/env no-such-thing\n", "/usr/bin/env"},
		{"nothing", "#!\nexit\n", NULL},
		{"unended", "#!/bin/cat", "/bin/cat"},
		{"nested", nested, "/bin/cat"},
		{"loop", "#!loop\n", NULL},
	};
	char sh[128], *image = NULL;

	(void)state;
	assert_int_equal(wf_program_find("sh", getenv("PATH"), sh, sizeof(sh)), 0);
	snprintf(nested, sizeof(nested), "#!%s\n", in_scratch("unended"));
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		const char *path = write_file(scripts[i].name, scripts[i].text, 0755);

		assert_int_equal(wf_program_image(path, getenv("PATH"), &image, NULL), 0);
		if (scripts[i].image)
			assert_string_equal(image, scripts[i].image);
		else if (!strncmp(scripts[i].text, "#!/usr/bin/env", 14))
			assert_string_equal(image, sh);
		free(image);
	}
	assert_int_equal(wf_program_image("/bin/sleep", NULL, &image, NULL), 0);
	assert_string_equal(image, "/bin/sleep");
	free(image);
}

static void an_empty_path_entry_is_the_current_directory(void **state)
{
	char found[128], old[512];

	(void)state;
	write_file("tool-here", "#!/bin/sh\n", 0755);
	assert_non_null(getcwd(old, sizeof(old)));
	assert_int_equal(chdir(scratch), 0);
	assert_int_equal(wf_program_find("tool-here", "/nowhere::/bin", found, sizeof(found)), 0);
	assert_string_equal(found, "./tool-here");
	assert_int_equal(wf_program_find("tool-here", "/nowhere", found, sizeof(found)), -ENOENT);
	assert_int_equal(wf_program_find("sh", NULL, found, sizeof(found)), 0);
	assert_int_equal(wf_program_find("sh", "/bin", found, 4), -ENOENT);
	assert_int_equal(chdir(old), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_status_of_the_command_is_passed_on),
		cmocka_unit_test(the_environment_is_unchanged),
		cmocka_unit_test(only_inherited_descriptors_are_passed_on),
		cmocka_unit_test(signal_state_is_what_wftrace_inherited),
		cmocka_unit_test(nothing_runs_before_the_release),
		cmocka_unit_test(signals_are_forwarded_once),
		cmocka_unit_test(a_terminal_signal_reaches_a_command_in_another_group),
		cmocka_unit_test(a_stopped_command_has_not_ended),
		cmocka_unit_test(a_held_command_that_is_killed_ends_with_its_signal),
		cmocka_unit_test(the_command_runs_as_who_called_sudo),
		cmocka_unit_test(an_unknown_sudo_user_gets_its_numbers),
		cmocka_unit_test(the_image_of_a_script_is_its_interpreter),
		cmocka_unit_test(an_empty_path_entry_is_the_current_directory),
	};

	return cmocka_run_group_tests(tests, make_scratch, scratch_drop);
}
