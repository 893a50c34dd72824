/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans against what really happens: programs run with a breakpoint on every site, and each call
 * must be seen to begin once and to end once, with the right frame and the right values.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compile.h"
#include "stepper.h"
#include "userspace/base/str.h"
#include "userspace/plan/planner.h"

#define CALLS_C  "tests/unit/corpus/calls.c"
#define CALLS_CC "tests/unit/corpus/calls.cc"
#define BUDGET   20000 /* breakpoints */

static struct wf_binary *elf;
static struct wf_ruleset *rules;
static struct wf_plan *plan;
static char program[256];

static bool build(const char *compiler, const char *language, const char *file)
{
	char *text = NULL;
	bool built;

	if (wf_read_file(file, 1 << 20, &text, NULL, NULL) < 0)
		fail_msg("%s is missing", file);
	built = compile_text(compiler, language, text, "site", program, sizeof(program));
	free(text);
	return built && wf_binary_open(program, program, NULL, &elf, NULL) == 0;
}

static void plan_for(const char *rule, bool ret_only)
{
	struct wf_plan_options options = {.nop5_unsafe = true, .ret_only = ret_only};
	struct wf_err err = {0};

	assert_int_equal(wf_ruleset_new(&rules, NULL), 0);
	assert_int_equal(wf_ruleset_add_short(rules, rule, &err), 0);
	if (wf_plan_new(rules, &elf, 1, &options, NULL, &plan, &err) < 0)
		fail_msg("%s", err.msg);
}

static void run(struct stepper *stepper)
{
	uint64_t linked = 0;

	*stepper = (struct stepper){.budget = BUDGET};
	assert_int_equal(wf_binary_address(elf, 0, &linked), 0);
	stepper_run(stepper, plan, program, linked);
}

static void close_all(void)
{
	wf_plan_free(plan);
	wf_ruleset_free(rules);
	wf_binary_free(elf);
	plan = NULL;
	rules = NULL;
	elf = NULL;
}

static void check(const char *compiler, const char *language, const char *file, const char *rule,
		  uint64_t calls_min)
{
	struct stepper stepper;

	if (!build(compiler, language, file))
		fail_msg("%s does not build %s", compiler, file);
	plan_for(rule, false);
	run(&stepper);
	if (stepper.wrong || stepper.calls < calls_min)
		fail_msg("%s: %u wrong of %llu calls, first: %s", compiler, stepper.wrong,
			 (unsigned long long)stepper.calls, stepper.first_wrong);
	close_all();
}

static void each_call_of_c_begins_and_ends_once(void **state)
{
	static const char *const compilers[] = {
		"gcc -O0",
		"gcc -O1 -fcf-protection -fstack-protector-strong",
		"gcc -O2",
		"gcc -O2 -fno-pic -no-pie -fno-omit-frame-pointer",
		"gcc -O3 -fomit-frame-pointer -fno-plt",
		"gcc -Os -fcf-protection",
		"gcc -O2 -flto",
		"clang -O0 -fcf-protection",
		"clang -O1",
		"clang -O2 -fno-omit-frame-pointer",
		"clang -O3 -fno-pic -no-pie -fstack-protector-strong",
		"clang -Os -fcf-protection",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(compilers) / sizeof(compilers[0]); i++)
		check(compilers[i], "c", CALLS_C, "*(a=arg1:i64,r=return:i32)", 3000);
}

static void each_call_of_cpp_begins_and_ends_once_or_is_unwound(void **state)
{
	static const char *const compilers[] = {
		"g++ -O0",
		"g++ -O2",
		"g++ -O2 -fcf-protection -fno-omit-frame-pointer",
		"g++ -O3 -fno-plt -fstack-protector-strong",
		"g++ -Os -fno-pic -no-pie",
		"clang++ -O1",
		"clang++ -O2 -fcf-protection",
		"clang++ -Os -fno-omit-frame-pointer",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(compilers) / sizeof(compilers[0]); i++)
		check(compilers[i], "c++", CALLS_CC, "*(a=arg1:i64,r=return:i32)", 1000);
}

static void random_programs_begin_and_end_their_calls_once(void **state)
{
	static const char *const compilers[] = {"gcc -O0", "gcc -O2 -fcf-protection", "clang -O1",
						"clang -Os -fno-omit-frame-pointer"};
	const char *wanted = getenv("WFTRACE_TEST_SEEDS");
	uint64_t seeds = 3;
	char command[512], source[256];

	(void)state;
	if (access("/usr/bin/csmith", X_OK) != 0)
		skip();
	if (wanted && wf_parse_u64(wanted, &seeds) < 0)
		fail_msg("WFTRACE_TEST_SEEDS is no number");
	snprintf(source, sizeof(source), "%s/random.c", compile_folder);
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		snprintf(command, sizeof(command),
			 "csmith --seed %llu --max-funcs 12 -o %s 2>/dev/null",
			 (unsigned long long)seed, source);
		assert_int_equal(system(command), 0);
		for (size_t i = 0; i < sizeof(compilers) / sizeof(compilers[0]); i++) {
			snprintf(command, sizeof(command), "%s -I/usr/include/csmith",
				 compilers[i]);
			check(command, "c", source, "*(a=arg1:i64,r=return:i32)", 0);
		}
	}
}

static void rets_alone_see_the_same_calls(void **state)
{
	struct stepper by_site, by_ret;

	(void)state;
	assert_true(build("gcc -O2", "c", CALLS_C));
	plan_for("*", false);
	run(&by_site);
	wf_plan_free(plan);
	wf_ruleset_free(rules);
	plan_for("*", true);
	run(&by_ret);
	for (uint32_t i = 0; i < plan->files[0].site_count; i++)
		assert_int_not_equal(plan->files[0].sites[i].spec.kind, WF_SITE_BRANCH);
	assert_int_equal(by_site.wrong + by_ret.wrong, 0);
	assert_int_equal(by_site.calls, by_ret.calls);
	close_all();
}

/* Spoil the n-th site of a kind. */
static struct wf_spec *nth(uint8_t kind, unsigned n)
{
	for (uint32_t i = 0; i < plan->files[0].site_count; i++)
		if (plan->files[0].sites[i].spec.kind == kind && !n--)
			return &plan->files[0].sites[i].spec;
	fail_msg("the plan has no such site");
	return NULL;
}

static void a_wrong_plan_is_noticed(void **state)
{
	struct stepper stepper;

	(void)state;
	for (unsigned how = 0; how < 5; how++) {
		assert_true(build("gcc -O0 -fno-omit-frame-pointer", "c", CALLS_C));
		plan_for("*(a=arg1:i64,r=return:i32)", false);
		for (unsigned i = 0; i < 12; i++) {
			struct wf_spec *spec = nth(how == 4 ? WF_SITE_ENTER : WF_SITE_BRANCH, i);

			if (how == 0)
				spec->direction = 0;
			else if (how == 1)
				spec->condition ^= 1, spec->direction = 1;
			else if (how == 2)
				spec->cfa_offset += 8;
			else if (how == 3)
				spec->span++;
			else
				spec->cfa_offset += 8;
		}
		run(&stepper);
		if (!stepper.wrong)
			fail_msg("way %u was not noticed", how);
		close_all();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_call_of_c_begins_and_ends_once),
		cmocka_unit_test(each_call_of_cpp_begins_and_ends_once_or_is_unwound),
		cmocka_unit_test(random_programs_begin_and_end_their_calls_once),
		cmocka_unit_test(rets_alone_see_the_same_calls),
		cmocka_unit_test(a_wrong_plan_is_noticed),
	};

	return cmocka_run_group_tests_name("site", tests, compile_set_up, compile_tear_down);
}
