/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/python/halt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "userspace/base/clock.h"

#define ROUNDS 1000

static pid_t start_child(uint64_t life_ns)
{
	pid_t pid = fork();

	if (pid == 0) {
		uint64_t end_ns = wf_clock_monotonic_ns() + life_ns;

		while (wf_clock_monotonic_ns() < end_ns)
			;
		_exit(7);
	}
	assert_true(pid > 0);
	return pid;
}

static void a_child_that_ends_meanwhile_keeps_its_status(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		pid_t pid = start_child((uint64_t)i % 100 * 1000);
		struct wf_halt *halt = NULL;
		int status = 0;

		if (wf_halt_begin(pid, &halt, NULL) == 0)
			wf_halt_end(halt);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	}
}

static void a_stopped_child_stays_stopped(void **state)
{
	pid_t pid = start_child(10000000000ull);
	struct wf_halt *halt = NULL;
	siginfo_t info = {0};
	int status;

	(void)state;
	kill(pid, SIGSTOP);
	assert_int_equal(waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT), 0);
	assert_int_equal(wf_halt_begin(pid, &halt, NULL), 0);
	wf_halt_end(halt);
	info = (siginfo_t){0};
	assert_int_equal(waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT), 0);
	assert_int_equal(info.si_code, CLD_STOPPED);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_that_ends_meanwhile_keeps_its_status),
		cmocka_unit_test(a_stopped_child_stays_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
