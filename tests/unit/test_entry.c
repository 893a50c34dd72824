/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "flow.h"
#include "userspace/plan/entry.h"

#define RDI (1u << WF_REG_RDI)
#define RSI (1u << WF_REG_RSI)

static const struct {
	const char *body;
	struct wf_entry_wants wants;
	int shift; /* -1 = refused */
	bool emulated;
} rows[] = {
	/* Cheap at once. */
	{"push %rbp\nmov %rsp,%rbp\npop %rbp\nret\n", {0}, 0, true},
	{"nop\nret\n", {0}, 0, true},
	/* The first cheap one behind what leaves everything as it was. */
	{"endbr64\npush %rbx\npop %rbx\nret\n", {.registers = RDI}, 4, true},
	{"endbr64\ntest %edi,%edi\nje 1f\nmov $1,%eax\nret\n1: ret\n", {.registers = RDI}, 6, true},
	{"mov %rdi,%rax\njmp other\n", {.registers = RDI}, 3, true},
	/* Wanted registers and the stack pointer must be intact, others need not. */
	{"mov %rsi,%rdi\npush %rbx\npop %rbx\nret\n", {.registers = RDI}, 0, false},
	{"mov %rsi,%rdi\npush %rbx\npop %rbx\nret\n", {.registers = RSI}, 3, true},
	{"mov $1,%dil\npush %rbx\npop %rbx\nret\n", {.registers = RDI}, 0, false},
	{"mov %rsi,%rdi\npush %rbx\npop %rbx\nret\n", {0}, 3, true},
	{"sub $8,%rsp\nnop\nadd $8,%rsp\nret\n", {0}, 0, false},
	{"xchg %rsi,%rdi\npush %rbx\npop %rbx\nret\n", {.registers = RSI}, 0, false},
	{"cpuid\npush %rbx\npop %rbx\nret\n", {.registers = 1u << WF_REG_RDX}, 0, false},
	/* What is behind a pointer must not change either. */
	{"mov %rsi,(%rdi)\npush %rbx\npop %rbx\nret\n", {.registers = RDI}, 3, true},
	{"mov %rsi,(%rdi)\npush %rbx\npop %rbx\nret\n",
	 {.registers = RDI, .memory = true},
	 0,
	 false},
	/* Straight line only. */
	{"call other\npush %rbx\npop %rbx\nret\n", {0}, -1, false},
	{"mov %edi,%eax\ncall other\npush %rbx\npop %rbx\nret\n", {0}, 0, false},
	{"mov %edi,%eax\nsyscall\npush %rbx\npop %rbx\nret\n", {0}, 0, false},
	{"mov %edi,%eax\nret\nnop\n", {0}, 0, false},
	/* Nothing may lead behind the entry and to the site. */
	{"mov %edi,%eax\n1: test %eax,%eax\nje 2f\ndec %eax\njmp 1b\n2: ret\n", {0}, 0, false},
	{"1: mov %edi,%eax\ntest %eax,%eax\nje 2f\ndec %edi\njmp 1b\n2: ret\n", {0}, 4, true},
	{"mov %edi,%eax\nalias: push %rbx\npop %rbx\nret\n.type alias,@function\n.globl alias\n",
	 {0},
	 0,
	 false},
	/* Multi-byte NOPs are no sites, but may be passed. */
	{".byte 0x66,0x90\npush %rbx\npop %rbx\nret\n", {0}, 2, true},
	{".byte 0x0f,0x1f,0x44,0,0\npush %rbx\npop %rbx\nret\n", {.nop5_unsafe = true}, 5, true},
	{".byte 0x0f,0x1f,0x44,0,0\nxor %eax,%eax\nret\n", {.nop5_unsafe = true}, 5, false},
	{".byte 0x0f,0x1f,0x44,0,0\nxor %eax,%eax\nret\n", {0}, 0, false},
	{".byte 0x0f,0x1f,0x44,0,0\ncall other\nret\n", {.nop5_unsafe = true}, -1, false},
	/* What the kernel refuses. */
	{"lock incl (%rdi)\nxor %eax,%eax\nret\n", {0}, 4 - 1, false},
	{"lock incl (%rdi)\ncall other\nret\n", {0}, -1, false},
	{"ud2\n", {0}, -1, false},
	/* Hand-written assembly stays where it begins. */
	{"endbr64\npush %rbx\npop %rbx\nret\n", {.stay = true}, 0, false},
	{"push %rbx\npop %rbx\nret\n", {.stay = true}, 0, true},
};

static void the_first_cheap_instruction_that_is_still_the_entry_is_taken(void **state)
{
	struct flow flow;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wf_err err = {0};
		struct wf_entry entry;
		int shift = -1;

		assert_true(flow_assemble(&flow, rows[i].body));
		assert_int_equal(flow_load(&flow, "f", &err), 0);
		if (wf_entry_plan(flow.graph, &rows[i].wants, &entry, &err) >= 0)
			shift = (int)(flow.graph->insns[entry.insn].address -
				      flow.graph->insns[flow.graph->entry].address);
		if (shift != rows[i].shift || (shift >= 0 && entry.emulated != rows[i].emulated))
			fail_msg("row %zu: +%d %s\n%s", i, shift,
				 shift >= 0 && entry.emulated ? "emulated" : "stepped",
				 rows[i].body);
		assert_true(shift >= 0 || err.msg[0]);
		flow_close(&flow);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_cheap_instruction_that_is_still_the_entry_is_taken),
	};

	return cmocka_run_group_tests_name("entry", tests, compile_set_up, compile_tear_down);
}
