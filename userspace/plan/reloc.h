/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reloc.h - pointers in the data of a file, as they are after loading at the linked address.
 *
 * Position-independent files keep them in relocations; the table is read at the first question.
 */
#ifndef WF_RELOC_H
#define WF_RELOC_H

#include <stdbool.h>
#include <stdint.h>

#include "userspace/base/cleanup.h"
#include "userspace/target/binary.h"

struct wf_relocs;

/* NULL when memory is out. Borrows the file. */
struct wf_relocs *wf_relocs_new(struct wf_binary *elf);
void wf_relocs_free(struct wf_relocs *relocs);

/* The pointer that the loader, or the linker, puts there. False where there is none. */
bool wf_relocs_pointer(struct wf_relocs *relocs, uint64_t address, uint64_t *ret);

WF_DEFINE_FREEP(wf_relocs_freep, struct wf_relocs, wf_relocs_free)

#endif
