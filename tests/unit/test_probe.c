/* SPDX-License-Identifier: Apache-2.0 */
#include "planned.h"

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
	plan_open("gcc -shared -nostdlib", "assembler", probes_text);
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
	open = plan_site(WF_SITE_OPEN, 0);
	second = plan_site(WF_SITE_OPEN, 1);
	assert_non_null(second);
	assert_non_null(plan_site(WF_SITE_CLOSE, 0));
	assert_int_equal(open->spec.span, second->spec.span);
	assert_int_equal(open->spec.span, plan_site(WF_SITE_CLOSE, 0)->spec.span);
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
	assert_int_equal(plan_capture(open, 0)->source.reg, WF_REG_RDI);
	assert_int_equal(plan_capture(open, 1)->source.reg, WF_REG_RBP);
	assert_int_equal(plan_capture(open, 1)->source.steps, 1);
	assert_int_equal(plan_capture(open, 1)->source.offset[0], -8);
	assert_int_equal(plan_capture(open, 1)->source.type, WF_SRC_CSTRING);
	assert_int_equal(plan_capture(second, 0)->source.reg, WF_REG_RSI);
	plan_close();
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
	assert_true(plan_site(WF_SITE_OPEN, 0)->spec.flags & WF_SPEC_SCOPED);
	plan_done();
	plan_text(half, NULL);
	assert_non_null(strstr(plan->functions[0].refusal, "closes it"));
	assert_int_equal(plan->files[0].site_count, 0);
	plan_close();
}

static void events_have_sites_of_their_own(void **state)
{
	(void)state;
	open_probes();
	plan_one("usdt:shop:refund(a=arg1:u64,b=arg2:f64)");
	assert_int_equal(plan->function_count, 1);
	assert_string_equal(plan->functions[0].name, "shop:refund");
	assert_non_null(plan_site(WF_SITE_EVENT, 0));
	/* The double is in a vector register: said, and left out. */
	assert_int_equal(plan_site(WF_SITE_EVENT, 0)->spec.capture_count, 1);
	assert_non_null(strstr(plan->functions[0].note, "argument 2"));
	plan_done();
	plan_one("usdt:shop:*");
	assert_int_equal(plan->function_count, 4);
	assert_int_equal(matched[0], 4);
	plan_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_span_opens_and_closes_at_static_probes),
		cmocka_unit_test(a_pair_within_one_function_is_scoped),
		cmocka_unit_test(events_have_sites_of_their_own),
	};

	return cmocka_run_group_tests_name("probe", tests, compile_set_up, compile_tear_down);
}
