/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/target/proc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/sysmacros.h>

#include "userspace/target/maps.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void broken_texts_of_proc_are_refused(void **state)
{
	static const char *const stats[] = {
		"", "1", "1 (", "1 )x(", "1 (a)", "1 (a) R", "x (a) R 1 1 1 1 1 1"};
	static const char *const statuses[] = {"", "Name:\tx\n", "Tgid:\t1\n", "Tgid:\t1\nUid:\n"};
	struct wf_proc_status status;
	struct wf_proc_stat stat;

	(void)state;
	for (size_t i = 0; i < COUNT(stats); i++)
		assert_int_equal(wf_proc_parse_stat(stats[i], &stat), -EIO);
	for (size_t i = 0; i < COUNT(statuses); i++)
		assert_int_equal(wf_proc_parse_status(statuses[i], &status), -EIO);
}

static void a_status_text_is_understood(void **state)
{
	static const char text[] = "Name:\tsh\nTgid:\t42\nPid:\t42\nTracerPid:\t7\n"
				   "Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nNSpid:\t42\t9\t1\n"
				   "Seccomp:\t2\nx86_Thread_features:\tshstk wrss\n";
	struct wf_proc_status status;

	(void)state;
	assert_int_equal(wf_proc_parse_status(text, &status), 0);
	assert_int_equal(status.tgid, 42);
	assert_int_equal(status.tracer, 7);
	assert_int_equal(status.uid, 2);
	assert_int_equal(status.gid, 6);
	assert_int_equal(status.inner_count, 3);
	assert_int_equal(status.inner[2], 1);
	assert_true(status.seccomp);
	assert_true(status.shadow_stack);
}

static void maps_give_one_entry_per_file(void **state)
{
	char text[] = "00400000-00401000 r--p 00000000 08:01 11 /bin/a\n"
		      "00401000-00402000 r-xp 00001000 08:01 11 /bin/a\n"
		      "00402000-00403000 r-xp 00002000 08:01 11 /bin/a\n"
		      "00500000-00501000 rwxp 00000000 00:00 0 \n"
		      "00600000-00601000 r-xp 00000000 00:01 12 /dev/zero (deleted)\n"
		      "00700000-00701000 r-xp 00003000 fd:02 13    /lib/x y\\012z\n"
		      "broken line\n"
		      "7fff0000-7fff1000 r-xp 00000000 00:00 0 [vdso]";
	struct wf_arena *arena = wf_arena_new(1 << 20);
	struct wf_maps maps;

	(void)state;
	assert_int_equal(wf_maps_parse(text, arena, &maps), 0);
	assert_int_equal(maps.count, 2);
	assert_int_equal(maps.list[0].start, 0x401000);
	assert_int_equal(maps.list[0].offset, 0x1000);
	assert_string_equal(maps.list[1].path, "/lib/x y\nz");
	assert_int_equal(maps.list[1].device, makedev(0xfd, 2));
	assert_int_equal(maps.list[1].inode, 13);
	wf_arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_texts_of_proc_are_refused),
		cmocka_unit_test(a_status_text_is_understood),
		cmocka_unit_test(maps_give_one_entry_per_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
