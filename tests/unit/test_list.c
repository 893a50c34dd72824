/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userspace/session/listing.h"
#include "userspace/session/site_word.h"

/* A program whose functions begin with an instruction that is known. */
#define SOURCE                                                                                     \
	".globl main, pushes, marks, moves, jumps, waits, branches\n.text\n"                       \
	".type main,@function\nmain: xor %eax,%eax\nret\n.size main,.-main\n"                      \
	".type pushes,@function\npushes: push %rbp\npop %rbp\nret\n.size pushes,.-pushes\n"        \
	".type marks,@function\nmarks: endbr64\npush %r12\npop %r12\nret\n.size marks,.-marks\n"   \
	".type moves,@function\nmoves: mov %rsp,%rax\nret\n.size moves,.-moves\n"                  \
	".type jumps,@function\njumps: jmp main\n.size jumps,.-jumps\n"                            \
	".type waits,@function\nwaits: nop\nret\n.size waits,.-waits\n"                            \
	".type branches,@function\nbranches: jz main\nret\n.size branches,.-branches\n"            \
	".section .note.GNU-stack,\"\",@progbits\n"

static char program[64];
static struct wf_binary *elf;

static int build(void **state)
{
	char command[160];
	FILE *compiler;
	int fd;

	(void)state;
	snprintf(program, sizeof(program), "/tmp/wftrace-list-XXXXXX");
	fd = mkstemp(program);
	if (fd < 0)
		return -1;
	close(fd);
	snprintf(command, sizeof(command), "cc -x assembler -o %s -", program);
	compiler = popen(command, "w");
	if (!compiler)
		return -1;
	fputs(SOURCE, compiler);
	if (pclose(compiler) != 0)
		return -1;
	return wf_binary_open(program, "/usr/bin/demo", NULL, &elf, NULL);
}

static int drop(void **state)
{
	(void)state;
	wf_binary_free(elf);
	return unlink(program);
}

static uint64_t address_of(const char *name)
{
	const struct wf_symbol *symbols;
	size_t count;

	assert_int_equal(wf_binary_symbols(elf, &symbols, &count, NULL), 0);
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(symbols[i].name, name))
			return symbols[i].address;
	}
	fail_msg("no symbol %s", name);
	return 0;
}

static void the_instruction_under_the_probe_has_a_name(void **state)
{
	static const struct {
		const char *symbol, *word;
		uint32_t shift;
		enum wf_site_class class;
	} cases[] = {
		{"pushes", "push", 0, WF_CLASS_EMULATED},
		{"marks", "endbr64", 0, WF_CLASS_STEPPED},
		{"marks", "push", 4, WF_CLASS_EMULATED},
		{"moves", "stepped", 0, WF_CLASS_STEPPED},
		{"jumps", "jmp", 0, WF_CLASS_EMULATED},
		{"waits", "nop", 0, WF_CLASS_EMULATED},
		{"branches", "jcc", 0, WF_CLASS_EMULATED},
	};

	(void)state;
	if (wf_binary_machine(elf) != EM_X86_64)
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wf_plan_function function = {
			.address = address_of(cases[i].symbol),
			.entry_shift = cases[i].shift,
			.entry_class = cases[i].class,
		};

		assert_string_equal(wf_site_word(elf, &function), cases[i].word);
	}
	assert_string_equal(wf_site_word(NULL, &(struct wf_plan_function){0}), "cheap");
}

static char *listed(const struct wf_plan *plan, struct wf_listing_style style)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	wf_listing_print(plan, &style, out);
	fclose(out);
	return text;
}

struct example {
	struct wf_rule rule;
	struct wf_plan_function functions[6];
	struct wf_plan_site sites[8];
	struct wf_plan_file file;
	struct wf_plan plan;
};

static void make_example(struct example *example)
{
	*example = (struct example){
		.rule = {.origin = "-f '*'"},
		.functions =
			{
				{.symbol = "pushes",
				 .name = "pushes",
				 .exit = WF_EXIT_MIXED,
				 .exit_sites = 2,
				 .ret_sites = 1,
				 .cost_ns = 900,
				 .span = 1,
				 .size = 3},
				{.symbol = "marks",
				 .name = "marks",
				 .exit = WF_EXIT_HANDED_OVER,
				 .entry_shift = 4,
				 .cost_ns = 600.4,
				 .span = 2,
				 .note = "to \"main\""},
				{.symbol = "moves",
				 .name = "a::very::long::name::that::does::not::fit::moves",
				 .refusal = "the end of it does not decode",
				 .entry_class = WF_CLASS_STEPPED},
				{.symbol = "jumps",
				 .name = "jumps",
				 .exit = WF_EXIT_TAIL_JUMP,
				 .tail_sites = 1,
				 .cost_ns = 14000,
				 .span = 3},
				{.symbol = "waits",
				 .name = "waits",
				 .exit = WF_EXIT_NONE,
				 .cost_ns = 300,
				 .span = 4},
				{.symbol = "branches", .name = "_Unwind_Resume", .cost_ns = 1},
			},
	};
	for (uint32_t i = 0; i < 6; i++) {
		struct wf_plan_function *function = &example->functions[i];

		function->address = address_of(function->symbol);
		/* The last one is a hook. */
		function->rule = i < 5 ? &example->rule : NULL;
		example->sites[i].function = i == 2 || i == 5 ? UINT32_MAX : i;
	}
	example->file = (struct wf_plan_file){elf, example->sites, 6};
	example->plan = (struct wf_plan){.functions = example->functions,
					 .function_count = 6,
					 .files = &example->file,
					 .file_count = 1};
}

static void the_table_is_sorted_and_says_why_not(void **state)
{
	struct example example;
	char *text;

	(void)state;
	make_example(&example);
	text = listed(&example.plan, (struct wf_listing_style){0});
	assert_string_equal(
		text,
		"FUNCTION                                          FILE  ENTRY    EXIT           "
		"COST/CALL  \n"
		"a::very::long::name::that::does::not::fit::moves  demo  refused: the end of it "
		"does "
		"not decode\n"
		"jumps                                             demo  jmp      jump 1         "
		"    14 us  \n"
		"marks                                             demo  push +4  handed over    "
		"   600 ns    to \"main\"\n"
		"pushes                                            demo  push     sites 2 ret 1  "
		"   900 ns  \n"
		"waits                                             demo  nop      never returns  "
		"   300 ns  \n"
		"4 functions can be traced, 1 refused, 6 probes (1 hook among them); a call costs "
		"300 ns to 14 us\n");
	free(text);
}

static void a_narrow_terminal_cuts_names_and_nothing_else(void **state)
{
	struct example example;
	char *text;

	(void)state;
	make_example(&example);
	text = listed(&example.plan, (struct wf_listing_style){.width = 70, .rules = true});
	assert_null(strstr(text, "a::very"));
	assert_non_null(strstr(text, "fit::moves  demo  refused: "));
	assert_non_null(strstr(text, "14 us    -f '*'\n"));
	assert_null(strchr(text, '\033'));
	free(text);
	text = listed(&example.plan, (struct wf_listing_style){.width = 200, .colour = true});
	assert_non_null(strstr(text, "\033[31mrefused: the end of it does not decode\033[0m\n"));
	free(text);
}

static void each_line_of_json_has_all_fields(void **state)
{
	static const char *const always[] = {"function", "symbol", "file",    "build_id", "address",
					     "size",     "armed",  "refusal", "note",     "rule"};
	static const char *const armed[] = {"entry",      "entry_class", "entry_shift",
					    "exit",       "exit_sites",  "ret_sites",
					    "tail_sites", "cost_ns",     "span"};
	struct example example;
	unsigned lines = 0;
	char *text;

	(void)state;
	make_example(&example);
	text = listed(&example.plan, (struct wf_listing_style){.json = true});
	for (char *line = text; *line; line = strchr(line, '\n') + 1) {
		json_t *object = json_loadb(line, strcspn(line, "\n"), 0, NULL);
		bool is_armed;

		assert_non_null(object);
		for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
			assert_non_null(json_object_get(object, always[i]));
		is_armed = json_is_true(json_object_get(object, "armed"));
		for (size_t i = 0; i < sizeof(armed) / sizeof(armed[0]); i++)
			assert_true(!json_object_get(object, armed[i]) == !is_armed);
		assert_string_equal(json_string_value(json_object_get(object, "file")),
				    "/usr/bin/demo");
		json_decref(object);
		lines++;
	}
	assert_int_equal(lines, 6);
	assert_non_null(strstr(text, "\"note\":\"to \\\"main\\\"\""));
	assert_non_null(strstr(text, "\"cost_ns\":600,"));
	free(text);
}

static void an_event_has_no_end(void **state)
{
	struct example example;
	char *text;

	(void)state;
	make_example(&example);
	example.rule.kind = WF_RULE_EVENT;
	example.plan.function_count = 1;
	text = listed(&example.plan, (struct wf_listing_style){0});
	assert_non_null(strstr(text, "push   event     900 ns  \n1 function can be traced, 0 "
				     "refused, 6 probes; a call costs 900 ns\n"));
	free(text);
}

static void an_empty_plan_is_one_line(void **state)
{
	struct wf_plan plan = {0};
	char *text = listed(&plan, (struct wf_listing_style){0});

	(void)state;
	assert_string_equal(text, "0 functions can be traced, 0 refused, 0 probes\n");
	free(text);
}

static void a_pipe_gets_no_colours(void **state)
{
	FILE *out = tmpfile();
	struct wf_listing_style style = wf_listing_style_for(out, false);

	(void)state;
	assert_false(style.colour);
	assert_int_equal(style.width, 0);
	assert_true(wf_listing_style_for(out, true).json);
	fclose(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_instruction_under_the_probe_has_a_name),
		cmocka_unit_test(the_table_is_sorted_and_says_why_not),
		cmocka_unit_test(a_narrow_terminal_cuts_names_and_nothing_else),
		cmocka_unit_test(each_line_of_json_has_all_fields),
		cmocka_unit_test(an_event_has_no_end),
		cmocka_unit_test(an_empty_plan_is_one_line),
		cmocka_unit_test(a_pipe_gets_no_colours),
	};

	return cmocka_run_group_tests(tests, build, drop);
}
