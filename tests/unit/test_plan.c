/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compile.h"
#include "userspace/plan/plan.h"

#define POSTGRES "/usr/lib/postgresql/15/bin/postgres"

static struct wf_binary *elf;
static struct wf_ruleset *rules;
static struct wf_plan *plan;
static uint32_t matched[16];

static void plan_text(const char *const *texts, const struct wf_plan_options *options)
{
	static const struct wf_plan_options none;
	struct wf_err err = {0};

	assert_int_equal(wf_ruleset_new(&rules, NULL), 0);
	for (size_t i = 0; texts[i]; i++) {
		bool yaml = !strncmp(texts[i], "wftrace:", 8);
		int rc = yaml ? wf_ruleset_add_yaml(rules, "test.yaml", texts[i], strlen(texts[i]),
						    &err)
			      : wf_ruleset_add_short(rules, texts[i], &err);

		if (rc < 0)
			fail_msg("%s", err.msg);
	}
	if (wf_plan_new(rules, &elf, 1, options ? options : &none, matched, &plan, &err) < 0)
		fail_msg("%s", err.msg);
}

static void plan_one(const char *text)
{
	const char *const texts[] = {text, NULL};

	plan_text(texts, NULL);
}

static void done(void)
{
	wf_plan_free(plan);
	wf_ruleset_free(rules);
	plan = NULL;
	rules = NULL;
}

static void close_all(void)
{
	done();
	wf_binary_free(elf);
	elf = NULL;
}

static void open_text(const char *compiler, const char *language, const char *text)
{
	elf = compile_open(compiler, language, text, "plan");
	assert_non_null(elf);
}

static const struct wf_plan_site *site(uint8_t kind, unsigned n)
{
	for (uint32_t f = 0; f < plan->file_count; f++)
		for (uint32_t i = 0; i < plan->files[f].site_count; i++)
			if (plan->files[f].sites[i].spec.kind == kind && !n--)
				return &plan->files[f].sites[i];
	return NULL;
}

static const struct wf_capture *capture(const struct wf_plan_site *of, unsigned n)
{
	assert_non_null(of);
	assert_true(n < of->spec.capture_count);
	return &plan->captures[of->spec.capture_first + n];
}

static void aliases_are_one_function_and_the_first_rule_gets_it(void **state)
{
	const char *const texts[] = {"run_*", "run_one as one", "nothing_here", NULL};

	(void)state;
	open_text("gcc -O2 -shared -fPIC", "c",
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
	close_all();
}

static void demangled_names_match_without_parameters(void **state)
{
	(void)state;
	open_text("g++ -O2 -shared -fPIC", "c++",
		  "namespace ns { struct Stage { int run(int, const char *); int runs(long); };"
		  "int Stage::run(int x, const char *) { return x; }"
		  "int Stage::runs(long x) { return (int)x; } }");
	plan_one("ns::Stage::run");
	assert_int_equal(plan->function_count, 1);
	assert_string_equal(plan->functions[0].name, "ns::Stage::run");
	assert_string_equal(plan->functions[0].symbol, "_ZN2ns5Stage3runEiPKc");
	done();
	plan_one("ns::Stage::*");
	assert_int_equal(plan->function_count, 2);
	close_all();
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
	open_text("gcc -shared -nostdlib", "assembler",
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
		done();
	}
	wf_binary_free(elf);
}

static void arguments_come_from_registers_and_then_from_the_stack(void **state)
{
	static const uint8_t registers[] = {WF_REG_RDI, WF_REG_RSI, WF_REG_RDX,
					    WF_REG_RCX, WF_REG_R8,  WF_REG_R9};
	const struct wf_plan_site *entry;

	(void)state;
	open_text(
		"gcc -O2 -shared -fPIC", "c",
		"int g(int); int f(long a, long b, long c, long d, long e, long x, long y, long z)"
		"{ return g(g(a + b)) + g(c + d) + g(e + x) + g(y + z); }");
	plan_one("f(a=arg1:i32,b=arg2:i32,c=arg3:i32,d=arg4:u8,e=arg5:u64,x=arg6:str,y=arg7:i64,"
		 "z=arg8->16:u32)");
	entry = site(WF_SITE_ENTER, 0);
	assert_int_equal(entry->spec.capture_count, 8);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(capture(entry, i)->source.reg, registers[i]);
		assert_int_equal(capture(entry, i)->source.steps, 0);
		assert_int_equal(capture(entry, i)->slot, i);
	}
	assert_int_equal(capture(entry, 3)->source.type, WF_SRC_U8);
	assert_int_equal(capture(entry, 3)->max_bytes, 1);
	assert_int_equal(capture(entry, 5)->source.type, WF_SRC_CSTRING);
	assert_int_equal(capture(entry, 6)->source.reg, WF_REG_RSP);
	assert_int_equal(capture(entry, 6)->source.steps, 1);
	assert_int_equal(capture(entry, 6)->source.offset[0], 8);
	assert_int_equal(capture(entry, 7)->source.steps, 2);
	assert_int_equal(capture(entry, 7)->source.offset[0], 16);
	assert_int_equal(capture(entry, 7)->source.offset[1], 16);
	close_all();
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
	open_text("gcc -O2 -shared -fPIC", "c",
		  "int g(const char *); int f(const char *a, int b, const char *c)"
		  "{ return g(a) + b + g(c); }");
	plan_text(yaml, NULL);
	entry = site(WF_SITE_ENTER, 0);
	assert_int_equal(entry->spec.guard_count, 1);
	assert_int_equal(plan->guards[entry->spec.guard_first].source.reg, WF_REG_RSI);
	assert_int_equal(plan->guards[entry->spec.guard_first].compare, WF_CMP_GT);
	assert_int_equal(plan->guards[entry->spec.guard_first].value, 5);
	assert_int_equal(entry->spec.min_duration_ns, 2000000);
	assert_int_equal(entry->spec.capture_count, 2);
	assert_true(entry->spec.flags & WF_SPEC_SPILL);
	close_all();
}

static void clones_keep_their_time_and_lose_their_arguments(void **state)
{
	(void)state;
	open_text("gcc -shared -nostdlib", "assembler",
		  ".text\n.globl work.constprop.0,work.isra.0\n.type work.constprop.0,@function\n"
		  "work.constprop.0:\n.cfi_startproc\npush %rbx\ncall 1f\n1: pop %rbx\nret\n"
		  ".cfi_endproc\n.size work.constprop.0,.-work.constprop.0\n"
		  ".section .note.GNU-stack,\"\",@progbits\n");
	plan_one("work(a=arg1:i32)");
	assert_int_equal(plan->function_count, 1);
	assert_null(plan->functions[0].refusal);
	assert_non_null(strstr(plan->functions[0].note, "clone"));
	assert_int_equal(site(WF_SITE_ENTER, 0)->spec.capture_count, 0);
	done();
	plan_one("work when arg1:i32 == 1");
	assert_non_null(strstr(plan->functions[0].refusal, "clone"));
	close_all();
}

static void only_the_rules_of_a_file_take_part(void **state)
{
	(void)state;
	open_text("gcc -O2 -shared -fPIC", "c", "int f(int x) { return x; }");
	plan_one("f@libother*");
	assert_int_equal(plan->function_count, 0);
	done();
	plan_one("f@pla?");
	assert_int_equal(plan->function_count, 1);
	close_all();
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
	open_text("gcc -O2 -shared -fPIC", "c",
		  "int f(int x) { return x; } int g(int x) { return x; }");
	plan_text(texts, &none);
	assert_int_equal(plan->function_count, 0);
	wf_plan_free(plan);
	plan = NULL;
	assert_int_equal(wf_plan_new(rules, &elf, 1, &few, NULL, &plan, &err), -E2BIG);
	assert_non_null(strstr(err.msg, "more than 1 functions"));
	close_all();
}

/* A probe as <sys/sdt.h> writes it. */
#define PROBE(name, arguments)                                                                     \
	"990: nop\n.pushsection .note.stapsdt,\"\",\"note\"\n.balign 4\n.4byte "                   \
	"992f-991f,994f-993f,3\n991: .asciz \"stapsdt\"\n992: .balign 4\n993: .8byte "             \
	"990b\n.8byte "                                                                            \
	"_.stapsdt.base\n.8byte counter\n.asciz \"shop\"\n.asciz \"" name                          \
	"\"\n.asciz \"" arguments "\"\n994: .balign 4\n.popsection\n"

static const char probes_text[] =
	".text\n.globl f,g\n.type f,@function\nf:\n.cfi_startproc\npush %rbp\n"
	".cfi_def_cfa_offset 16\nmov %rsp,%rbp\n.cfi_def_cfa_register 6\n" PROBE(
		"sell__start", "-4@%edi 8@-8(%rbp) 8@$7") "sub $16,%rsp\n" PROBE("sell__done",
										 "4@%eax")
		PROBE("refund",
		      "8@%rsi 8f@%xmm0") "leave\n.cfi_def_cfa 7,8\nret\n.cfi_endproc\n"
					 ".size f,.-f\n.type "
					 "g,@function\ng:\n.cfi_startproc\n" PROBE("lost", "")
						 PROBE("sell__start",
						       "-4@%esi 8@%rdx 8@$8") "ret\n.cfi_endproc\n."
									      "size g,.-g\n"
									      ".data\ncounter: "
									      ".2byte 0\n"
									      ".section "
									      ".stapsdt.base,"
									      "\"aG\",\"progbits\","
									      ".stapsdt.base,"
									      "comdat\n_.stapsdt."
									      "base: .space 1\n"
									      ".section "
									      ".note.GNU-stack,"
									      "\"\",@progbits\n";

static void open_probes(void)
{
	open_text("gcc -shared -nostdlib", "assembler", probes_text);
}

static void a_span_opens_and_closes_at_static_probes(void **state)
{
	const char *const yaml[] = {"wftrace: 1\nprofile: t\nspans:\n"
				    "  - function: usdt:shop:sell__start..sell__done\n"
				    "    attributes: {n: 'arg1:i32', s: 'arg2:str'}\n",
				    NULL};
	const struct wf_plan_site *open, *second;

	(void)state;
	open_probes();
	plan_text(yaml, NULL);
	assert_int_equal(plan->function_count, 1);
	assert_int_equal(plan->functions[0].exit, WF_EXIT_PAIR);
	open = site(WF_SITE_OPEN, 0);
	second = site(WF_SITE_OPEN, 1);
	assert_non_null(second);
	assert_non_null(site(WF_SITE_CLOSE, 0));
	assert_int_equal(open->spec.span, second->spec.span);
	assert_int_equal(open->spec.span, site(WF_SITE_CLOSE, 0)->spec.span);
	assert_int_equal(open->class, WF_CLASS_EMULATED);
	assert_true(open->ref_counter != 0);
	/* Its frame is the function's. */
	assert_int_equal(open->spec.cfa_reg, WF_REG_RBP);
	assert_int_equal(open->spec.cfa_offset, 8);
	assert_int_equal(second->spec.cfa_reg, WF_REG_RSP);
	assert_int_equal(second->spec.cfa_offset, 0);
	/* Each place on its own: the first is closed in its own function, the second is not. */
	assert_true(open->spec.flags & WF_SPEC_SCOPED);
	assert_false(second->spec.flags & WF_SPEC_SCOPED);
	assert_int_equal(capture(open, 0)->source.reg, WF_REG_RDI);
	assert_int_equal(capture(open, 1)->source.reg, WF_REG_RBP);
	assert_int_equal(capture(open, 1)->source.steps, 1);
	assert_int_equal(capture(open, 1)->source.offset[0], -8);
	assert_int_equal(capture(open, 1)->source.type, WF_SRC_CSTRING);
	assert_int_equal(capture(second, 0)->source.reg, WF_REG_RSI);
	close_all();
}

static void a_pair_within_one_function_is_scoped(void **state)
{
	const char *const yaml[] = {"wftrace: 1\nprofile: t\nspans:\n"
				    "  - function: usdt:shop:sell__done..refund\n",
				    NULL};
	const char *const half[] = {"wftrace: 1\nprofile: t\nspans:\n"
				    "  - function: usdt:shop:sell__done..nowhere\n",
				    NULL};

	(void)state;
	open_probes();
	plan_text(yaml, NULL);
	assert_true(site(WF_SITE_OPEN, 0)->spec.flags & WF_SPEC_SCOPED);
	done();
	plan_text(half, NULL);
	assert_non_null(strstr(plan->functions[0].refusal, "closes it"));
	assert_int_equal(plan->files[0].site_count, 0);
	close_all();
}

static void events_have_sites_of_their_own(void **state)
{
	(void)state;
	open_probes();
	plan_one("usdt:shop:refund(a=arg1:u64,b=arg2:f64)");
	assert_int_equal(plan->function_count, 1);
	assert_string_equal(plan->functions[0].name, "shop:refund");
	assert_non_null(site(WF_SITE_EVENT, 0));
	/* The double is in a vector register: said, and left out. */
	assert_int_equal(site(WF_SITE_EVENT, 0)->spec.capture_count, 1);
	assert_non_null(strstr(plan->functions[0].note, "argument 2"));
	done();
	plan_one("usdt:shop:*");
	assert_int_equal(plan->function_count, 4);
	assert_int_equal(matched[0], 4);
	close_all();
}

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

	while (site(kind, count))
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
	close_all();
}

static void unwind_hooks_are_found_where_the_runtime_is(void **state)
{
	(void)state;
	open_text("g++ -static", "c++",
		  "int main(int c, char **) { try { if (c) throw c; } catch (int) { return 0; }"
		  "return 1; }");
	plan_one("main");
	assert_int_equal(wf_plan_add_hooks(plan, elf, NULL), 0);
	assert_int_equal(plan->file_count, 1);
	assert_int_equal(sites_of_kind(WF_SITE_THROW), 1);
	assert_int_equal(sites_of_kind(WF_SITE_RAISE), 3);
	assert_int_equal(sites_of_kind(WF_SITE_LAND), 1);
	assert_int_equal(sites_of_kind(WF_SITE_CATCH), 1);
	close_all();
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
		close_all();
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
	close_all();
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
		cmocka_unit_test(a_span_opens_and_closes_at_static_probes),
		cmocka_unit_test(a_pair_within_one_function_is_scoped),
		cmocka_unit_test(events_have_sites_of_their_own),
		cmocka_unit_test(hooks_are_found_once_for_all_their_names),
		cmocka_unit_test(unwind_hooks_are_found_where_the_runtime_is),
		cmocka_unit_test(postgresql_wrappers_last_as_long_as_what_they_jump_to),
		cmocka_unit_test(every_function_of_a_large_program_is_planned),
	};

	return cmocka_run_group_tests_name("plan", tests, compile_set_up, compile_tear_down);
}
