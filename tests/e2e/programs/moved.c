/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a copy of its text in anonymous memory at the same address, as for huge pages. */
#define _GNU_SOURCE
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "trio.h"

#define PAGE 4096u

static int move_text(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	(void)data;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		uintptr_t start = (info->dlpi_addr + part->p_vaddr) & ~(uintptr_t)(PAGE - 1);
		uintptr_t end = (info->dlpi_addr + part->p_vaddr + part->p_memsz + PAGE - 1) &
				~(uintptr_t)(PAGE - 1);
		void *copy;

		if (part->p_type != PT_LOAD || !(part->p_flags & PF_X))
			continue;
		copy = mmap(NULL, end - start, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
		if (copy == MAP_FAILED)
			return -1;
		memcpy(copy, (void *)start, end - start);
		if (mprotect(copy, end - start, PROT_READ | PROT_EXEC) ||
		    mremap(copy, end - start, end - start, MREMAP_MAYMOVE | MREMAP_FIXED,
			   (void *)start) == MAP_FAILED)
			return -1;
	}
	return 1; /* the first one is the program */
}

int main(void)
{
	if (dl_iterate_phdr(move_text, NULL) != 1)
		return 2;
	ready();
	for (long i = 0; i < 100; i++)
		tr_outer(i);
	printf("total %ld\n", trio_total);
	return 0;
}
