/* SPDX-License-Identifier: Apache-2.0 */
#include "unwind.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <string.h>

#define FRAME_BYTES_MAX   (128U << 20) /* a 500 MB browser has 60 MB */
#define ENTRIES_MAX       (4U << 20)
#define BAD_ENTRIES_MAX   64 /* in a row; real sections have none */
#define ENCODING_FORM     0x0f
#define ENCODING_RELATION 0x70

struct entry {
	uint64_t start;
	uint64_t size;
};

struct wf_unwind {
	const struct wf_image *image;
	Dwarf_CFI *cfi;
	struct entry *entries; /* by start */
	size_t count, capacity;
};

struct cursor {
	const uint8_t *at, *end;
	const uint8_t *base; /* of the section's bytes */
	uint64_t address;    /* of the section */
	bool is_64;
};

static bool take(struct cursor *cursor, size_t width, bool is_signed, uint64_t *ret)
{
	uint64_t value = 0;

	if ((size_t)(cursor->end - cursor->at) < width)
		return false;
	memcpy(&value, cursor->at, width);
	if (is_signed && width < 8 && value >> (8 * width - 1))
		value |= ~0ULL << (8 * width);
	cursor->at += width;
	*ret = value;
	return true;
}

static size_t form_width(uint8_t encoding, bool is_64)
{
	switch (encoding & ENCODING_FORM & ~DW_EH_PE_signed) {
	case DW_EH_PE_absptr:
		return is_64 ? 8 : 4;
	case DW_EH_PE_udata2:
		return 2;
	case DW_EH_PE_udata4:
		return 4;
	case DW_EH_PE_udata8:
		return 8;
	default:
		return 0; /* LEB128 is not used for code addresses */
	}
}

/* Absolute and pc-relative pointers; the others do not occur for code. */
static bool take_pointer(struct cursor *cursor, uint8_t encoding, uint64_t *ret)
{
	uint64_t place = cursor->address + (uint64_t)(cursor->at - cursor->base);
	size_t width = form_width(encoding, cursor->is_64);

	if (!width || encoding & DW_EH_PE_indirect ||
	    !take(cursor, width, encoding & DW_EH_PE_signed, ret))
		return false;
	switch (encoding & ENCODING_RELATION) {
	case DW_EH_PE_absptr:
		break;
	case DW_EH_PE_pcrel:
		*ret += place;
		break;
	default:
		return false;
	}
	if (!cursor->is_64)
		*ret = (uint32_t)*ret;
	return true;
}

/* Encoding of code pointers, from the augmentation of the common entry; -1 = not understood. */
static int pointer_encoding(const Dwarf_CIE *cie, bool is_64)
{
	const uint8_t *at = cie->augmentation_data, *end = at + cie->augmentation_data_size;
	const char *letter = cie->augmentation;

	if (*letter != 'z')
		return *letter ? -1 : DW_EH_PE_absptr;
	for (letter++; *letter; letter++) {
		switch (*letter) {
		case 'S':
		case 'B':
			continue;
		case 'R':
			return at && at < end ? *at : -1;
		case 'L':
			at = at && at < end ? at + 1 : NULL;
			break;
		case 'P':
			if (!at || at >= end || !form_width(*at, is_64) ||
			    (size_t)(end - at) < 1 + form_width(*at, is_64))
				return -1;
			at += 1 + form_width(*at, is_64);
			break;
		default:
			return -1;
		}
	}
	return DW_EH_PE_absptr;
}

static int add_entry(struct wf_unwind *unwind, uint64_t start, uint64_t size)
{
	size_t capacity = unwind->capacity ? unwind->capacity * 2 : 256;
	struct entry *entries;

	if (unwind->count == unwind->capacity) {
		entries = realloc(unwind->entries, capacity * sizeof(*entries));
		if (!entries)
			return -ENOMEM;
		unwind->entries = entries;
		unwind->capacity = capacity;
	}
	unwind->entries[unwind->count++] = (struct entry){start, size};
	return 0;
}

struct scan {
	Elf_Data *data;
	uint64_t address;
	uint64_t cie_offset; /* of the last common entry looked at, and what it said */
	int encoding;
};

static int scan_encoding(struct wf_unwind *unwind, struct scan *scan, uint64_t cie_offset)
{
	Dwarf_CFI_Entry entry;
	Dwarf_Off next;

	if (scan->cie_offset == cie_offset)
		return scan->encoding;
	scan->cie_offset = cie_offset;
	scan->encoding = -1;
	if (cie_offset < scan->data->d_size &&
	    dwarf_next_cfi(unwind->image->ident, scan->data, true, cie_offset, &next, &entry) ==
		    0 &&
	    dwarf_cfi_cie_p(&entry))
		scan->encoding = pointer_encoding(&entry.cie, unwind->image->is_64);
	return scan->encoding;
}

static int scan_entry(struct wf_unwind *unwind, struct scan *scan, const Dwarf_FDE *fde)
{
	int encoding = scan_encoding(unwind, scan, fde->CIE_pointer);
	struct cursor cursor = {
		.at = fde->start,
		.end = fde->end,
		.base = scan->data->d_buf,
		.address = scan->address,
		.is_64 = unwind->image->is_64,
	};
	uint64_t start, size;

	if (encoding < 0 || !take_pointer(&cursor, (uint8_t)encoding, &start) ||
	    !take_pointer(&cursor, encoding & ENCODING_FORM & ~DW_EH_PE_signed, &size) || !size ||
	    start + size < start)
		return 0;
	return add_entry(unwind, start, size);
}

static int scan_section(struct wf_unwind *unwind, struct scan *scan)
{
	Dwarf_CFI_Entry entry;
	Dwarf_Off offset = 0, next;
	unsigned bad = 0;

	while (unwind->count < ENTRIES_MAX && bad < BAD_ENTRIES_MAX) {
		int rc = dwarf_next_cfi(unwind->image->ident, scan->data, true, offset, &next,
					&entry);

		if (rc > 0 || next == (Dwarf_Off)-1 || next <= offset)
			break;
		offset = next;
		bad = rc < 0 ? bad + 1 : 0;
		if (rc == 0 && !dwarf_cfi_cie_p(&entry)) {
			rc = scan_entry(unwind, scan, &entry.fde);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

static int by_start(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return (a->size > b->size) - (a->size < b->size);
}

/* libdw reads whole sections of these names, so all of them are looked at first. */
static bool frame_sections_fit(const struct wf_image *image)
{
	Elf_Scn *section = NULL;
	size_t names = 0;
	GElf_Shdr shdr;

	if (elf_getshdrstrndx(image->elf, &names) < 0)
		return false;
	while ((section = elf_nextscn(image->elf, section)) != NULL) {
		const char *name;

		if (!gelf_getshdr(section, &shdr))
			return false;
		name = elf_strptr(image->elf, names, shdr.sh_name);
		if (name && strncmp(name, ".eh_frame", 9) == 0 && shdr.sh_size > FRAME_BYTES_MAX)
			return false;
	}
	return true;
}

static int load(struct wf_unwind *unwind)
{
	struct scan scan = {.cie_offset = UINT64_MAX};
	Elf_Scn *section;
	GElf_Shdr shdr;
	int rc;

	section = wf_image_section(unwind->image, ".eh_frame", 0, &shdr);
	if (!section || shdr.sh_type == SHT_NOBITS || !frame_sections_fit(unwind->image))
		return 0;
	scan.address = shdr.sh_addr;
	scan.data = elf_rawdata(section, NULL);
	if (!scan.data || !scan.data->d_buf)
		return 0;
	rc = scan_section(unwind, &scan);
	if (rc < 0)
		return rc;
	if (unwind->count)
		qsort(unwind->entries, unwind->count, sizeof(*unwind->entries), by_start);
	unwind->cfi = dwarf_getcfi_elf(unwind->image->elf);
	return 0;
}

int wf_unwind_new(const struct wf_image *image, struct wf_unwind **ret)
{
	wf_auto(wf_unwind_freep) struct wf_unwind *unwind = calloc(1, sizeof(*unwind));
	int rc;

	if (!unwind)
		return -ENOMEM;
	unwind->image = image;
	rc = load(unwind);
	if (rc < 0)
		return rc;
	*ret = wf_take(unwind);
	return 0;
}

void wf_unwind_free(struct wf_unwind *unwind)
{
	if (!unwind)
		return;
	if (unwind->cfi)
		dwarf_cfi_end(unwind->cfi);
	free(unwind->entries);
	free(unwind);
}

int wf_unwind_bounds(const struct wf_unwind *unwind, uint64_t address, uint64_t *ret_start,
		     uint64_t *ret_size)
{
	size_t low = 0, high = unwind->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (unwind->entries[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || address - unwind->entries[low - 1].start >= unwind->entries[low - 1].size)
		return -ENOENT;
	*ret_start = unwind->entries[low - 1].start;
	*ret_size = unwind->entries[low - 1].size;
	return 0;
}

static int plain_rule(const Dwarf_Op *op, uint8_t *ret_reg, int32_t *ret_offset)
{
	uint64_t reg;
	int64_t offset;

	if (op->atom == DW_OP_bregx) {
		reg = op->number;
		offset = (int64_t)op->number2;
	} else if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31) {
		reg = op->atom - DW_OP_breg0;
		offset = (int64_t)op->number;
	} else {
		return -ENOTSUP;
	}
	if (reg >= UINT8_MAX || offset < INT32_MIN || offset > INT32_MAX)
		return -ENOTSUP;
	*ret_reg = (uint8_t)reg;
	*ret_offset = (int32_t)offset;
	return 0;
}

int wf_unwind_cfa(const struct wf_unwind *unwind, uint64_t address, uint8_t *ret_reg,
		  int32_t *ret_offset)
{
	wf_auto(wf_freep) Dwarf_Frame *frame = NULL;
	uint64_t start, size;
	Dwarf_Op *ops;
	size_t count;

	if (!unwind->cfi || wf_unwind_bounds(unwind, address, &start, &size) < 0 ||
	    dwarf_cfi_addrframe(unwind->cfi, address, &frame) != 0)
		return -ENOENT;
	if (dwarf_frame_cfa(frame, &ops, &count) != 0 || count != 1)
		return -ENOTSUP;
	return plain_rule(ops, ret_reg, ret_offset);
}
