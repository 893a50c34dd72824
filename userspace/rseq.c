/* SPDX-License-Identifier: Apache-2.0 */
#include "rseq.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

#define ENTRY_BYTES 32 /* struct rseq_cs of <linux/rseq.h> */
#define START_AT    8
#define LENGTH_AT   16
#define ENTRIES_MAX 4096
#define RELA_MAX    (64u << 20)

struct list {
	const struct wf_image *image;
	GElf_Shdr header;
	char *bytes;
	uint32_t count;
};

static uint64_t word_at(const struct list *list, uint64_t at)
{
	uint64_t word;

	memcpy(&word, list->bytes + at, sizeof(word));
	return word;
}

/* Position-independent files have the addresses in the relocations only. */
static void relocate(const struct list *list, const char *relocations, size_t bytes)
{
	GElf_Rela rela;

	for (size_t at = 0; at + sizeof(rela) <= bytes; at += sizeof(rela)) {
		uint64_t place, value;

		memcpy(&rela, relocations + at, sizeof(rela));
		place = rela.r_offset - list->header.sh_addr;
		if (GELF_R_TYPE(rela.r_info) != R_X86_64_RELATIVE || place % 8 ||
		    place >= (uint64_t)list->count * ENTRY_BYTES)
			continue;
		value = (uint64_t)rela.r_addend;
		memcpy(list->bytes + place, &value, sizeof(value));
	}
}

static void apply_relocations(const struct list *list)
{
	wf_auto(wf_freep) char *relocations = NULL;
	GElf_Shdr header;

	if (wf_image_section(list->image, ".rela.dyn", 0, &header) &&
	    !wf_image_read_section(list->image, &header, RELA_MAX, &relocations))
		relocate(list, relocations, header.sh_size);
}

static void collect(const struct list *list, struct wf_rseq_range **ret, uint32_t *ret_count)
{
	struct wf_rseq_range *ranges = calloc(list->count, sizeof(*ranges));

	if (!ranges)
		return;
	for (uint32_t i = 0; i < list->count; i++) {
		ranges[i].start = word_at(list, (uint64_t)i * ENTRY_BYTES + START_AT);
		ranges[i].end =
			ranges[i].start + word_at(list, (uint64_t)i * ENTRY_BYTES + LENGTH_AT);
	}
	*ret = ranges;
	*ret_count = list->count;
}

void wf_rseq_load(struct wf_binary *elf, struct wf_rseq_range **ret, uint32_t *ret_count)
{
	wf_auto(wf_image_freep) struct wf_image *image = NULL;
	wf_auto(wf_freep) char *bytes = NULL;
	struct list list = {0};
	uint64_t address, size;

	*ret = NULL;
	*ret_count = 0;
	if (wf_binary_section(elf, "__rseq_cs", &address, &size) < 0 || size < ENTRY_BYTES ||
	    wf_image_open(wf_binary_path(elf), wf_binary_shown(elf), &image, NULL) < 0)
		return;
	if (!wf_image_section(image, "__rseq_cs", 0, &list.header) ||
	    wf_image_read_section(image, &list.header, ENTRIES_MAX * ENTRY_BYTES, &bytes) < 0)
		return;
	list.image = image;
	list.bytes = bytes;
	list.count = (uint32_t)(list.header.sh_size / ENTRY_BYTES);
	apply_relocations(&list);
	collect(&list, ret, ret_count);
}
