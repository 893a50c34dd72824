/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/collect/owner.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A root of its own, with what `make` puts in place of etc/passwd. */
static int owner_in(void (*make)(const char *path), uid_t uid, char *out, size_t size)
{
	char root[] = "/tmp/wf-owner-XXXXXX", folder[64], path[80];
	struct wf_target target = {.pid = getpid(), .uid = uid, .root = root};
	int rc;

	assert_non_null(mkdtemp(root));
	snprintf(folder, sizeof(folder), "%s/etc", root);
	snprintf(path, sizeof(path), "%s/passwd", folder);
	assert_int_equal(mkdir(folder, 0700), 0);
	make(path);
	rc = wf_owner_name(&target, out, size);
	unlink(path);
	rmdir(folder);
	rmdir(root);
	return rc;
}

static void make_file(const char *path)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs("root:x:0:0::/:/bin/sh\nbroken\nshop:x:4711:4711::/:/bin/sh\n"
	      "a-name-that-is-far-too-long-for-the-room:x:4712:1::/:\n",
	      file);
	fclose(file);
}

static void make_fifo(const char *path)
{
	assert_int_equal(mkfifo(path, 0600), 0);
}

static void make_link(const char *path)
{
	assert_int_equal(symlink("/etc/group", path), 0);
}

static void the_name_is_that_of_its_own_root(void **state)
{
	char name[16];

	(void)state;
	assert_int_equal(owner_in(make_file, 4711, name, sizeof(name)), 0);
	assert_string_equal(name, "shop");
	assert_int_equal(owner_in(make_file, 4712, name, sizeof(name)), -ENOENT);
	assert_int_equal(owner_in(make_file, 4713, name, sizeof(name)), -ENOENT);
}

static void a_hostile_root_gives_no_name(void **state)
{
	char name[16];

	(void)state;
	assert_int_equal(owner_in(make_fifo, 0, name, sizeof(name)), -EINVAL);
	assert_int_equal(owner_in(make_link, 0, name, sizeof(name)), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_name_is_that_of_its_own_root),
		cmocka_unit_test(a_hostile_root_gives_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
