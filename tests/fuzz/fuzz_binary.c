/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that binary.h offers, on any bytes. */
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "userspace/target/binary.h"

#define SYMBOLS_LOOKED_AT 64

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void look_at(struct wf_binary *elf, uint64_t address)
{
	uint64_t start, size, offset;
	struct wf_cfa cfa;

	if (wf_binary_fde(elf, address, &start, &size) == 0 && size) {
		wf_binary_cfa(elf, start, &cfa);
		wf_binary_cfa(elf, start + size - 1, &cfa);
		wf_binary_bytes(elf, start, size < 4096 ? size : 4096);
	}
	wf_binary_cfa(elf, address, &cfa);
	wf_binary_symbol_at(elf, address);
	wf_binary_is_text(elf, address);
	if (wf_binary_offset(elf, address, &offset) == 0)
		wf_binary_address(elf, offset, &offset);
}

static void use(struct wf_binary *elf)
{
	const struct wf_symbol *symbols = NULL;
	const struct wf_usdt *probes = NULL;
	size_t count = 0, probe_count = 0;
	char near[256];

	wf_binary_symbols(elf, &symbols, &count, NULL);
	for (size_t i = 0; i < count && i < SYMBOLS_LOOKED_AT; i++) {
		look_at(elf, symbols[i].address);
		look_at(elf, symbols[i].address + symbols[i].size);
		wf_binary_matches(elf, &symbols[i], "ns::*run*");
		wf_binary_demangled(elf, &symbols[i]);
	}
	wf_binary_usdt(elf, &probes, &probe_count, NULL);
	for (size_t i = 0; i < probe_count && i < SYMBOLS_LOOKED_AT; i++)
		look_at(elf, probes[i].address);
	look_at(elf, 0);
	look_at(elf, UINT64_MAX);
	look_at(elf, 0x1000);
	wf_binary_near(elf, "main", near, sizeof(near));
	wf_binary_near_probe(elf, "a:b", near, sizeof(near));
	wf_binary_inlined(elf, "no_such_function");
	wf_binary_symbol_story(elf);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static int fd = -1;
	struct wf_binary *elf = NULL;
	char path[32];

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (ftruncate(fd, 0) < 0 || pwrite(fd, bytes, len, 0) != (ssize_t)len)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (wf_binary_open(path, "fuzz", NULL, &elf, NULL) == 0)
		use(elf);
	wf_binary_free(elf);
	return 0;
}
