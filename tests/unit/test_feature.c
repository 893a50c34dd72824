/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/kernel/feature.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ALL_CAPS ((1u << WF_CAPS) - 1)

static const struct {
	const char *what;
	struct wf_features features;
	int rc;
	const char *says[2];
} refusals[] = {
	{"privileges come first",
	 {.effective_caps = 0},
	 -EPERM,
	 {"missing CAP_BPF", "run as root"}},
	{"perf uprobes need one capability more",
	 {.btf = true, .cookies = true, .effective_caps = ALL_CAPS & ~(1u << WF_CAP_SYS_ADMIN)},
	 -EPERM,
	 {"missing CAP_SYS_ADMIN", "run as root"}},
	{"no BTF",
	 {.effective_caps = ALL_CAPS, .release = "5.15.1", .cookies = true},
	 -ENOSYS,
	 {"(5.15.1) has no BTF", "Debian 12"}},
	{"a kernel that is too old",
	 {.effective_caps = ALL_CAPS, .release = "5.10.0", .btf = true, .host_pids = true},
	 -ENOSYS,
	 {"(5.10.0) has no attach cookies", "needs Linux 5.15 or later"}},
	{"a pid namespace",
	 {.effective_caps = ALL_CAPS, .btf = true, .cookies = true},
	 -ENOSYS,
	 {"pid namespace of its own", "--pid=host"}},
};

static void a_refusal_names_what_is_missing_and_the_cure(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		struct wf_err err = {0};
		int rc = wf_feature_require(&refusals[i].features, &err);

		if (rc != refusals[i].rc || !strstr(err.msg, refusals[i].says[0]) ||
		    !strstr(err.msg, refusals[i].says[1]) || strchr(err.msg, '\n'))
			fail_msg("%s: %d \"%s\"", refusals[i].what, rc, err.msg);
	}
}

static void a_kernel_that_has_all_is_taken(void **state)
{
	struct wf_features features = {
		.tier = WF_TIER_REDUCED,
		.effective_caps = ALL_CAPS,
		.btf = true,
		.cookies = true,
		.host_pids = true,
	};

	(void)state;
	assert_int_equal(wf_feature_require(&features, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refusal_names_what_is_missing_and_the_cure),
		cmocka_unit_test(a_kernel_that_has_all_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
