/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "userspace/base/aside.h"

static void say(void *context, FILE *out)
{
	fputs(context, out);
}

static void say_and_crash(void *context, FILE *out)
{
	fputs(context, out);
	fflush(out);
	raise(SIGSEGV);
}

static void hang(void *context, FILE *out)
{
	fputs(context, out);
	fflush(out);
	for (;;)
		pause();
}

static void flood(void *context, FILE *out)
{
	while (fputs(context, out) >= 0)
		;
}

static void what_the_child_writes_comes_back(void **state)
{
	static const struct {
		wf_aside_work work;
		int rc;
	} cases[] = {{say, 0}, {say_and_crash, -EPROTO}, {hang, -ETIMEDOUT}, {flood, -E2BIG}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wf_buf answer;

		wf_buf_init(&answer, 100000);
		assert_int_equal(wf_aside_run(cases[i].work, "hello", 200, &answer), cases[i].rc);
		assert_non_null(answer.data);
		assert_memory_equal(answer.data, "hello", 5);
		wf_buf_done(&answer);
	}
	/* no child is left behind */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void big_answers_are_whole(void **state)
{
	size_t len = 3000000;
	char *text = malloc(len + 1);
	struct wf_buf answer;

	(void)state;
	memset(text, 'x', len);
	text[len] = '\0';
	wf_buf_init(&answer, 2 * len);
	assert_int_equal(wf_aside_run(say, text, 10000, &answer), 0);
	assert_int_equal(answer.len, len);
	wf_buf_done(&answer);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_child_writes_comes_back),
		cmocka_unit_test(big_answers_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
