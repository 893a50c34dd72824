/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/session/headroom.h"

static void the_memory_cgroup_is_found_in_both_versions(void **state)
{
	static const struct {
		const char *text, *folder;
		bool v1;
	} cases[] = {
		{"0::/user.slice/a.scope\n", "/sys/fs/cgroup/user.slice/a.scope", false},
		{"0::/\n", "/sys/fs/cgroup/", false},
		{"9:cpu:/x\n4:memory:/docker/1\n0::/\n", "/sys/fs/cgroup/memory/docker/1", true},
		{"4:memory:/\n", "/sys/fs/cgroup/memory/", true},
		{"0::/../other\n", NULL, false},
		{"4:memory:/a/..\n", NULL, false},
		{"9:cpu:/x\n", NULL, false},
		{"0::", NULL, false},
		{"", NULL, false},
	};
	char out[64];
	bool v1;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool found = wf_headroom_folder(cases[i].text, out, sizeof(out), &v1);

		assert_int_equal(found, cases[i].folder != NULL);
		if (!found)
			continue;
		assert_string_equal(out, cases[i].folder);
		assert_int_equal(v1, cases[i].v1);
	}
}

static void a_path_that_is_too_long_is_not_cut(void **state)
{
	char out[20];
	bool v1;

	(void)state;
	assert_false(wf_headroom_folder("0::/a/long/name\n", out, sizeof(out), &v1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_memory_cgroup_is_found_in_both_versions),
		cmocka_unit_test(a_path_that_is_too_long_is_not_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
