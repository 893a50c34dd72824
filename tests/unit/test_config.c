/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "userspace/cli/config.h"

static void lists_grow_up_to_their_maximum(void **state)
{
	struct wf_config config;
	struct wf_err err = {0};

	(void)state;
	wf_config_init(&config);
	for (pid_t pid = 1; pid <= WF_CONFIG_ITEMS_MAX; pid++) {
		assert_int_equal(wf_pids_add(&config.pids, pid, &err), 0);
		assert_int_equal(wf_strings_add(&config.rules, "x", &err), 0);
	}
	assert_int_equal(wf_pids_add(&config.pids, 5000, &err), -E2BIG);
	assert_int_equal(wf_strings_add(&config.rules, "x", &err), -E2BIG);
	/* One that is there already needs no room. */
	assert_int_equal(wf_pids_add(&config.pids, 7, &err), 0);
	assert_int_equal(config.pids.count, WF_CONFIG_ITEMS_MAX);
	for (uint32_t i = 0; i < config.pids.count; i++)
		assert_int_equal(config.pids.items[i], i + 1);
	wf_config_done(&config);
	assert_int_equal(config.pids.count, 0);
	wf_config_done(&config);
}

static void each_command_says_what_it_needs(void **state)
{
	pid_t pids[] = {1, 2};
	const char *texts[] = {"a", "b"};
	char *const argv[] = {"ls", NULL};
	const struct {
		struct wf_config config;
		bool holds;
	} cases[] = {
		{{.command = WF_COMMAND_ATTACH}, false},
		{{.command = WF_COMMAND_ATTACH, .pids = {pids, 2}}, true},
		{{.command = WF_COMMAND_ATTACH, .name = "x"}, true},
		{{.command = WF_COMMAND_ATTACH, .name = "x", .pids = {pids, 1}}, false},
		{{.command = WF_COMMAND_RECORD, .name = "x"}, false},
		{{.command = WF_COMMAND_RECORD, .name = "x", .output = "o"}, true},
		{{.command = WF_COMMAND_RECORD, .name = "x", .dry_run = {true, 0}}, true},
		{{.command = WF_COMMAND_RUN}, false},
		{{.command = WF_COMMAND_RUN, .argv = argv + 1}, false},
		{{.command = WF_COMMAND_RUN, .argv = argv}, true},
		{{.command = WF_COMMAND_LIST}, false},
		{{.command = WF_COMMAND_LIST, .pids = {pids, 1}}, true},
		{{.command = WF_COMMAND_LIST, .pids = {pids, 2}}, false},
		{{.command = WF_COMMAND_LIST, .executable = "x"}, true},
		{{.command = WF_COMMAND_LIST, .executable = "x", .pids = {pids, 1}}, false},
		{{.command = WF_COMMAND_REPLAY}, false},
		{{.command = WF_COMMAND_REPLAY, .arguments = {texts, 1}}, true},
		{{.command = WF_COMMAND_REPLAY, .arguments = {texts, 2}}, false},
		{{.command = WF_COMMAND_DOCTOR}, true},
		{{.command = WF_COMMAND_DOCTOR, .rules = {texts, 1}}, false},
		{{.command = WF_COMMAND_DOCTOR, .rules = {texts, 1}, .pids = {pids, 1}}, true},
		{{.command = WF_COMMAND_PROFILES}, true},
		{{.command = WF_COMMAND_PROFILES, .pids = {pids, 2}}, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wf_err err = {0};
		int rc = wf_config_check(&cases[i].config, &err);

		assert_int_equal(rc, cases[i].holds ? 0 : -EINVAL);
		assert_true(cases[i].holds == (err.msg[0] == 0));
	}
}

static void missing_rights_have_an_exit_code_of_their_own(void **state)
{
	(void)state;
	assert_int_equal(wf_exit_for(EPERM), WF_EXIT_UNABLE);
	assert_int_equal(wf_exit_for(EACCES), WF_EXIT_UNABLE);
	assert_int_equal(wf_exit_for(ESRCH), WF_EXIT_FAILED);
	assert_int_equal(wf_exit_for(ENOMEM), WF_EXIT_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_grow_up_to_their_maximum),
		cmocka_unit_test(each_command_says_what_it_needs),
		cmocka_unit_test(missing_rights_have_an_exit_code_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
