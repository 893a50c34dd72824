/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/target/binary.h"
#include "userspace/target/usdt_args.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define NONE         WF_REG_NONE

static void every_form_of_operand_is_understood(void **state)
{
	static const struct {
		const char *text;
		struct wf_source source;
	} cases[] = {
		{"-4@$5", {WF_SRC_I32, NONE, NONE, 1, 0, {0}, {0}, 5}},
		{"-4@$-1", {WF_SRC_I32, NONE, NONE, 1, 0, {0}, {0}, -1}},
		{"8@$0x10", {WF_SRC_U64, NONE, NONE, 1, 0, {0}, {0}, 16}},
		{"8@$18446744073709551615", {WF_SRC_U64, NONE, NONE, 1, 0, {0}, {0}, -1}},
		{"8@%rdi", {WF_SRC_U64, WF_REG_RDI, NONE, 1, 0, {0}, {0}, 0}},
		{"-4@%eax", {WF_SRC_I32, WF_REG_RAX, NONE, 1, 0, {0}, {0}, 0}},
		{"1@%sil", {WF_SRC_U8, WF_REG_RSI, NONE, 1, 0, {0}, {0}, 0}},
		{"-1@%bl", {WF_SRC_I8, WF_REG_RBX, NONE, 1, 0, {0}, {0}, 0}},
		{"2@%r12w", {WF_SRC_U16, WF_REG_R12, NONE, 1, 0, {0}, {0}, 0}},
		{"-2@%r8w", {WF_SRC_I16, WF_REG_R8, NONE, 1, 0, {0}, {0}, 0}},
		{"4@%r15d", {WF_SRC_U32, WF_REG_R15, NONE, 1, 0, {0}, {0}, 0}},
		{"8@-8(%rbp)", {WF_SRC_U64, WF_REG_RBP, NONE, 1, 1, {0}, {-8}, 0}},
		{"8@0x20(%rsp)", {WF_SRC_U64, WF_REG_RSP, NONE, 1, 1, {0}, {32}, 0}},
		{"8@(%rax,%rbx,8)", {WF_SRC_U64, WF_REG_RAX, WF_REG_RBX, 8, 1, {0}, {0}, 0}},
		{"8@4(%rax, %r9, 2)", {WF_SRC_U64, WF_REG_RAX, WF_REG_R9, 2, 1, {0}, {4}, 0}},
		{"8@(%rax,%rbx)", {WF_SRC_U64, WF_REG_RAX, WF_REG_RBX, 1, 1, {0}, {0}, 0}},
		{"4@16(,%rcx,4)", {WF_SRC_U32, NONE, WF_REG_RCX, 4, 1, {0}, {16}, 0}},
		{"8f@-8(%rbp)", {WF_SRC_F64, WF_REG_RBP, NONE, 1, 1, {0}, {-8}, 0}},
		{"4f@(%rdi)", {WF_SRC_F32, WF_REG_RDI, NONE, 1, 1, {0}, {0}, 0}},
		{"8@4210752", {WF_SRC_U64, NONE, NONE, 1, 1, {0}, {0}, 4210752}},
		{"%rdx", {WF_SRC_U64, WF_REG_RDX, NONE, 1, 0, {0}, {0}, 0}},
	};
	struct wf_usdt_arg args[WF_USDT_ARGS_MAX];
	size_t count;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (wf_usdt_args_parse(cases[i].text, args, &count, NULL) != 0 || count != 1 ||
		    args[0].reason[0] ||
		    memcmp(&args[0].source, &cases[i].source, sizeof(struct wf_source)) != 0)
			fail_msg("%s: %s", cases[i].text, args[0].reason);
	}
}

static void what_is_out_of_reach_says_why(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{"4@foo(%rip)", "it is relative to a symbol"},
		{"4@foo+8(%rip)", "it is relative to a symbol"},
		{"8@foo@GOTPCREL(%rip)", "it is relative to a symbol"},
		{"8@8(%rip)", "it is relative to the instruction"},
		{"8@$foo", "it is relative to a symbol"},
		{"8@foo", "it is relative to a symbol"},
		{"8@foo(,%rax,8)", "it is relative to a symbol"},
		{"8f@%xmm0", "it is in a vector register"},
		{"1@%ah", "it is in the second byte of a register"},
		{"8@%fs:-8", "it is thread-local"},
		{"16@(%rax)", "its size is not 1, 2, 4 or 8 bytes"},
	};
	struct wf_usdt_arg args[WF_USDT_ARGS_MAX];
	size_t count;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (wf_usdt_args_parse(cases[i].text, args, &count, NULL) != 0 || count != 1)
			fail_msg("%s", cases[i].text);
		assert_string_equal(args[0].reason, cases[i].reason);
	}
}

static void broken_text_is_refused(void **state)
{
	static const char *const cases[] = {"8@",
					    "8@%",
					    "8@%foo",
					    "8@(%rax",
					    "8@(%rax,%rsp,1)",
					    "8@(%rax,%rbx,3)",
					    "8@()",
					    "8@$",
					    "8@$-",
					    "8@99999999999(%rax)",
					    "8@(%rax)x",
					    "8@%(%rax)",
					    "8@(%rax,%rbx,2,1)",
					    "8@(rax)",
					    "8@%r16",
					    "8@%r7",
					    "8@%r8x",
					    "8@)("};
	struct wf_usdt_arg args[WF_USDT_ARGS_MAX];
	struct wf_err err = {0};
	size_t count;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (wf_usdt_args_parse(cases[i], args, &count, &err) != -EINVAL)
			fail_msg("'%s' was taken", cases[i]);
	}
	assert_non_null(strstr(err.msg, "8@)("));
}

static void several_arguments_are_counted_and_capped(void **state)
{
	struct wf_usdt_arg args[WF_USDT_ARGS_MAX];
	size_t count = 99;

	(void)state;
	assert_int_equal(wf_usdt_args_parse("", args, &count, NULL), 0);
	assert_int_equal(count, 0);
	assert_int_equal(wf_usdt_args_parse(" -4@$5 8@%rdi  8@-8(%rbp) ", args, &count, NULL), 0);
	assert_int_equal(count, 3);
	assert_int_equal(wf_usdt_args_parse("1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 1@$1 "
					    "1@$1 1@$1 1@$1",
					    args, &count, NULL),
			 -E2BIG);
}

/* Whatever compilers on this machine wrote must be readable. */
static void the_probes_of_real_binaries_are_readable(void **state)
{
	static const char *const files[] = {
		"/usr/lib/postgresql/15/bin/postgres",        "/usr/bin/python3.11",
		"/usr/lib/x86_64-linux-gnu/libstdc++.so.6",   "/lib/x86_64-linux-gnu/libc.so.6",
		"/usr/lib/x86_64-linux-gnu/libglib-2.0.so.0", "/usr/bin/qemu-system-x86_64"};
	struct wf_usdt_arg args[WF_USDT_ARGS_MAX];
	size_t seen = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(files); i++) {
		wf_auto(wf_binary_freep) struct wf_binary *elf = NULL;
		const struct wf_usdt *probes;
		struct wf_err err = {0};
		size_t count, arg_count;

		if (wf_binary_open(files[i], NULL, NULL, &elf, NULL) < 0)
			continue;
		assert_int_equal(wf_binary_usdt(elf, &probes, &count, &err), 0);
		for (size_t j = 0; j < count; j++) {
			if (wf_usdt_args_parse(probes[j].arguments, args, &arg_count, &err) < 0)
				fail_msg("%s: %s", files[i], err.msg);
			seen += arg_count;
		}
	}
	assert_true(seen > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_of_operand_is_understood),
		cmocka_unit_test(what_is_out_of_reach_says_why),
		cmocka_unit_test(broken_text_is_refused),
		cmocka_unit_test(several_arguments_are_counted_and_capped),
		cmocka_unit_test(the_probes_of_real_binaries_are_readable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
