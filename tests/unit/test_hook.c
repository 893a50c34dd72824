/* SPDX-License-Identifier: Apache-2.0 */
#include "planned.h"
#include "userspace/plan/hook.h"

/* The files that the test program itself uses. */
static const char *mapped(const char *name)
{
	static char path[256];
	char line[512], *at;
	FILE *maps = fopen("/proc/self/maps", "re");
	const char *found = NULL;

	while (maps && !found && fgets(line, sizeof(line), maps)) {
		at = strchr(line, '/');
		if (!at || !strstr(at, name))
			continue;
		at[strcspn(at, "\n")] = '\0';
		snprintf(path, sizeof(path), "%s", at);
		found = path;
	}
	if (maps)
		fclose(maps);
	return found;
}

static unsigned sites_of_kind(uint8_t kind)
{
	unsigned count = 0;

	while (plan_site(kind, count))
		count++;
	return count;
}

static void hooks_are_found_once_for_all_their_names(void **state)
{
	(void)state;
	assert_int_equal(wf_binary_open(mapped("libc.so.6"), "libc.so.6", NULL, &elf, NULL), 0);
	plan_one("no_such_function");
	assert_int_equal(wf_plan_add_hooks(plan, elf, NULL), 0);
	assert_int_equal(plan->file_count, 1);
	assert_int_equal(sites_of_kind(WF_SITE_LONGJMP), 2);
	assert_int_equal(sites_of_kind(WF_SITE_SWITCH_OUT), 1);
	assert_true(sites_of_kind(WF_SITE_SWITCH_IN) >= 2);
	for (uint32_t i = 0; i < plan->files[0].site_count; i++) {
		assert_int_equal(plan->files[0].sites[i].function, UINT32_MAX);
		assert_true(!i ||
			    plan->files[0].sites[i].offset >= plan->files[0].sites[i - 1].offset);
	}
	plan_close();
}

static void unwind_hooks_are_found_where_the_runtime_is(void **state)
{
	(void)state;
	plan_open("g++ -static", "c++",
		  "int main(int c, char **) { try { if (c) throw c; } catch (int) { return 0; }"
		  "return 1; }");
	plan_one("main");
	assert_int_equal(wf_plan_add_hooks(plan, elf, NULL), 0);
	assert_int_equal(plan->file_count, 1);
	assert_int_equal(sites_of_kind(WF_SITE_THROW), 1);
	assert_int_equal(sites_of_kind(WF_SITE_RAISE), 3);
	assert_int_equal(sites_of_kind(WF_SITE_LAND), 1);
	assert_int_equal(sites_of_kind(WF_SITE_CATCH), 1);
	plan_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hooks_are_found_once_for_all_their_names),
		cmocka_unit_test(unwind_hooks_are_found_where_the_runtime_is),
	};

	return cmocka_run_group_tests_name("hook", tests, compile_set_up, compile_tear_down);
}
