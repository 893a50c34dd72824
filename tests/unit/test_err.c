/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void a_cause_is_set_and_its_code_returned_negative(void **state)
{
	struct wf_err err = {0};

	(void)state;
	assert_int_equal(wf_err_set(&err, ENOENT, "no %s", "file"), -ENOENT);
	assert_int_equal(err.code, ENOENT);
	assert_string_equal(err.msg, "no file");
}

static void a_missing_err_still_returns_the_code(void **state)
{
	(void)state;
	assert_int_equal(wf_err_set(NULL, EPERM, "unseen"), -EPERM);
	assert_int_equal(wf_err_wrap(NULL, -EPERM, "unseen"), -EPERM);
}

static void a_wrap_puts_its_context_in_front(void **state)
{
	struct wf_err err = {0};
	int rc = wf_err_set(&err, EINVAL, "bad number");

	(void)state;
	assert_int_equal(wf_err_wrap(&err, rc, "%s:%d", "profile", 3), -EINVAL);
	assert_string_equal(err.msg, "profile:3: bad number");
	assert_int_equal(err.code, EINVAL);
}

static void a_wrap_without_a_cause_explains_the_code(void **state)
{
	struct wf_err err = {0};

	(void)state;
	assert_int_equal(wf_err_wrap(&err, -ENOENT, "plan"), -ENOENT);
	assert_string_equal(err.msg, "plan: No such file or directory");
	assert_int_equal(err.code, ENOENT);
}

static void a_success_is_not_wrapped(void **state)
{
	struct wf_err err = {0};

	(void)state;
	assert_int_equal(wf_err_wrap(&err, 7, "plan"), 7);
	assert_string_equal(err.msg, "");
}

static void long_messages_are_cut_and_stay_ended(void **state)
{
	struct wf_err err;
	char text[2 * sizeof(err.msg)];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	wf_err_set(&err, EINVAL, "%s", text);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	wf_err_wrap(&err, -EINVAL, "%s", text);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	wf_err_set(&err, EINVAL, "%s", "y");
	wf_err_wrap(&err, -EINVAL, "%.*s", (int)sizeof(err.msg) - 3, text);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	assert_int_equal(err.msg[sizeof(err.msg) - 2], ' ');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cause_is_set_and_its_code_returned_negative),
		cmocka_unit_test(a_missing_err_still_returns_the_code),
		cmocka_unit_test(a_wrap_puts_its_context_in_front),
		cmocka_unit_test(a_wrap_without_a_cause_explains_the_code),
		cmocka_unit_test(a_success_is_not_wrapped),
		cmocka_unit_test(long_messages_are_cut_and_stay_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
