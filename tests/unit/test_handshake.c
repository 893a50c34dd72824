/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "userspace/base/cleanup.h"
#include "userspace/python/handshake.h"

#define NONCE "wf0123456789abcdef"

static int answer(const char *bytes, char **ret, bool *ret_failed)
{
	wf_auto(wf_closep) int fd = memfd_create("answer", MFD_CLOEXEC);
	size_t len = strlen(bytes);

	assert_int_equal(write(fd, bytes, len), len);
	return wf_handshake_answer(fd, ret, ret_failed, NULL);
}

static void an_answer_is_read_from_the_end(void **state)
{
	static const struct {
		const char *bytes, *text;
		bool failed;
	} cases[] = {
		{"K0000002 what was sent, and ok", "ok", false},
		{"E0000008ValueError: x", "Error: x", true},
		{"K0000000", "", false},
		{"K0000003a\xff\x62",
		 "a\xef\xbf\xbd"
		 "b",
		 false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		wf_auto(wf_freep) char *text = NULL;
		bool failed = !cases[i].failed;

		assert_int_equal(answer(cases[i].bytes, &text, &failed), 0);
		assert_string_equal(text, cases[i].text);
		assert_int_equal(failed, cases[i].failed);
	}
}

static void what_is_no_answer_is_waited_for_or_refused(void **state)
{
	static const struct {
		const char *bytes;
		int rc;
	} cases[] = {
		{"", -EAGAIN},           {"K000000", -EAGAIN},     {"123     body", -EAGAIN},
		{"K00000x2ok", -EAGAIN}, {"K0000099ok", -EBADMSG}, {"K9999999ok", -EBADMSG},
		{"K-000001ok", -EAGAIN},
	};
	char *text = NULL;
	bool failed;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(answer(cases[i].bytes, &text, &failed), cases[i].rc);
		assert_null(text);
	}
}

static void the_header_comes_last(void **state)
{
	const struct wf_handshake_body body = {"result = 'x'", 12, "image", 5};
	wf_auto(wf_closep) int fd = memfd_create("body", MFD_CLOEXEC);
	char header[9] = "", wanted[16], image[6] = "";
	uint32_t len = 0;

	(void)state;
	assert_int_equal(wf_handshake_fill(fd, &body, &len, NULL), 0);
	assert_int_equal(pread(fd, header, 8, 0), 8);
	assert_memory_equal(header, "\0\0\0\0\0\0\0\0", 8);
	assert_int_equal(wf_handshake_go(fd, len), 0);
	assert_int_equal(pread(fd, header, 8, 0), 8);
	snprintf(wanted, sizeof(wanted), "%-8u", (unsigned)len);
	assert_string_equal(header, wanted);
	assert_int_equal(pread(fd, image, 5, lseek(fd, 0, SEEK_END) - 5), 5);
	assert_string_equal(image, "image");
}

static void what_is_too_long_is_refused(void **state)
{
	const struct wf_handshake_body body = {"", WF_HANDSHAKE_SCRIPT_MAX + 1, NULL, 0};
	const struct wf_handshake_manner manner = {.inner_pid = 1, .wait_ms = 300};
	char text[64];
	uint32_t len;

	(void)state;
	assert_int_equal(wf_handshake_fill(-1, &body, &len, NULL), -E2BIG);
	assert_int_equal(wf_handshake_text(NONCE, &manner, text, sizeof(text)), -E2BIG);
}

static void only_a_file_of_that_name_is_a_side(void **state)
{
	wf_auto(wf_closep) int other = memfd_create(NONCE "0", MFD_CLOEXEC);
	wf_auto(wf_closep) int file = open("/tmp/" NONCE, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	struct wf_side side, second;
	int fd = -1;

	(void)state;
	unlink("/tmp/" NONCE);
	assert_int_equal(wf_handshake_open(getpid(), NONCE, NULL, 0, &fd, &side), -EAGAIN);
	{
		wf_auto(wf_closep) int own = memfd_create(NONCE, MFD_CLOEXEC);

		assert_int_equal(wf_handshake_open(getpid(), NONCE, NULL, 0, &fd, &side), 0);
		assert_int_equal(side.number, own);
		assert_true(wf_handshake_is_open(getpid(), &side));
		close(fd);
		assert_int_equal(wf_handshake_open(getpid(), NONCE, &side, 1, &fd, &second),
				 -EAGAIN);
	}
	assert_false(wf_handshake_is_open(getpid(), &side));
	assert_true(other >= 0 && file >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_read_from_the_end),
		cmocka_unit_test(what_is_no_answer_is_waited_for_or_refused),
		cmocka_unit_test(the_header_comes_last),
		cmocka_unit_test(what_is_too_long_is_refused),
		cmocka_unit_test(only_a_file_of_that_name_is_a_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
