/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compile.h"
#include "userspace/plan/planner.h"

static struct wf_binary *elf;
static struct wf_ruleset *rules;
static struct wf_plan *plan;

/* Functions of one line each: "name: body". Every one has an unwind entry. */
static void open_functions(const char *const *functions)
{
	char text[16384] = ".text\n";
	size_t used = strlen(text);

	for (size_t i = 0; functions[i]; i += 2)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 ".globl %s\n.type %s,@function\n.p2align 4\n%s:\n"
					 ".cfi_startproc\n%s\n.cfi_endproc\n.size %s,.-%s\n",
					 functions[i], functions[i], functions[i], functions[i + 1],
					 functions[i], functions[i]);
	snprintf(text + used, sizeof(text) - used, ".section .note.GNU-stack,\"\",@progbits\n");
	elf = compile_open("gcc -shared -nostdlib -Wl,-Bsymbolic", "assembler", text, "tail");
	assert_non_null(elf);
}

static void plan_rules(const char *const *texts)
{
	struct wf_plan_options options = {0};
	struct wf_err err = {0};

	assert_int_equal(wf_ruleset_new(&rules, NULL), 0);
	for (size_t i = 0; texts[i]; i++)
		assert_int_equal(wf_ruleset_add_short(rules, texts[i], &err), 0);
	if (wf_plan_new(rules, &elf, 1, &options, NULL, &plan, &err) < 0)
		fail_msg("%s", err.msg);
}

static void close_all(void)
{
	wf_plan_free(plan);
	wf_ruleset_free(rules);
	wf_binary_free(elf);
}

static const struct wf_plan_function *function(const char *name)
{
	for (uint32_t i = 0; i < plan->function_count; i++)
		if (!strcmp(plan->functions[i].symbol, name))
			return &plan->functions[i];
	fail_msg("%s is not in the plan", name);
	return NULL;
}

/* Sites of this kind within a function of the file, with the spans that they close. */
static unsigned sites_in(const char *name, uint8_t kind, const char *spans)
{
	const struct wf_symbol *symbol = compile_symbol(elf, name);
	const struct wf_plan_file *file = &plan->files[0];
	unsigned found = 0;

	for (uint32_t i = 0; i < file->site_count; i++) {
		const struct wf_spec *spec = &file->sites[i].spec;
		char text[128];
		size_t used;

		if (file->sites[i].address - symbol->address >= symbol->size || spec->kind != kind)
			continue;
		used = (size_t)snprintf(text, sizeof(text), "%u", spec->span);
		for (uint32_t k = 0; spec->tail_set && k < plan->tail_sets[spec->tail_set].count;
		     k++)
			used += (size_t)snprintf(text + used, sizeof(text) - used, ",%u",
						 plan->tail_sets[spec->tail_set].span[k]);
		found += !strcmp(text, spans);
	}
	return found;
}

#define RETURNS "test %edi,%edi\njs 1f\ncall nobody\n1: ret"
#define NOBODY  "nobody", "xor %eax,%eax\nret"

static void a_direct_jump_hands_the_frame_over(void **state)
{
	const char *const functions[] = {"f", "endbr64\njmp g", "g", RETURNS, NOBODY, NULL};
	const char *const wanted[] = {"f", NULL};

	(void)state;
	open_functions(functions);
	plan_rules(wanted);
	assert_int_equal(function("f")->exit, WF_EXIT_HANDED_OVER);
	assert_int_equal(function("f")->tail_sites, 0);
	assert_int_equal(sites_in("f", WF_SITE_ENTER, "1"), 1);
	assert_int_equal(sites_in("f", WF_SITE_TAIL_JUMP, "1"), 0);
	/* Nothing is placed at the other function's entry, and its exit closes the frame. */
	assert_int_equal(sites_in("g", WF_SITE_ENTER, "0"), 0);
	assert_int_equal(sites_in("g", WF_SITE_RET, "1"), 1);
	assert_true(plan->files[0].sites[0].spec.flags & WF_SPEC_TAIL_ORIGIN);
	close_all();
}

static void a_traced_target_closes_both_frames_and_keeps_the_older_at_its_entry(void **state)
{
	const char *const functions[] = {"f", "endbr64\njmp g", "g", RETURNS, NOBODY, NULL};
	const char *const wanted[] = {"f", "g", NULL};

	(void)state;
	open_functions(functions);
	plan_rules(wanted);
	assert_int_equal(sites_in("g", WF_SITE_ENTER, "2,1"), 1);
	assert_int_equal(sites_in("g", WF_SITE_RET, "2,1"), 1);
	close_all();
}

static void unknown_targets_end_the_call_at_the_jump(void **state)
{
	const char *const functions[] = {
		"f", "test %rax,%rax\njne 1f\njmp g\n1: jmp *%rax", "g", RETURNS, NOBODY,
		"h", "test %edi,%edi\nje 1f\njmp *8(%rdi)\n1: ret", NULL};
	const char *const wanted[] = {"f", "h", NULL};

	(void)state;
	open_functions(functions);
	plan_rules(wanted);
	assert_int_equal(sites_in("f", WF_SITE_TAIL_JUMP, "1"), 1);
	assert_int_equal(sites_in("g", WF_SITE_RET, "1"), 1);
	assert_int_equal(function("f")->exit, WF_EXIT_TAIL_JUMP);
	assert_non_null(strstr(function("f")->note, "through a pointer"));
	assert_int_equal(function("h")->tail_sites, 1);
	close_all();
}

static void a_conditional_jump_out_carries_its_condition(void **state)
{
	/* Eight others jump to `many`, so it is too shared. */
	const char *const functions[] = {
		"f",        "endbr64\ncall nobody\ntest %edi,%edi\njs many\nret",
		"many",     RETURNS,
		NOBODY,     "a",
		"jmp many", "b",
		"jmp many", "c",
		"jmp many", "d",
		"jmp many", "e",
		"jmp many", "g",
		"jmp many", "h",
		"jmp many", "i",
		"jmp many", NULL};
	const char *const wanted[] = {"f", NULL};
	const struct wf_plan_file *file;
	bool seen = false;

	(void)state;
	open_functions(functions);
	plan_rules(wanted);
	file = &plan->files[0];
	for (uint32_t i = 0; i < file->site_count; i++) {
		const struct wf_spec *spec = &file->sites[i].spec;

		if (spec->kind != WF_SITE_TAIL_JUMP)
			continue;
		seen = true;
		assert_int_equal(spec->condition, 8);
		assert_int_equal(spec->direction, 1);
		assert_int_equal(spec->cfa_reg, WF_REG_RSP);
		assert_int_equal(spec->cfa_offset, 0);
	}
	assert_true(seen);
	assert_int_equal(sites_in("many", WF_SITE_RET, "1"), 0);
	assert_string_equal(function("f")->note, "ends at a jump to many");
	close_all();
}

static void frames_pass_through_four_functions_at_most(void **state)
{
	const char *const functions[] = {
		"f", "endbr64\njmp a", "a", "nop\njmp b", "b",    "nop\njmp c", "c", "nop\njmp d",
		"d", "nop\njmp e",     "e", RETURNS,      NOBODY, NULL};
	const char *const wanted[] = {"f", NULL};

	(void)state;
	open_functions(functions);
	plan_rules(wanted);
	assert_int_equal(sites_in("d", WF_SITE_TAIL_JUMP, "1"), 1);
	assert_int_equal(sites_in("e", WF_SITE_RET, "1"), 0);
	close_all();
}

static void functions_that_jump_in_a_circle_end_at_each_jump_back(void **state)
{
	const char *const functions[] = {
		"even", "test %edi,%edi\nje 1f\ndec %edi\njmp odd\n1: mov $1,%eax\nret",
		"odd",  "test %edi,%edi\nje 1f\ndec %edi\njmp even\n1: xor %eax,%eax\nret",
		"self", "test %edi,%edi\nje 1f\ncall even\ndec %edi\njmp self\n1: ret",
		NULL};
	const char *const wanted[] = {"even", "odd", "self", NULL};

	(void)state;
	open_functions(functions);
	plan_rules(wanted);
	/* One of the two jumps is handed over and the other is not: frames cannot pile up. */
	assert_int_equal(function("even")->tail_sites + function("odd")->tail_sites, 1);
	assert_int_equal(function("self")->tail_sites, 1);
	assert_int_equal(sites_in("self", WF_SITE_TAIL_JUMP, "3"), 1);
	close_all();
}

static void more_origins_than_a_set_holds_end_at_their_jumps(void **state)
{
	char names[40][8], bodies[40][24];
	const char *functions[90];
	const char *const wanted[] = {"w*", "many", NULL};
	size_t used = 0;

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		snprintf(names[i], sizeof(names[i]), "w%u", i);
		snprintf(bodies[i], sizeof(bodies[i]), "endbr64\njmp many");
		functions[used++] = names[i];
		functions[used++] = bodies[i];
	}
	functions[used++] = "many";
	functions[used++] = RETURNS;
	functions[used++] = "nobody";
	functions[used++] = "xor %eax,%eax\nret";
	functions[used] = NULL;
	open_functions(functions);
	plan_rules(wanted);
	assert_int_equal(function("w7")->exit, WF_EXIT_TAIL_JUMP);
	assert_int_equal(sites_in("many", WF_SITE_ENTER, "41"), 1);
	close_all();
}

static void one_instruction_may_be_entry_and_exit(void **state)
{
	const char *const functions[] = {"f",   "jmp g", "p",     "jmp *(%rdi)", "r",
					 "ret", "g",     RETURNS, NOBODY,        NULL};
	const char *const wanted[] = {"f", "p", "r", NULL};

	(void)state;
	open_functions(functions);
	plan_rules(wanted);
	assert_int_equal(function("f")->exit, WF_EXIT_HANDED_OVER);
	assert_int_equal(sites_in("p", WF_SITE_ENTER, "2"), 1);
	assert_int_equal(sites_in("p", WF_SITE_TAIL_JUMP, "2"), 1);
	assert_int_equal(sites_in("r", WF_SITE_ENTER, "3"), 1);
	assert_int_equal(sites_in("r", WF_SITE_RET, "3"), 1);
	close_all();
}

static void the_return_value_comes_from_the_function_that_has_it(void **state)
{
	const char *const functions[] = {
		"f",    "endbr64\njmp g",
		"g",    "test %edi,%edi\njs 1f\ncall nobody\njmp 1f\n1: mov %ebx,%eax\nret",
		NOBODY, NULL};
	const char *const wanted[] = {"f(r=return:i32)", NULL};
	const struct wf_plan_file *file;
	unsigned captures = 0;

	(void)state;
	open_functions(functions);
	plan_rules(wanted);
	file = &plan->files[0];
	for (uint32_t i = 0; i < file->site_count; i++) {
		const struct wf_spec *spec = &file->sites[i].spec;

		if (spec->kind != WF_SITE_BRANCH)
			continue;
		assert_int_equal(spec->capture_count, 1);
		assert_int_equal(plan->captures[spec->capture_first].source.reg, WF_REG_RBX);
		captures++;
	}
	assert_int_equal(captures, 2);
	close_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_direct_jump_hands_the_frame_over),
		cmocka_unit_test(
			a_traced_target_closes_both_frames_and_keeps_the_older_at_its_entry),
		cmocka_unit_test(unknown_targets_end_the_call_at_the_jump),
		cmocka_unit_test(a_conditional_jump_out_carries_its_condition),
		cmocka_unit_test(frames_pass_through_four_functions_at_most),
		cmocka_unit_test(functions_that_jump_in_a_circle_end_at_each_jump_back),
		cmocka_unit_test(more_origins_than_a_set_holds_end_at_their_jumps),
		cmocka_unit_test(one_instruction_may_be_entry_and_exit),
		cmocka_unit_test(the_return_value_comes_from_the_function_that_has_it),
	};

	return cmocka_run_group_tests_name("tail", tests, compile_set_up, compile_tear_down);
}
