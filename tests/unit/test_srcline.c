/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <gelf.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "made.h"
#include "userspace/target/srcline.h"

/* `work` begins in line 4, `other` in line 8. */
static const char source[] =
	"int top;\n"
	"\n"
	"__attribute__((noinline)) int\n"
	"work(int x)\n"
	"{\n"
	"	return x * top;\n"
	"}\n"
	"__attribute__((noinline, section(\".text.apart\"))) int other(int x)\n"
	"{\n"
	"	return x - 1;\n"
	"}\n"
	"int main(int n, char **v) { return work(n) + other(n) + !v; }\n";

static int make_program(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	write_file("program.c", source);
	return 0;
}

static void build(const char *commands)
{
	if (!run(commands))
		fail_msg("cannot build: %s", commands);
}

/* The line of one address; false where it is not known. */
static bool line_of(struct wf_binary *elf, uint64_t address, char path[static 256],
		    uint32_t *ret_line)
{
	wf_auto(wf_srclines_freep) struct wf_srclines *lines = NULL;
	const char *found;

	if (wf_binary_lines(elf, &address, 1, &lines) < 0 ||
	    !wf_srclines_find(lines, address, &found, ret_line))
		return false;
	snprintf(path, 256, "%s", found);
	return true;
}

static void assert_line(struct wf_binary *elf, const char *name, uint32_t first, uint32_t last)
{
	char expected[128], path[256];
	uint32_t line;

	snprintf(expected, sizeof(expected), "%s/program.c", folder);
	assert_true(line_of(elf, need(elf, name)->address, path, &line));
	assert_string_equal(path, expected);
	assert_in_range(line, first, last);
}

static void lines_are_those_where_functions_begin(void **state)
{
	static const char *const builds[] = {
		"gcc -g -O2 -o program program.c",
		"gcc -g -O0 -gdwarf-4 -o program program.c",
		"gcc -g1 -O2 -gz -o program program.c",
		"clang -g -O2 -o program program.c",
		"gcc -g -O2 -static -ffunction-sections -o program program.c",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(builds) / sizeof(builds[0]); i++) {
		wf_auto(wf_binary_freep) struct wf_binary *elf = NULL;

		build(builds[i]);
		elf = open_made("program", NULL);
		assert_line(elf, "work", 4, 5);
		assert_line(elf, "other", 8, 9);
		assert_line(elf, "main", 12, 12);
	}
}

static void a_debug_file_has_the_lines(void **state)
{
	wf_auto(wf_binary_freep) struct wf_binary *elf = NULL;

	(void)state;
	build("gcc -g -O2 -Wl,--build-id -o program program.c && "
	      "objcopy --only-keep-debug program program.debug && "
	      "strip -g program && objcopy --add-gnu-debuglink=program.debug program");
	elf = open_made("program", folder);
	assert_line(elf, "work", 4, 5);
}

static void what_is_not_known_is_not_guessed(void **state)
{
	wf_auto(wf_binary_freep) struct wf_binary *elf = NULL;
	char path[256];
	uint32_t line;

	(void)state;
	build("gcc -O2 -o program program.c; rm -f program.debug");
	elf = open_made("program", NULL);
	assert_false(line_of(elf, need(elf, "work")->address, path, &line));
	wf_binary_free(elf);
	build("gcc -g -O2 -o program program.c");
	elf = open_made("program", NULL);
	assert_false(line_of(elf, 0, path, &line));
	assert_false(line_of(elf, UINT64_MAX, path, &line));
	assert_false(line_of(elf, need(elf, "_start")->address, path, &line));
}

/* A byte of a debug section becomes another. */
static void damage(int fd, uint32_t *seed)
{
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	Elf_Scn *section = NULL;
	size_t names;

	elf_getshdrstrndx(elf, &names);
	while ((section = elf_nextscn(elf, section))) {
		unsigned char byte;
		GElf_Shdr shdr;
		uint32_t at;

		gelf_getshdr(section, &shdr);
		if (strncmp(elf_strptr(elf, names, shdr.sh_name), ".debug_", 7) != 0)
			continue;
		*seed = *seed * 1664525 + 1013904223;
		at = (*seed >> 8) % (uint32_t)shdr.sh_size;
		byte = (unsigned char)(*seed >> 3);
		assert_int_equal(pwrite(fd, &byte, 1, (off_t)shdr.sh_offset + at), 1);
	}
	elf_end(elf);
}

static void many_addresses_are_asked_at_once(void **state)
{
	wf_auto(wf_binary_freep) struct wf_binary *elf = NULL;
	wf_auto(wf_srclines_freep) struct wf_srclines *lines = NULL;
	uint64_t addresses[3];
	const char *path;
	uint32_t line;

	(void)state;
	build("gcc -g -O2 -o program program.c");
	elf = open_made("program", NULL);
	addresses[0] = need(elf, "other")->address;
	addresses[1] = 1;
	addresses[2] = need(elf, "work")->address;
	assert_int_equal(wf_binary_lines(elf, addresses, 3, &lines), 0);
	assert_true(wf_srclines_find(lines, addresses[0], &path, &line));
	assert_in_range(line, 8, 9);
	assert_false(wf_srclines_find(lines, 1, &path, &line));
	assert_true(wf_srclines_find(lines, addresses[2], &path, &line));
	assert_in_range(line, 4, 5);
	assert_false(wf_srclines_find(NULL, addresses[2], &path, &line));
}

static void broken_tables_are_survived(void **state)
{
	char path[128];
	uint32_t seed = 1;

	(void)state;
	build("gcc -g -O2 -o whole program.c");
	snprintf(path, sizeof(path), "%s/program", folder);
	for (unsigned round = 0; round < 400; round++) {
		wf_auto(wf_binary_freep) struct wf_binary *elf = NULL;
		char file[256];
		uint32_t line;
		int fd;

		if (round % 8 == 0)
			build("cp whole program");
		fd = open(path, O_RDWR | O_CLOEXEC);
		damage(fd, &seed);
		close(fd);
		elf = open_made("program", NULL);
		line_of(elf, need(elf, "work")->address, file, &line);
		line_of(elf, need(elf, "other")->address, file, &line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_those_where_functions_begin),
		cmocka_unit_test(a_debug_file_has_the_lines),
		cmocka_unit_test(what_is_not_known_is_not_guessed),
		cmocka_unit_test(many_addresses_are_asked_at_once),
		cmocka_unit_test(broken_tables_are_survived),
	};

	return cmocka_run_group_tests(tests, make_program, tear_down);
}
