/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "flow.h"
#include "userspace/plan/exit.h"

static struct flow flow;
static struct wf_exits exits;

/* "jcc+5/2" leaves when not taken, "jmp+9/3", "ret+12", "leave+20" or "self+0" in code order. */
static const char *exits_text(void)
{
	static char text[512];
	uint64_t start = flow.graph->insns[flow.graph->entry].address;
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < flow.graph->count; i++) {
		const struct wf_insn *insn = &flow.graph->insns[i];
		unsigned at = (unsigned)(insn->address - start);

		for (uint32_t k = 0; k < exits.exit_count; k++) {
			const struct wf_exit_site *site = &exits.exits[k];

			if (site->insn != i)
				continue;
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s+%u",
						 used ? " " : "",
						 site->kind == WF_SITE_RET   ? "ret"
						 : insn->kind == WF_INSN_JMP ? "jmp"
									     : "jcc",
						 at);
			if (site->kind == WF_SITE_BRANCH)
				used += (size_t)snprintf(text + used, sizeof(text) - used, "/%u",
							 site->direction);
		}
		for (uint32_t k = 0; k < exits.leave_count; k++)
			if (exits.leaves[k].insn == i)
				used += (size_t)snprintf(text + used, sizeof(text) - used,
							 "%s%s+%u", used ? " " : "",
							 exits.leaves[k].self ? "self" : "leave",
							 at);
	}
	return text;
}

static void plan(const char *body, const struct wf_exit_wants *wants)
{
	assert_true(flow_assemble(&flow, body));
	assert_int_equal(flow_load(&flow, "f", NULL), 0);
	assert_int_equal(wf_exit_plan(flow.graph, wants, &exits), 0);
}

static void every_ret_gets_the_jumps_before_it_or_itself(void **state)
{
	static const struct {
		const char *body, *expected;
	} rows[] = {
		/* The jump that falls into the epilogue, and those that lead to it. */
		{"test %edi,%edi\njne 1f\nxor %eax,%eax\nret\n1: mov $1,%eax\nret\n", "jcc+2/3"},
		{"test %edi,%edi\njne 1f\ncall other\n1: ret\n", "ret+9"},
		{"test %edi,%edi\njne 1f\ncall other\njmp 1f\nnop\n1: ret\n", "jcc+2/1 jmp+9/3"},
		{"test %edi,%edi\njs 2f\njne 1f\ncall other\njmp 1f\n2: ud2\n1: ret\n",
		 "jcc+4/1 jmp+11/3"},
		/* Padding behind the jump belongs to nobody. */
		{"test %edi,%edi\njne 1f\ncall other\njmp 1f\n.p2align 4,0x90\n1: ret\n",
		 "jcc+2/1 jmp+9/3"},
		/* A call, a system call, a copy, the start of the function: the RET itself. */
		{"call other\nret\n", "ret+5"},
		{"xor %eax,%eax\nret\n", "ret+2"},
		{"test %edi,%edi\njne 1f\nsyscall\nret\n1: ret\n", "jcc+2/1 ret+6"},
		{"test %edi,%edi\njne 1f\nrep movsb\nret\n1: ret\n", "jcc+2/1 ret+6"},
		{"test %edi,%edi\njne 1f\njrcxz 2f\n1: ret\n2: ret\n", "ret+6 ret+7"},
		/* A loop would fire each turn, so its latch is no site. */
		{"1: dec %edi\njne 1b\nret\n", "jcc+2/2 self+2"},
		{"nop\n1: dec %edi\njne 1b\nret\n", "ret+5"},
		/* Choice is per RET. */
		{"test %edi,%edi\njne 1f\nxor %eax,%eax\nret\n1: call other\nret\n",
		 "jcc+2/2 ret+12"},
		/* Nothing leads to a landing pad but the unwinder. */
		{"test %edi,%edi\njne 1f\nud2\nmov %rax,%rdx\nret\n1: ret\n", "jcc+2/1 ret+9"},
		/* Other forms of RET. */
		{"call other\nrepz ret\n", "ret+5"},
		{"call other\nret $8\n", "ret+5"},
		{"call other\nbnd ret\n", "ret+5"},
		/* Jumps to other functions. */
		{"test %edi,%edi\nje other\njmp third\n", "leave+2 leave+4"},
		{"test %edi,%edi\nje 1f\njmp *%rax\n1: jmp *8(%rdi)\n", "leave+4 leave+6"},
		{"test %edi,%edi\nje 1f\ndec %edi\njmp f\n1: ret\n", "jcc+2/1 self+6"},
		/* No way out. */
		{"1: call other\njmp 1b\n", "self+5"},
		{"nop\n1: call other\njmp 1b\n", ""},
	};
	struct wf_exit_wants wants = {.sites_max = 30};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		plan(rows[i].body, &wants);
		if (strcmp(exits_text(), rows[i].expected) != 0)
			fail_msg("row %zu: %s\n%s", i, exits_text(), rows[i].body);
		flow_close(&flow);
	}
}

static void the_frame_is_known_at_each_site(void **state)
{
	struct wf_exit_wants wants = {.sites_max = 30};

	(void)state;
	plan("push %rbx\n.cfi_def_cfa_offset 16\nsub $32,%rsp\n.cfi_def_cfa_offset 48\n"
	     "test %edi,%edi\njne 1f\ncall other\njmp 1f\n1: add $32,%rsp\n"
	     ".cfi_def_cfa_offset 16\npop %rbx\n.cfi_def_cfa_offset 8\nret\n",
	     &wants);
	assert_string_equal(exits_text(), "jcc+7/1 jmp+14/3");
	assert_int_equal(exits.exits[0].cfa.reg, WF_REG_RSP);
	assert_int_equal(exits.exits[0].cfa.offset, 48);
	flow_close(&flow);

	plan("push %rbp\n.cfi_def_cfa_offset 16\nmov %rsp,%rbp\n.cfi_def_cfa_register 6\n"
	     "test %edi,%edi\njs 1f\nud2\n1: pop %rbp\n.cfi_def_cfa 7,8\nret\n",
	     &wants);
	assert_string_equal(exits_text(), "jcc+6/1");
	/* rbp + 16 as well: the pop says rsp */
	assert_int_equal(exits.exits[0].cfa.reg, WF_REG_RSP);
	assert_int_equal(exits.exits[0].cfa.offset, 16);
	assert_int_equal(exits.exits[0].condition, 8);
	flow_close(&flow);

	/* As clang emits it: the stack pointer has moved already, the rule says it has not. */
	plan("push %rbx\n.cfi_def_cfa_offset 16\nsub $8,%rsp\n.cfi_def_cfa_offset 24\ncall third\n"
	     "add $8,%rsp\ntest %eax,%eax\nje 1f\npop %rbx\n.cfi_def_cfa_offset 8\njmp other\n"
	     "1: .cfi_def_cfa_offset 16\npop %rbx\n.cfi_def_cfa_offset 8\nret\n",
	     &wants);
	assert_string_equal(exits_text(), "jcc+16/1 leave+19");
	assert_int_equal(exits.exits[0].cfa.reg, WF_REG_RSP);
	assert_int_equal(exits.exits[0].cfa.offset, 16);
	flow_close(&flow);

	/* A frame that neither the rule nor the code describes. */
	plan("test %edi,%edi\n.cfi_def_cfa 10,0\njs 1f\nud2\n1: lea -8(%r10),%rsp\nret\n", &wants);
	assert_string_equal(exits_text(), "ret+10");
	flow_close(&flow);
}

static void the_code_says_where_the_frame_is(void **state)
{
	static const struct {
		const char *epilogue;
		uint8_t reg;
		int32_t offset;
	} rows[] = {
		{"", WF_REG_RSP, 8},
		{"pop %rbx\n", WF_REG_RSP, 16},
		{"pop %r12\npop %rbp\n", WF_REG_RSP, 24},
		{"add $0x28,%rsp\npop %r15\n", WF_REG_RSP, 56},
		{"add $0x1000,%rsp\n", WF_REG_RSP, 0x1008},
		{"sub $-128,%rsp\n", WF_REG_RSP, 136},
		{"lea 0x10(%rsp),%rsp\n", WF_REG_RSP, 24},
		{"push %rax\npop %rdx\n", WF_REG_RSP, 8},
		{"leave\n", WF_REG_RBP, 16},
		{"mov %rbp,%rsp\npop %rbp\n", WF_REG_RBP, 16},
		{"lea -0x10(%rbp),%rsp\npop %rbx\npop %r12\npop %rbp\n", WF_REG_RBP, 16},
		/* not told: the unwind rule stays */
		{"mov %rdi,%rsp\n", WF_REG_RSP, 4000},
		{"pop %rsp\n", WF_REG_RSP, 4000},
		{"mov %rdi,%rbp\nleave\n", WF_REG_RSP, 4000},
		{"add %rdi,%rsp\n", WF_REG_RSP, 4000},
		{"lea 0x10(%rsp,%rdi),%rsp\n", WF_REG_RSP, 4000},
	};
	struct wf_exit_wants wants = {.sites_max = 30};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char body[256];

		snprintf(body, sizeof(body),
			 "test %%edi,%%edi\n.cfi_def_cfa_offset 4000\njs 1f\nud2\n1: %sret\n",
			 rows[i].epilogue);
		plan(body, &wants);
		assert_string_equal(exits_text(), "jcc+2/1");
		if (exits.exits[0].cfa.reg != rows[i].reg ||
		    exits.exits[0].cfa.offset != rows[i].offset)
			fail_msg("row %zu: %u + %d", i, exits.exits[0].cfa.reg,
				 exits.exits[0].cfa.offset);
		flow_close(&flow);
	}
}

static void wishes_of_the_caller_are_kept(void **state)
{
	const char *body = "test %edi,%edi\njne 1f\nxor %eax,%eax\nret\n1: mov $1,%eax\nret\n";
	struct wf_exit_wants only_rets = {.ret_only = true};
	struct wf_exit_wants few = {.sites_max = 1};

	(void)state;
	plan(body, &only_rets);
	assert_string_equal(exits_text(), "ret+6 ret+12");
	flow_close(&flow);
	plan("test %edi,%edi\njs 1f\nje 1f\ncmp $3,%edi\nje 1f\nud2\n1: ret\n", &few);
	assert_string_equal(exits_text(), "ret+13");
	flow_close(&flow);
}

static void return_values_are_found_before_the_epilogue_writes_them(void **state)
{
	static const struct {
		const char *body;
		uint8_t type;
		const char *exits;
		uint8_t kind, reg;
		int64_t constant;
	} rows[] = {
		{"test %edi,%edi\njs 1f\nud2\n1: ret\n", WF_SRC_I64, "jcc+2/1", WF_AT_REGISTER,
		 WF_REG_RAX, 0},
		{"test %edi,%edi\njs 1f\nud2\n1: mov %ebx,%eax\npop %rbx\nret\n", WF_SRC_I32,
		 "jcc+2/1", WF_AT_REGISTER, WF_REG_RBX, 0},
		/* 32 bits of the register are not what a 64-bit value needs. */
		{"test %edi,%edi\njs 1f\nud2\n1: mov %ebx,%eax\npop %rbx\nret\n", WF_SRC_I64,
		 "ret+9", WF_AT_REGISTER, WF_REG_RAX, 0},
		{"test %edi,%edi\njs 1f\nud2\n1: mov %rbx,%rax\npop %rbx\nret\n", WF_SRC_POINTER,
		 "jcc+2/1", WF_AT_REGISTER, WF_REG_RBX, 0},
		/* The register is gone when it is moved. */
		{"test %edi,%edi\njs 1f\nud2\n1: pop %rbx\nmov %ebx,%eax\nret\n", WF_SRC_I32,
		 "ret+9", WF_AT_REGISTER, WF_REG_RAX, 0},
		{"test %edi,%edi\njs 1f\nud2\n1: xor %eax,%eax\nret\n", WF_SRC_I64, "jcc+2/1",
		 WF_AT_CONSTANT, 0, 0},
		{"test %edi,%edi\njs 1f\nud2\n1: mov $-3,%eax\nret\n", WF_SRC_I32, "jcc+2/1",
		 WF_AT_CONSTANT, 0, 0xfffffffd},
		{"test %edi,%edi\njs 1f\nud2\n1: or $-1,%rax\nret\n", WF_SRC_I64, "jcc+2/1",
		 WF_AT_CONSTANT, 0, -1},
		{"test %edi,%edi\njs 1f\nud2\n1: mov -4(%rbp),%eax\nret\n", WF_SRC_I32, "jcc+2/1",
		 WF_AT_MEMORY, WF_REG_RBP, 0},
		{"test %edi,%edi\njs 1f\nud2\n1: movzbl %bl,%eax\nret\n", WF_SRC_BOOL, "jcc+2/1",
		 WF_AT_REGISTER, WF_REG_RBX, 0},
		{"test %edi,%edi\njs 1f\nud2\n1: add $1,%eax\nret\n", WF_SRC_I32, "ret+9",
		 WF_AT_REGISTER, WF_REG_RAX, 0},
		{"test %edi,%edi\njs 1f\nud2\n1: setne %al\nret\n", WF_SRC_BOOL, "ret+9",
		 WF_AT_REGISTER, WF_REG_RAX, 0},
		/* What it points to may be written by the epilogue. */
		{"test %edi,%edi\njs 1f\nud2\n1: movl $0,(%rax)\nret\n", WF_SRC_CSTRING, "ret+12",
		 WF_AT_REGISTER, WF_REG_RAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wf_operand operand = {.origin = WF_FROM_RETURN, .type = rows[i].type};
		struct wf_exit_wants wants = {
			.sites_max = 30, .returns = &operand, .return_count = 1};

		plan(rows[i].body, &wants);
		if (strcmp(exits_text(), rows[i].exits) != 0 || exits.exit_count != 1 ||
		    exits.exits[0].value.kind != rows[i].kind ||
		    (rows[i].kind != WF_AT_CONSTANT && exits.exits[0].value.reg != rows[i].reg) ||
		    exits.exits[0].value.constant != rows[i].constant)
			fail_msg("row %zu: %s, kind %u reg %u\n%s", i, exits_text(),
				 exits.exits[0].value.kind, exits.exits[0].value.reg, rows[i].body);
		flow_close(&flow);
	}
}

static void one_jump_with_two_return_values_serves_one_of_them(void **state)
{
	struct wf_operand operand = {.origin = WF_FROM_RETURN, .type = WF_SRC_I32};
	struct wf_exit_wants wants = {.sites_max = 30, .returns = &operand, .return_count = 1};

	(void)state;
	plan("test %edi,%edi\njne 1f\nxor %eax,%eax\nret\n1: mov $1,%eax\nret\n", &wants);
	assert_string_equal(exits_text(), "jcc+2/2 ret+12");
	flow_close(&flow);
	plan("test %edi,%edi\njne 1f\nxor %eax,%eax\n1: ret\n", &wants);
	assert_string_equal(exits_text(), "ret+6");
	flow_close(&flow);
}

/* Share of functions with an exit that have a cheap site for every RET. */
static double cheap_share(const char *path)
{
	struct wf_exit_wants wants = {.sites_max = 30};
	unsigned all = 0, cheap = 0;
	uint64_t text, size, start, length;

	assert_true(flow_open_file(&flow, path));
	assert_int_equal(wf_binary_text(flow.elf, 0, &text, &size), 0);
	for (uint64_t at = text; at < text + size; at++) {
		unsigned rets = 0;

		if (wf_binary_fde(flow.elf, at, &start, &length) < 0)
			continue;
		at = start + length - 1;
		if (!wf_graph_is_function(flow.elf, start) ||
		    wf_graph_load(flow.graph, start, length, NULL) < 0)
			continue;
		assert_int_equal(wf_exit_plan(flow.graph, &wants, &exits), 0);
		for (uint32_t i = 0; i < exits.exit_count; i++)
			rets += exits.exits[i].kind == WF_SITE_RET;
		all += exits.exit_count || exits.leave_count;
		cheap += exits.exit_count && !rets;
	}
	flow_close(&flow);
	return all ? 100.0 * cheap / all : 0;
}

static void real_programs_have_as_many_cheap_exits_as_when_they_were_surveyed(void **state)
{
	static const struct {
		const char *path;
		double percent;
	} rows[] = {
		{"/usr/bin/ninja", 55},
		{"/usr/bin/cmake", 51},
		{"/usr/lib/postgresql/15/bin/postgres", 44},
		{"/usr/lib/x86_64-linux-gnu/libstdc++.so.6", 19},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double percent;

		if (access(rows[i].path, R_OK) != 0)
			continue;
		percent = cheap_share(rows[i].path);
		print_message("%s: %.1f %% (surveyed: %.0f %%)\n", rows[i].path, percent,
			      rows[i].percent);
		assert_true(percent >= rows[i].percent);
	}
}

static int tear_down(void **state)
{
	wf_exits_done(&exits);
	return compile_tear_down(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_ret_gets_the_jumps_before_it_or_itself),
		cmocka_unit_test(the_frame_is_known_at_each_site),
		cmocka_unit_test(the_code_says_where_the_frame_is),
		cmocka_unit_test(wishes_of_the_caller_are_kept),
		cmocka_unit_test(return_values_are_found_before_the_epilogue_writes_them),
		cmocka_unit_test(one_jump_with_two_return_values_serves_one_of_them),
		cmocka_unit_test(real_programs_have_as_many_cheap_exits_as_when_they_were_surveyed),
	};

	return cmocka_run_group_tests_name("exit", tests, compile_set_up, tear_down);
}
