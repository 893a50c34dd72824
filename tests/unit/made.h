/* SPDX-License-Identifier: Apache-2.0 */
/* made.h - programs built for a test, in a folder of their own. Included after cmocka.h. */
#ifndef WF_TEST_MADE_H
#define WF_TEST_MADE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "userspace/target/binary.h"

static char folder[] = "/tmp/wftrace-test-XXXXXX";

/* A program with a little of everything. */
static const char c_source[] =
	"#include <stdio.h>\n"
	"static inline __attribute__((always_inline)) int twice(int x) { return 2 * x; }\n"
	"__attribute__((noinline)) static int local_one(int x) { return x ? local_one(x - 1) + 1 : "
	"0; "
	"}\n"
	"__attribute__((noinline)) int exported(int x) { return twice(local_one(x)); }\n"
	"int aliased(int x) __attribute__((alias(\"exported\")));\n"
	"static int real(int x) { return x + 7; }\n"
	"static void *pick(void) { return real; }\n"
	"int chosen(int x) __attribute__((ifunc(\"pick\")));\n"
	"__attribute__((noinline)) int clone_me(int x) { return x * 3; }\n"
	"__asm__(\".symver versioned_1,versioned@@V1\");\n"
	"int versioned_1(int x) { return x; }\n"
	"__asm__(\".text\\n.globl "
	"by_hand\\nby_hand:\\n.cfi_startproc\\nnop\\nret\\n.cfi_endproc\\n\""
	"\".globl bare_hand\\nbare_hand:\\nnop\\nret\\n\""
	"\".type the_end,@function\\nthe_end: ret\\n.size the_end,.-the_end\\n\""
	"\".type x.part.0,@function\\nx.part.0: ret\\n.size x.part.0,.-x.part.0\\n\""
	"\".type x.cold,@function\\nx.cold: ret\\n.size x.cold,.-x.cold\\n\");\n"
	"int main(int n, char **v) { return exported(n) + chosen(n) + clone_me(n); }\n";

static const char cplus_source[] =
	"#include <string>\n"
	"namespace ns {\n"
	"struct Stage { virtual int run(int x); int operator()(int x); virtual ~Stage() {} };\n"
	"int Stage::run(int x) { return x + 1; }\n"
	"int Stage::operator()(int x) { return x + 2; }\n"
	"template <class T> T pass(T x) { return x; }\n"
	"template int pass<int>(int);\n"
	"std::string name(std::string s) { return s + \"x\"; }\n"
	"}\n"
	"int main() { return ns::Stage().run(1); }\n";

static inline void write_file(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* A shell command in the folder; false where it fails. */
static inline bool run(const char *command)
{
	char line[2048];

	snprintf(line, sizeof(line), "cd %s && { %s; } >log 2>&1", folder, command);
	return system(line) == 0;
}

static inline int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	write_file("a.c", c_source);
	write_file("b.cc", cplus_source);
	write_file("a.map", "V1 { global: *; };\n");
	return run("gcc -O2 -g -Wl,--build-id -o pie a.c") &&
			       run("gcc -O2 -g -no-pie -o nopie a.c") &&
			       run("gcc -O2 -g -static -o static a.c") &&
			       run("gcc -O2 -g -shared -fPIC -Wl,--version-script=a.map -o lib.so "
				   "a.c") &&
			       run("g++ -O2 -g -o cplus b.cc")
		       ? 0
		       : -1;
}

static inline int tear_down(void **state)
{
	char line[64];

	(void)state;
	snprintf(line, sizeof(line), "rm -rf %s", folder);
	return system(line);
}

static inline struct wf_binary *open_made(const char *name, const char *debug_dir)
{
	struct wf_binary_options options = {.debug_dir = debug_dir};
	struct wf_binary *elf = NULL;
	struct wf_err err = {0};
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (wf_binary_open(path, NULL, &options, &elf, &err) < 0)
		fail_msg("%s", err.msg);
	return elf;
}

static inline const struct wf_symbol *find(struct wf_binary *elf, const char *pattern)
{
	const struct wf_symbol *symbols;
	size_t count;

	assert_int_equal(wf_binary_symbols(elf, &symbols, &count, NULL), 0);
	for (size_t i = 0; i < count; i++) {
		if (wf_binary_matches(elf, &symbols[i], pattern))
			return &symbols[i];
	}
	return NULL;
}

static inline const struct wf_symbol *need(struct wf_binary *elf, const char *pattern)
{
	const struct wf_symbol *symbol = find(elf, pattern);

	if (!symbol)
		fail_msg("no %s in %s", pattern, wf_binary_shown(elf));
	return symbol;
}

#endif
