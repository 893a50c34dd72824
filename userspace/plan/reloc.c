/* SPDX-License-Identifier: Apache-2.0 */
#include "reloc.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/target/image.h"

#define RELA_MAX (96u << 20) /* bytes: 4 million entries */

struct relocation {
	uint64_t place, value;
};

struct wf_relocs {
	struct wf_binary *elf;
	struct wf_image *image;
	struct relocation *list; /* by place */
	size_t count;
	bool loaded;
};

struct wf_relocs *wf_relocs_new(struct wf_binary *elf)
{
	struct wf_relocs *relocs = calloc(1, sizeof(*relocs));

	if (relocs)
		relocs->elf = elf;
	return relocs;
}

void wf_relocs_free(struct wf_relocs *relocs)
{
	if (!relocs)
		return;
	wf_image_free(relocs->image);
	free(relocs->list);
	free(relocs);
}

static int by_place(const void *a, const void *b)
{
	const struct relocation *x = a, *y = b;

	return x->place < y->place ? -1 : x->place > y->place;
}

static void keep_relative(struct wf_relocs *relocs, const char *bytes, size_t size)
{
	size_t max = size / sizeof(GElf_Rela);
	GElf_Rela rela;

	relocs->list = calloc(max + 1, sizeof(*relocs->list));
	for (size_t i = 0; relocs->list && i < max; i++) {
		memcpy(&rela, bytes + i * sizeof(rela), sizeof(rela));
		if (GELF_R_TYPE(rela.r_info) == R_X86_64_RELATIVE)
			relocs->list[relocs->count++] =
				(struct relocation){rela.r_offset, (uint64_t)rela.r_addend};
	}
	if (relocs->count)
		qsort(relocs->list, relocs->count, sizeof(*relocs->list), by_place);
}

/* Broken or missing relocations are none. */
static void load(struct wf_relocs *relocs)
{
	wf_auto(wf_freep) char *bytes = NULL;
	GElf_Shdr header;

	relocs->loaded = true;
	if (wf_image_open(wf_binary_path(relocs->elf), wf_binary_shown(relocs->elf), &relocs->image,
			  NULL) < 0)
		return;
	if (wf_image_section(relocs->image, ".rela.dyn", 0, &header) &&
	    !wf_image_read_section(relocs->image, &header, RELA_MAX, &bytes))
		keep_relative(relocs, bytes, header.sh_size);
}

static const struct relocation *find(const struct wf_relocs *relocs, uint64_t address)
{
	struct relocation key = {.place = address};

	if (!relocs->count)
		return NULL;
	return bsearch(&key, relocs->list, relocs->count, sizeof(key), by_place);
}

bool wf_relocs_pointer(struct wf_relocs *relocs, uint64_t address, uint64_t *ret)
{
	const struct relocation *relocation;
	uint64_t offset, word;

	if (!relocs->loaded)
		load(relocs);
	relocation = find(relocs, address);
	if (relocation) {
		*ret = relocation->value;
		return true;
	}
	/* Packed relocations, and files for a fixed address, have it in place. */
	if (!relocs->image || wf_binary_offset(relocs->elf, address, &offset) < 0 ||
	    wf_image_read(relocs->image, offset, &word, sizeof(word)) < 0)
		return false;
	*ret = word;
	return word != 0;
}
