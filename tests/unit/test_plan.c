/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/plan/planner.h"

#include "planned.h"

#define POSTGRES "/usr/lib/postgresql/15/bin/postgres"

static void aliases_are_one_function_and_the_first_rule_gets_it(void **state)
{
	const char *const texts[] = {"run_*", "run_one as one", "nothing_here", NULL};

	(void)state;
	plan_open("gcc -O2 -shared -fPIC", "c",
		  "int run_one(int x) { return x; }"
		  "int __run_alias(int) __attribute__((alias(\"run_one\")));"
		  "int run_also(int) __attribute__((alias(\"run_one\")));"
		  "int run_two(int x) { return x + 1; } int other(int x) { return x; }");
	plan_text(texts, NULL);
	assert_int_equal(plan->function_count, 2);
	assert_int_equal(plan->span_count, 2);
	assert_int_equal(matched[0], 2);
	assert_int_equal(matched[1], 1);
	assert_int_equal(matched[2], 0);
	for (uint32_t i = 0; i < 2; i++)
		assert_ptr_equal(plan->functions[i].rule, &rules->rules[0]);
	plan_close();
}

static void demangled_names_match_without_parameters(void **state)
{
	(void)state;
	plan_open("g++ -O2 -shared -fPIC", "c++",
		  "namespace ns { struct Stage { int run(int, const char *); int runs(long); };"
		  "int Stage::run(int x, const char *) { return x; }"
		  "int Stage::runs(long x) { return (int)x; } }");
	plan_one("ns::Stage::run");
	assert_int_equal(plan->function_count, 1);
	assert_string_equal(plan->functions[0].name, "ns::Stage::run");
	assert_string_equal(plan->functions[0].symbol, "_ZN2ns5Stage3runEiPKc");
	plan_done();
	plan_one("ns::Stage::*");
	assert_int_equal(plan->function_count, 2);
	plan_close();
}

static void refusals_name_their_reason(void **state)
{
	static const struct {
		const char *rule, *reason;
	} rows[] = {
		{"chosen", "chooses an implementation"},
		{"broken", "does not decode"},
		{"trap", "trap instruction"},
		{"locked", "cannot probe the instruction"},
		{"patched", "5-byte NOP"},
		{"part.cold", "rarely used part of part"},
		{"endless", "where it ends is not known"},
		{"restarted", "restartable sequence"},
		{"deep(x=arg7->1->2->3->4:i32)", "pointers"},
	};
	struct wf_plan_options options = {.nop5_unsafe = true};

	(void)state;
	plan_open("gcc -shared -nostdlib", "assembler",
		  ".text\n.globl chosen,broken,trap,locked,patched,endless,real,deep,restarted\n"
		  ".macro fn name\n.type \\name,@function\n.p2align "
		  "4\n\\name:\n.cfi_startproc\n.endm\n"
		  ".macro end name\n.cfi_endproc\n.size \\name,.-\\name\n.endm\n"
		  ".type chosen,@gnu_indirect_function\nchosen:\nlea 0(%rip),%rax\nret\n"
		  ".size chosen,.-chosen\n"
		  "fn broken\n.byte 0x06\nret\nend broken\nfn trap\nud2\nend trap\n"
		  "fn locked\nlock incl (%rdi)\ncall real@PLT\nret\nend locked\n"
		  "fn patched\n.byte 0x0f,0x1f,0x44,0,0\ncall real@PLT\nret\nend patched\n"
		  "fn part.cold\nret\nend part.cold\nfn real\npush %rbx\npop %rbx\nret\nend real\n"
		  "fn deep\npush %rbx\npop %rbx\nret\nend deep\n"
		  "fn restarted\npush %rbx\n1: incl (%rdi)\n2: pop %rbx\nret\nend restarted\n"
		  ".type endless,@function\n.p2align 4\nendless:\nnop\nret\n.p2align 4\nlast: ret\n"
		  ".section __rseq_cs,\"aw\"\n.p2align 5\n.long 0,0\n.quad 1b,2b-1b,1b\n"
		  ".section .note.GNU-stack,\"\",@progbits\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const texts[] = {rows[i].rule, NULL};

		plan_text(texts, &options);
		if (plan->function_count != 1 || !plan->functions[0].refusal ||
		    !strstr(plan->functions[0].refusal, rows[i].reason))
			fail_msg("%s: %u functions, %s", rows[i].rule, plan->function_count,
				 plan->function_count ? plan->functions[0].refusal : "");
		assert_int_equal(plan->functions[0].span, 0);
		assert_int_equal(plan->files[0].site_count, 0);
		plan_done();
	}
	wf_binary_free(elf);
}

static void arguments_come_from_registers_and_then_from_the_stack(void **state)
{
	static const uint8_t registers[] = {WF_REG_RDI, WF_REG_RSI, WF_REG_RDX,
					    WF_REG_RCX, WF_REG_R8,  WF_REG_R9};
	const struct wf_plan_site *entry;

	(void)state;
	plan_open(
		"gcc -O2 -shared -fPIC", "c",
		"int g(int); int f(long a, long b, long c, long d, long e, long x, long y, long z)"
		"{ return g(g(a + b)) + g(c + d) + g(e + x) + g(y + z); }");
	plan_one("f(a=arg1:i32,b=arg2:i32,c=arg3:i32,d=arg4:u8,e=arg5:u64,x=arg6:str,y=arg7:i64,"
		 "z=arg8->16:u32)");
	entry = plan_site(WF_SITE_ENTER, 0);
	assert_int_equal(entry->spec.capture_count, 8);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(plan_capture(entry, i)->source.reg, registers[i]);
		assert_int_equal(plan_capture(entry, i)->source.steps, 0);
		assert_int_equal(plan_capture(entry, i)->slot, i);
	}
	assert_int_equal(plan_capture(entry, 3)->source.type, WF_SRC_U8);
	assert_int_equal(plan_capture(entry, 3)->max_bytes, 1);
	assert_int_equal(plan_capture(entry, 5)->source.type, WF_SRC_CSTRING);
	assert_int_equal(plan_capture(entry, 6)->source.reg, WF_REG_RSP);
	assert_int_equal(plan_capture(entry, 6)->source.steps, 1);
	assert_int_equal(plan_capture(entry, 6)->source.offset[0], 8);
	assert_int_equal(plan_capture(entry, 7)->source.steps, 2);
	assert_int_equal(plan_capture(entry, 7)->source.offset[0], 16);
	assert_int_equal(plan_capture(entry, 7)->source.offset[1], 16);
	plan_close();
}

static void guards_durations_and_long_strings_go_into_the_entry(void **state)
{
	const char *const yaml[] = {
		"wftrace: 1\nprofile: t\nspans:\n  - function: f\n    when: arg2:i32 > 5\n"
		"    min_duration: 2ms\n"
		"    attributes: {a: 'arg1:str[300]', b: 'arg3:str[300]'}\n",
		NULL};
	const struct wf_plan_site *entry;

	(void)state;
	plan_open("gcc -O2 -shared -fPIC", "c",
		  "int g(const char *); int f(const char *a, int b, const char *c)"
		  "{ return g(a) + b + g(c); }");
	plan_text(yaml, NULL);
	entry = plan_site(WF_SITE_ENTER, 0);
	assert_int_equal(entry->spec.guard_count, 1);
	assert_int_equal(plan->guards[entry->spec.guard_first].source.reg, WF_REG_RSI);
	assert_int_equal(plan->guards[entry->spec.guard_first].compare, WF_CMP_GT);
	assert_int_equal(plan->guards[entry->spec.guard_first].value, 5);
	assert_int_equal(entry->spec.min_duration_ns, 2000000);
	assert_int_equal(entry->spec.capture_count, 2);
	assert_true(entry->spec.flags & WF_SPEC_SPILL);
	plan_close();
}

static void clones_keep_their_time_and_lose_their_arguments(void **state)
{
	(void)state;
	plan_open("gcc -shared -nostdlib", "assembler",
		  ".text\n.globl work.constprop.0,work.isra.0\n.type work.constprop.0,@function\n"
		  "work.constprop.0:\n.cfi_startproc\npush %rbx\ncall 1f\n1: pop %rbx\nret\n"
		  ".cfi_endproc\n.size work.constprop.0,.-work.constprop.0\n"
		  ".section .note.GNU-stack,\"\",@progbits\n");
	plan_one("work(a=arg1:i32)");
	assert_int_equal(plan->function_count, 1);
	assert_null(plan->functions[0].refusal);
	assert_non_null(strstr(plan->functions[0].note, "clone"));
	assert_int_equal(plan_site(WF_SITE_ENTER, 0)->spec.capture_count, 0);
	plan_done();
	plan_one("work when arg1:i32 == 1");
	assert_non_null(strstr(plan->functions[0].refusal, "clone"));
	plan_close();
}

static void only_the_rules_of_a_file_take_part(void **state)
{
	(void)state;
	plan_open("gcc -O2 -shared -fPIC", "c", "int f(int x) { return x; }");
	plan_one("f@libother*");
	assert_int_equal(plan->function_count, 0);
	plan_done();
	plan_one("f@pla?");
	assert_int_equal(plan->function_count, 1);
	plan_close();
}

static bool never(const void *context, uint32_t file, uint32_t rule)
{
	(void)context;
	return file || rule;
}

static void limits_and_choices_of_the_caller_hold(void **state)
{
	const char *const texts[] = {"*", NULL};
	struct wf_plan_options few = {.function_max = 1}, none = {.takes = never};
	struct wf_err err = {0};

	(void)state;
	plan_open("gcc -O2 -shared -fPIC", "c",
		  "int f(int x) { return x; } int g(int x) { return x; }");
	plan_text(texts, &none);
	assert_int_equal(plan->function_count, 0);
	wf_plan_free(plan);
	plan = NULL;
	assert_int_equal(wf_plan_new(rules, &elf, 1, &few, NULL, &plan, &err), -E2BIG);
	assert_non_null(strstr(err.msg, "more than 1 functions"));
	plan_close();
}

static void postgresql_wrappers_last_as_long_as_what_they_jump_to(void **state)
{
	static const struct {
		const char *wrapper, *standard;
	} rows[] = {{"ExecutorRun", "standard_ExecutorRun"},
		    {"planner", "standard_planner"},
		    {"ProcessUtility", "standard_ProcessUtility"}};

	(void)state;
	if (access(POSTGRES, R_OK) != 0)
		skip();
	for (size_t i = 0; i < 3; i++) {
		const struct wf_symbol *standard;
		unsigned within = 0;

		assert_int_equal(wf_binary_open(POSTGRES, POSTGRES, NULL, &elf, NULL), 0);
		plan_one(rows[i].wrapper);
		standard = compile_symbol(elf, rows[i].standard);
		assert_non_null(standard);
		/* The hook's way out is its own exit, the direct way has none. */
		assert_int_equal(plan->functions[0].tail_sites, 1);
		assert_non_null(strstr(plan->functions[0].note, "through a pointer"));
		for (uint32_t k = 0; k < plan->files[0].site_count; k++) {
			const struct wf_plan_site *at = &plan->files[0].sites[k];

			within +=
				(at->spec.kind == WF_SITE_RET || at->spec.kind == WF_SITE_BRANCH) &&
				at->address - standard->address < standard->size;
		}
		/* ProcessUtility's twin itself ends in a tail jump. */
		assert_true(within > 0 || i == 2);
		plan_close();
	}
}

static void every_function_of_a_large_program_is_planned(void **state)
{
	(void)state;
	if (access(POSTGRES, R_OK) != 0)
		skip();
	assert_int_equal(wf_binary_open(POSTGRES, POSTGRES, NULL, &elf, NULL), 0);
	plan_one("*");
	assert_true(plan->span_count > 9000);
	plan_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aliases_are_one_function_and_the_first_rule_gets_it),
		cmocka_unit_test(demangled_names_match_without_parameters),
		cmocka_unit_test(refusals_name_their_reason),
		cmocka_unit_test(arguments_come_from_registers_and_then_from_the_stack),
		cmocka_unit_test(guards_durations_and_long_strings_go_into_the_entry),
		cmocka_unit_test(clones_keep_their_time_and_lose_their_arguments),
		cmocka_unit_test(only_the_rules_of_a_file_take_part),
		cmocka_unit_test(limits_and_choices_of_the_caller_hold),
		cmocka_unit_test(postgresql_wrappers_last_as_long_as_what_they_jump_to),
		cmocka_unit_test(every_function_of_a_large_program_is_planned),
	};

	return cmocka_run_group_tests_name("plan", tests, compile_set_up, compile_tear_down);
}
