/* SPDX-License-Identifier: Apache-2.0 */
/* New processes in every way; parent and child go on working. */
#include "trio.h"

#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;
static long ended_well;

static void reap(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) == child && WIFEXITED(status) && !WEXITSTATUS(status))
		ended_well++;
}

static void run_fork(long times)
{
	for (long i = 0; i < times; i++) {
		pid_t child = fork();

		if (!child) {
			for (int k = 0; k < 3; k++)
				tr_outer(k);
			_exit(0);
		}
		tr_outer(i);
		reap(child);
	}
}

/* The child works, then becomes this program again, which works once more. */
static void run_fork_exec(const char *self, long times)
{
	for (long i = 0; i < times; i++) {
		pid_t child = fork();

		if (!child) {
			tr_outer(1);
			execl(self, self, "again", (char *)NULL);
			_exit(9);
		}
		tr_outer(i);
		reap(child);
	}
}

static void run_vfork(long times)
{
	for (long i = 0; i < times; i++) {
		pid_t child = vfork();

		if (!child) {
			tr_leaf(1);
			_exit(0);
		}
		reap(child);
		tr_outer(i);
	}
}

static void run_spawn(const char *self, long times)
{
	char *const argv[] = {(char *)self, "again", NULL};

	for (long i = 0; i < times; i++) {
		pid_t child;

		if (!posix_spawn(&child, self, NULL, NULL, argv, environ))
			reap(child);
		tr_outer(i);
	}
}

/* Forks inside a traced call; both sides return through it. */
TRACED long tr_forks(long x)
{
	pid_t child = fork();

	OPAQUE();
	if (!child) {
		tr_after(x);
		return -1;
	}
	tr_leaf(x);
	reap(child);
	return x;
}

static void run_inside(long times)
{
	for (long i = 0; i < times; i++) {
		if (tr_forks(i) < 0) {
			tr_outer(1);
			_exit(0);
		}
	}
}

/* `times` short children at an even pace of `rate` a second. */
static void run_short(long times, long rate)
{
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (long i = 0; i < times; i++) {
		pid_t child = fork();

		if (!child) {
			tr_outer(1);
			_exit(0);
		}
		tr_leaf(i);
		reap(child);
		next.tv_nsec += 1000000000 / rate;
		if (next.tv_nsec >= 1000000000) {
			next.tv_nsec -= 1000000000;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
}

static void exec_other(long x)
{
	if (x == 3)
		execl("/bin/echo", "echo", "other image", (char *)NULL);
}

static void exec_self(long x)
{
	if (x == 3)
		execl("/proc/self/exe", "self", "again", (char *)NULL);
}

static void run_exec(void (*action)(long))
{
	trio_action = action;
	for (long i = 0; i < 5; i++)
		tr_outer(i);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "fork";
	long times = argc > 2 ? atol(argv[2]) : 50;

	if (!strcmp(mode, "again")) {
		tr_outer(2);
		return 0;
	}
	ready();
	if (!strcmp(mode, "fork"))
		run_fork(times);
	else if (!strcmp(mode, "fork_exec"))
		run_fork_exec(argv[0], times);
	else if (!strcmp(mode, "vfork"))
		run_vfork(times);
	else if (!strcmp(mode, "spawn"))
		run_spawn(argv[0], times);
	else if (!strcmp(mode, "inside"))
		run_inside(times);
	else if (!strcmp(mode, "short"))
		run_short(times, 300);
	else if (!strcmp(mode, "exec_other"))
		run_exec(exec_other);
	else if (!strcmp(mode, "exec_self"))
		run_exec(exec_self);
	printf("ended well %ld total %ld\n", ended_well, trio_total);
	return 0;
}
