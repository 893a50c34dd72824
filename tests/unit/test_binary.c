/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "bpf/record.h"
#include "userspace/base/str.h"
#include "userspace/target/symbol.h"
#include "made.h"

#define POSTGRES     "/usr/lib/postgresql/15/bin/postgres"
#define LIBC         "/lib/x86_64-linux-gnu/libc.so.6"
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void every_kind_of_linked_file_is_read(void **state)
{
	static const char *const names[] = {"pie", "nopie", "static", "lib.so"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		wf_auto(wf_binary_freep) struct wf_binary *elf = open_made(names[i], NULL);
		const struct wf_symbol *symbol = need(elf, "exported"), *alias;
		uint64_t start, size, address;
		struct wf_cfa cfa;

		assert_int_equal(wf_binary_machine(elf), EM_X86_64);
		assert_true(wf_binary_is_64(elf));
		assert_int_equal(symbol->source, WF_SYM_SYMTAB);
		alias = need(elf, "aliased");
		assert_int_equal(alias->address, symbol->address);
		assert_int_equal(wf_binary_fde(elf, symbol->address + 1, &start, &size), 0);
		assert_int_equal(start, symbol->address);
		assert_int_equal(size, symbol->size);
		assert_int_equal(wf_binary_cfa(elf, symbol->address, &cfa), 0);
		assert_int_equal(cfa.reg, WF_REG_RSP);
		assert_int_equal(cfa.offset, 8);
		assert_true(wf_binary_is_text(elf, symbol->address));
		assert_int_equal(wf_binary_address(elf, symbol->offset, &address), 0);
		assert_int_equal(address, symbol->address);
		assert_non_null(wf_binary_bytes(elf, symbol->address, symbol->size));
		assert_int_equal(need(elf, "chosen")->flags & WF_SYM_IFUNC, WF_SYM_IFUNC);
	}
}

static void bytes_are_those_of_the_file(void **state)
{
	wf_auto(wf_binary_freep) struct wf_binary *elf = open_made("pie", NULL);
	const struct wf_symbol *symbol = need(elf, "by_hand");
	const uint8_t *bytes = wf_binary_bytes(elf, symbol->address, 2);

	(void)state;
	assert_non_null(bytes);
	assert_int_equal(bytes[0], 0x90);
	assert_int_equal(bytes[1], 0xc3);
	assert_null(wf_binary_bytes(elf, symbol->address, 1 << 24));
	assert_null(wf_binary_bytes(elf, symbol->address, 0));
	assert_null(wf_binary_bytes(elf, UINT64_MAX, 1));
	/* Other ranges do not disturb it. */
	for (uint64_t i = 0; i < 60; i++)
		wf_binary_bytes(elf, symbol->address - i, 1);
	assert_int_equal(bytes[0], 0x90);
}

static void sizes_that_are_missing_are_repaired(void **state)
{
	wf_auto(wf_binary_freep) struct wf_binary *elf = open_made("pie", NULL);
	const struct wf_symbol *symbol = need(elf, "by_hand");

	(void)state;
	assert_int_equal(symbol->size, 2);
	assert_int_equal(symbol->flags, WF_SYM_NOTYPE);
	symbol = need(elf, "bare_hand"); /* no unwind entry: up to the next symbol */
	assert_int_equal(symbol->size, 2);
	assert_string_equal(wf_binary_symbol_at(elf, symbol->address + 1)->name, "bare_hand");
	assert_string_equal(wf_binary_symbol_at(elf, symbol->address + 2)->name, "the_end");
}

static void clones_and_versions_lose_their_endings(void **state)
{
	static const struct {
		const char *name;
		size_t base;
		uint8_t flags;
	} cases[] = {
		{"foo", 3, 0},
		{"foo.part.0", 3, WF_SYM_CLONE},
		{"foo.isra.0.part.12", 3, WF_SYM_CLONE},
		{"foo.constprop.0", 3, WF_SYM_CLONE},
		{"foo.constprop.0.cold", 3, WF_SYM_CLONE | WF_SYM_COLD},
		{"foo.cold.7", 3, WF_SYM_COLD},
		{"foo.lto_priv.0", 3, 0},
		{"foo.localalias", 3, 0},
		{"foo.llvm.123456", 3, 0},
		{"foo.avx2", 8, 0},
		{".part.0", 5, 0},
		{"a..b", 4, 0},
	};
	wf_auto(wf_binary_freep) struct wf_binary *elf = open_made("lib.so", NULL);
	const struct wf_symbol *symbol;
	uint8_t flags;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (wf_symbol_base_length(cases[i].name, strlen(cases[i].name), &flags) !=
			    cases[i].base ||
		    flags != cases[i].flags)
			fail_msg("%s", cases[i].name);
	}
	assert_string_equal(need(elf, "versioned")->name, "versioned");
	symbol = need(elf, "x.part.0");
	assert_string_equal(symbol->base, "x");
	assert_int_equal(symbol->flags, WF_SYM_CLONE);
	assert_true(wf_binary_matches(elf, symbol, "x"));
}

static void patterns_fit_raw_and_demangled_names(void **state)
{
	static const struct {
		const char *pattern;
		bool fits;
	} cases[] = {
		{"ns::Stage::run", true},
		{"ns::Stage::*", true},
		{"*Stage::r?n", true},
		{"_ZN2ns5Stage3runEi", true},
		{"_ZN2ns*", true},
		{"ns::Stage::operator()", true},
		{"ns::pass", true},
		{"ns::pass<int>", true},
		{"ns::pass<long>", false},
		{"ns::name*", true},
		{"Stage::run", false},
		{"ns::Stage::runner", false},
		{"ns::Stage::run(int)", false},
		{"ns::Stage::[rs]un", true},
	};
	wf_auto(wf_binary_freep) struct wf_binary *elf = open_made("cplus", NULL);
	char near[256];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if ((find(elf, cases[i].pattern) != NULL) != cases[i].fits)
			fail_msg("%s", cases[i].pattern);
	}
	assert_string_equal(wf_binary_demangled(elf, need(elf, "ns::Stage::run")),
			    "ns::Stage::run(int)");
	assert_null(wf_binary_demangled(elf, need(elf, "main")));
	wf_binary_near(elf, "ns::Stage::rnu", near, sizeof(near));
	assert_int_equal(strncmp(near, "'ns::Stage::run'", 16), 0);
	wf_binary_near(elf, "Stage::run", near, sizeof(near));
	assert_non_null(strstr(near, "'ns::Stage::run'"));
	wf_binary_near(elf, "completely_different_thing", near, sizeof(near));
	assert_string_equal(near, "");
}

static void functions_that_were_only_inlined_are_told(void **state)
{
	wf_auto(wf_binary_freep) struct wf_binary *elf = open_made("pie", NULL);
	wf_auto(wf_binary_freep) struct wf_binary *squeezed = NULL;

	(void)state;
	assert_true(wf_binary_inlined(elf, "twice"));
	assert_true(wf_binary_inlined(elf, "twic*"));
	assert_false(wf_binary_inlined(elf, "exported"));
	assert_false(wf_binary_inlined(elf, "nothing"));
	assert_true(run("objcopy --compress-debug-sections pie squeezed"));
	squeezed = open_made("squeezed", NULL);
	assert_true(wf_binary_inlined(squeezed, "twice"));
}

static void static_probes_of_a_real_server_are_read(void **state)
{
	wf_auto(wf_binary_freep) struct wf_binary *elf = NULL;
	const struct wf_usdt *probes, *found = NULL;
	const uint8_t *bytes;
	size_t count;
	char near[256];

	(void)state;
	if (access(POSTGRES, R_OK) < 0)
		skip();
	assert_int_equal(wf_binary_open(POSTGRES, NULL, NULL, &elf, NULL), 0);
	assert_int_equal(wf_binary_usdt(elf, &probes, &count, NULL), 0);
	assert_true(count >= 60);
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(probes[i].provider, "postgresql");
		assert_true(probes[i].semaphore_offset != 0);
		bytes = wf_binary_bytes(elf, probes[i].address, 1);
		assert_non_null(bytes);
		assert_int_equal(bytes[0], 0x90);
		if (strcmp(probes[i].name, "query__start") == 0)
			found = &probes[i];
	}
	assert_non_null(found);
	assert_non_null(strchr(found->arguments, '@'));
	wf_binary_near_probe(elf, "postgresql:query_start", near, sizeof(near));
	assert_non_null(strstr(near, "'postgresql:query__start'"));
}

/* Nearly all functions of real files have bounds and a rule, and lie where they say. */
static void real_files_are_understood(void **state)
{
	static const char *const files[] = {POSTGRES, LIBC, "/usr/bin/python3.11",
					    "/usr/lib/x86_64-linux-gnu/libsqlite3.so.0",
					    "/usr/lib/x86_64-linux-gnu/libstdc++.so.6"};

	(void)state;
	for (size_t i = 0; i < COUNT(files); i++) {
		wf_auto(wf_binary_freep) struct wf_binary *elf = NULL;
		const struct wf_symbol *symbols;
		size_t count, good = 0;

		if (access(files[i], R_OK) < 0)
			continue;
		assert_int_equal(wf_binary_open(files[i], NULL, NULL, &elf, NULL), 0);
		assert_int_equal(strlen(wf_binary_build_id(elf)), 40);
		assert_int_equal(wf_binary_symbols(elf, &symbols, &count, NULL), 0);
		assert_true(count > 500);
		for (size_t j = 0; j < count; j++) {
			struct wf_cfa cfa;

			good += wf_binary_cfa(elf, symbols[j].address, &cfa) == 0 &&
				cfa.reg == WF_REG_RSP && cfa.offset == 8;
			if (symbols[j].size)
				assert_non_null(wf_binary_symbol_at(elf, symbols[j].address));
			if (j)
				assert_true(symbols[j - 1].address <= symbols[j].address);
		}
		assert_true(good * 100 >= count * 98);
	}
}

static void what_is_no_program_is_refused_in_words(void **state)
{
	static const struct {
		const char *make, *says;
		int rc;
	} cases[] = {
		{"rm -f bad", "cannot open", -ENOENT},
		{"rm -f bad; : > bad", "not an ELF", -ENOEXEC},
		{"rm -f bad; echo hello > bad", "not an ELF", -ENOEXEC},
		{"rm -f bad; mkfifo bad", "not an ELF", -ENOEXEC},
		{"rm -f bad; mkdir bad", "not an ELF", -ENOEXEC},
		{"rmdir bad; gcc -c -o bad a.c", "not a program or shared library", -ENOEXEC},
		{"rm -f bad; head -c 40 pie > bad", "truncated", -ENOEXEC},
		{"rm -f bad; head -c 2000 pie > bad", "truncated", -ENOEXEC},
		{"rm -f bad; ar rc bad a.c", "not an ELF", -ENOEXEC},
	};
	char path[256];

	(void)state;
	snprintf(path, sizeof(path), "%s/bad", folder);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct wf_binary *elf = NULL;
		struct wf_err err = {0};

		assert_true(run(cases[i].make));
		assert_int_equal(wf_binary_open(path, NULL, NULL, &elf, &err), cases[i].rc);
		if (!strstr(err.msg, cases[i].says))
			fail_msg("%s: %s", cases[i].make, err.msg);
	}
}

static void a_32_bit_file_is_read(void **state)
{
	wf_auto(wf_binary_freep) struct wf_binary *elf = NULL;

	(void)state;
	assert_true(run("printf '.globl f\\n.type f,@function\\nf: ret\\n.size f,.-f\\n' > f.s && "
			"as --32 -o f.o f.s && ld -m elf_i386 -e f -o f32 f.o"));
	elf = open_made("f32", NULL);
	assert_false(wf_binary_is_64(elf));
	assert_int_equal(wf_binary_machine(elf), EM_386);
	assert_int_equal(need(elf, "f")->size, 1);
}

/* Everything once; must not crash. */
static void use_all(const char *path)
{
	wf_auto(wf_binary_freep) struct wf_binary *elf = NULL;
	const struct wf_symbol *symbols = NULL;
	const struct wf_usdt *probes;
	uint64_t start, size;
	struct wf_cfa cfa;
	size_t count = 0;

	if (wf_binary_open(path, NULL, NULL, &elf, NULL) < 0)
		return;
	wf_binary_symbols(elf, &symbols, &count, NULL);
	for (size_t i = 0; i < count && i < 50; i++) {
		wf_binary_fde(elf, symbols[i].address, &start, &size);
		wf_binary_cfa(elf, symbols[i].address, &cfa);
		wf_binary_bytes(elf, symbols[i].address, symbols[i].size);
	}
	wf_binary_usdt(elf, &probes, &count, NULL);
	wf_binary_symbol_story(elf);
}

struct image {
	uint8_t *bytes;
	size_t len;
	char path[32];
	int fd;
};

static struct image load_image(const char *name)
{
	struct image image;
	struct wf_err err = {0};
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(wf_read_file(path, 64 << 20, (char **)&image.bytes, &image.len, &err), 0);
	image.fd = memfd_create("broken", MFD_CLOEXEC);
	assert_true(image.fd >= 0);
	snprintf(image.path, sizeof(image.path), "/proc/self/fd/%d", image.fd);
	return image;
}

static void put_image(const struct image *image, size_t len)
{
	assert_int_equal(ftruncate(image->fd, 0), 0);
	assert_int_equal(pwrite(image->fd, image->bytes, len, 0), (ssize_t)len);
}

static void free_image(struct image *image)
{
	close(image->fd);
	free(image->bytes);
}

static void cut_files_do_no_harm(void **state)
{
	struct image image = load_image("lib.so");
	uint64_t random = 1;

	(void)state;
	for (int i = 0; i < 200; i++) {
		random = wf_mix64(random + (uint64_t)i);
		put_image(&image, random % image.len);
		use_all(image.path);
	}
	free_image(&image);
}

static void flipped_bytes_do_no_harm(void **state)
{
	struct image image = load_image("lib.so");
	Elf64_Ehdr header;
	uint64_t random = 7;

	(void)state;
	memcpy(&header, image.bytes, sizeof(header));
	for (int i = 0; i < 2000; i++) {
		size_t at;
		uint8_t old;

		random = wf_mix64(random + (uint64_t)i);
		/* File header, program headers and section headers in turn. */
		if (i % 3 == 0)
			at = random % sizeof(header);
		else if (i % 3 == 1)
			at = header.e_phoff + random % (header.e_phnum * sizeof(Elf64_Phdr));
		else
			at = header.e_shoff + random % (header.e_shnum * sizeof(Elf64_Shdr));
		old = image.bytes[at];
		image.bytes[at] = (uint8_t)(random >> 32);
		put_image(&image, image.len);
		use_all(image.path);
		image.bytes[at] = old;
	}
	free_image(&image);
}

/* With pread a vanished page is a short read; with mmap it would be SIGBUS. */
static void a_file_that_shrinks_while_open_does_no_harm(void **state)
{
	struct image image = load_image("lib.so");
	struct wf_binary *elf = NULL;
	const struct wf_symbol *symbols;
	uint64_t address;
	size_t count;

	(void)state;
	put_image(&image, image.len);
	assert_int_equal(wf_binary_open(image.path, NULL, NULL, &elf, NULL), 0);
	address = need(elf, "exported")->address;
	assert_int_equal(ftruncate(image.fd, 100), 0);
	assert_null(wf_binary_bytes(elf, address, 8));
	wf_binary_free(elf);
	put_image(&image, image.len);
	assert_int_equal(wf_binary_open(image.path, NULL, NULL, &elf, NULL), 0);
	assert_int_equal(ftruncate(image.fd, 100), 0);
	assert_int_equal(wf_binary_symbols(elf, &symbols, &count, NULL), 0);
	assert_int_equal(count, 0);
	assert_non_null(strstr(wf_binary_symbol_story(elf), "damaged"));
	wf_binary_free(elf);
	free_image(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_linked_file_is_read),
		cmocka_unit_test(bytes_are_those_of_the_file),
		cmocka_unit_test(sizes_that_are_missing_are_repaired),
		cmocka_unit_test(clones_and_versions_lose_their_endings),
		cmocka_unit_test(patterns_fit_raw_and_demangled_names),
		cmocka_unit_test(functions_that_were_only_inlined_are_told),
		cmocka_unit_test(static_probes_of_a_real_server_are_read),
		cmocka_unit_test(real_files_are_understood),
		cmocka_unit_test(what_is_no_program_is_refused_in_words),
		cmocka_unit_test(a_32_bit_file_is_read),
		cmocka_unit_test(cut_files_do_no_harm),
		cmocka_unit_test(flipped_bytes_do_no_harm),
		cmocka_unit_test(a_file_that_shrinks_while_open_does_no_harm),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
