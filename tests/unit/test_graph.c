/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "flow.h"

static struct flow flow;

static void open_assembly(const char *body)
{
	assert_true(flow_assemble(&flow, body));
	assert_int_equal(flow_load(&flow, "f", NULL), 0);
}

static void only_loops_are_marked_as_cycles(void **state)
{
	static const bool expected[] = {false, true, true, true, false, false, false};

	(void)state;
	open_assembly("xor %eax,%eax\n1: add %edi,%eax\ndec %edi\njnz 1b\ntest %eax,%eax\n"
		      "jz 2f\n2: ret\n");
	assert_int_equal(flow.graph->count, 7);
	for (uint32_t i = 0; i < flow.graph->count; i++)
		assert_int_equal(!!(flow.graph->marks[i] & WF_MARK_CYCLE), expected[i]);
	flow_close(&flow);
}

static void an_instruction_that_jumps_to_itself_is_a_cycle(void **state)
{
	(void)state;
	open_assembly("nop\n1: jmp 1b\nret\n");
	assert_true(flow.graph->marks[1] & WF_MARK_CYCLE);
	assert_false(flow.graph->marks[2] & WF_MARK_CYCLE);
	flow_close(&flow);
}

static void jumps_out_are_told_from_jumps_within(void **state)
{
	(void)state;
	open_assembly("test %edi,%edi\njz other\njs 1f\njmp *%rax\n1: push %rbx\n"
		      ".cfi_def_cfa_offset 16\njmp other\n");
	assert_int_equal(flow.graph->marks[1] & (WF_MARK_LEAVES | WF_MARK_LOST), WF_MARK_LEAVES);
	assert_int_equal(flow.graph->marks[2] & (WF_MARK_LEAVES | WF_MARK_LOST), 0);
	assert_int_equal(flow.graph->marks[3] & (WF_MARK_LEAVES | WF_MARK_LOST), WF_MARK_LEAVES);
	/* The frame is still there: nobody will see this call end. */
	assert_int_equal(flow.graph->marks[5] & (WF_MARK_LEAVES | WF_MARK_LOST), WF_MARK_LOST);
	assert_int_equal(flow.graph->part_count, 1);
	flow_close(&flow);
}

static void a_jump_over_a_lock_prefix_is_followed(void **state)
{
	(void)state;
	open_assembly("test %edi,%edi\njz 1f+1\n1: lock incl (%rsi)\nret\n");
	assert_int_equal(flow.graph->to[1], 2);
	flow_close(&flow);
}

static void code_that_does_not_decode_is_refused(void **state)
{
	struct wf_err err = {0};

	(void)state;
	assert_true(flow_assemble(&flow, "push %rbx\n.byte 0x06\nret\n"));
	assert_int_equal(flow_load(&flow, "f", &err), -EILSEQ);
	assert_non_null(strstr(err.msg, "does not decode"));
	flow_close(&flow);
	assert_true(flow_assemble(&flow, ".skip 1100000, 0x90\nret\n"));
	assert_int_equal(flow_load(&flow, "f", &err), -E2BIG);
	flow_close(&flow);
}

/* Each case does something else, so that no compiler makes a table of values of it. */
static const char switch_text[] =
	"int g(int); int sw(int x, int y) { switch (x) { case 0: return g(1); case 1: return y;"
	"case 2: return g(y) + 3; case 3: return y * y; case 4: y = g(3); break; case 5: g(2);"
	"case 6: return g(x + y); case 7: return y / 3; case 8: return g(g(y)); case 9: return 9;"
	"case 10: y += g(7); break; case 11: return y << 3; } return y + g(y); }"
	"int in_loop(const unsigned char *s) { int r = 0; for (; *s; s++) switch (*s) {"
	"case 'a': r += g(1); break; case 'b': r -= 2; break; case 'c': r *= g(3); break;"
	"case 'd': return r; case 'e': r = g(r); break; case 'f': r ^= 5; break; case 'g': g(9);"
	"case 'h': r++; break; case 'i': r = g(r) + 1; break; default: r--; } return r; }"
	"int g(int x) { return x + 1; } int main(int c, char **v) { return sw(c, c) +"
	"in_loop((unsigned char *)*v); }";

static void check_switch(const char *function, uint32_t cases, const char *compiler)
{
	const struct wf_graph *graph = flow.graph;

	if (flow_load(&flow, function, NULL) < 0 || graph->unresolved || graph->switch_count != 1 ||
	    graph->switches[0].count < cases)
		fail_msg("%s: %s: unresolved %d, %u switches, first of %u", compiler, function,
			 graph->unresolved, graph->switch_count,
			 graph->switch_count ? graph->switches[0].count : 0);
	for (uint32_t i = 0; i < graph->target_count; i++)
		assert_true(graph->marks[graph->targets[i]] & WF_MARK_TABLE);
}

static void switch_tables_of_both_compilers_are_resolved(void **state)
{
	static const char *const compilers[] = {"gcc", "clang"};
	static const char *const levels[] = {"-O0", "-O1", "-O2", "-O3", "-Os"};
	static const char *const ways[] = {"-fPIE -pie", "-fno-pic -no-pie",
					   "-fPIE -pie -fcf-protection -fno-omit-frame-pointer"};
	char compiler[128];

	(void)state;
	for (unsigned i = 0; i < 2 * 5 * 3; i++) {
		snprintf(compiler, sizeof(compiler), "%s %s %s", compilers[i % 2],
			 levels[i / 2 % 5], ways[i / 10]);
		if (!flow_open(&flow, compiler, "c", switch_text))
			fail_msg("%s does not build", compiler);
		check_switch("sw", 12, compiler);
		check_switch("in_loop", 9, compiler);
		flow_close(&flow);
	}
}

static const char goto_text[] =
	"int g(int x) { return x + 1; }"
	"int f(const unsigned char *p) { static const void *const t[] = {&&a, &&b, &&c, &&d};"
	"int s = 0; goto *t[*p & 3]; a: s += 1; p++; goto *t[*p & 3]; b: s += g(2); p++;"
	"goto *t[*p & 3]; c: p++; s *= 2; goto *t[*p & 3]; d: return s; }"
	"int main(int c, char **v) { return f((unsigned char *)*v); }";

static void computed_gotos_are_resolved_through_relocations(void **state)
{
	static const char *const compilers[] = {"gcc -O2 -fPIE -pie", "clang -O2 -fPIE -pie",
						"gcc -O2 -fno-pic -no-pie",
						"gcc -O1 -shared -fPIC"};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		assert_true(flow_open(&flow, compilers[i], "c", goto_text));
		assert_int_equal(flow_load(&flow, "f", NULL), 0);
		if (flow.graph->unresolved || !flow.graph->switch_count)
			fail_msg("%s: unresolved %d, %u switches", compilers[i],
				 flow.graph->unresolved, flow.graph->switch_count);
		for (uint32_t k = 0; k < flow.graph->count; k++)
			assert_false(flow.graph->marks[k] & WF_MARK_LEAVES);
		flow_close(&flow);
	}
}

static const char catch_text[] =
	"#include <string>\nint g(int); int f(int x) { try { std::string s(x, 'a'); return g(x) +"
	"(int)s.size(); } catch (int v) { return v; } catch (...) { return -1; } }"
	"__attribute__((noinline)) int g(int x) { if (x > 3) throw x; return x; }"
	"int main(int c, char **) { return f(c); }";

static void cold_parts_that_only_the_unwinder_enters_are_found(void **state)
{
	const struct wf_graph *graph;
	bool back = false;

	(void)state;
	/* Stripped: nothing says by name what is cold. */
	assert_true(flow_open(&flow, "g++ -O2 -rdynamic -Wl,-s -fno-inline", "c++", catch_text));
	assert_int_equal(flow_load(&flow, "_Z1fi", NULL), 0);
	graph = flow.graph;
	assert_int_equal(graph->part_count, 2);
	assert_true(graph->parts[1].own);
	for (uint32_t i = graph->parts[1].first; i < graph->count; i++)
		back = back || (graph->to[i] != WF_NO_INSN && graph->to[i] < graph->parts[0].count);
	assert_true(back);
	flow_close(&flow);
}

static void jumps_are_counted_by_function(void **state)
{
	const struct wf_symbol *other;

	(void)state;
	assert_true(flow_assemble(&flow, "test %edi,%edi\n.byte 0x0f,0x84\n.long other-.-4\n"
					 ".byte 0xe9\n.long other-.-4\n"));
	other = compile_symbol(flow.elf, "other");
	assert_int_equal(wf_jumps_jumpers(flow.jumps, other->address), 1);
	assert_int_equal(wf_jumps_calls(flow.jumps, other->address), 1);
	flow_close(&flow);
}

static void constants_in_the_segment_of_the_code_are_no_jumps(void **state)
{
	const struct wf_symbol *target;

	(void)state;
	assert_true(flow_open(&flow, "gcc -shared -nostdlib -Wl,-Bsymbolic,-z,noseparate-code",
			      "assembler",
			      ".text\n.globl f\n.type f,@function\nf:\n.cfi_startproc\nret\n"
			      ".cfi_endproc\n.size f,.-f\n.section .rodata\n"
			      ".byte 0xe9\n.long f-.-4\n.byte 0xe8\n.long f-.-4\n"));
	target = compile_symbol(flow.elf, "f");
	assert_true(wf_binary_is_text(flow.elf, target->address));
	assert_int_equal(wf_jumps_jumpers(flow.jumps, target->address), 0);
	assert_int_equal(wf_jumps_calls(flow.jumps, target->address), 0);
	flow_close(&flow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_loops_are_marked_as_cycles),
		cmocka_unit_test(an_instruction_that_jumps_to_itself_is_a_cycle),
		cmocka_unit_test(jumps_out_are_told_from_jumps_within),
		cmocka_unit_test(a_jump_over_a_lock_prefix_is_followed),
		cmocka_unit_test(code_that_does_not_decode_is_refused),
		cmocka_unit_test(switch_tables_of_both_compilers_are_resolved),
		cmocka_unit_test(computed_gotos_are_resolved_through_relocations),
		cmocka_unit_test(cold_parts_that_only_the_unwinder_enters_are_found),
		cmocka_unit_test(jumps_are_counted_by_function),
		cmocka_unit_test(constants_in_the_segment_of_the_code_are_no_jumps),
	};

	return cmocka_run_group_tests_name("graph", tests, compile_set_up, compile_tear_down);
}
