/* SPDX-License-Identifier: Apache-2.0 */
#include "library.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/target/image.h"

#define STRINGS_MAX (256U << 20)
#define SYMBOLS_MAX (4U << 20)
#define CHUNK       512
#define PAGE        4096U

static const char *const symbol_names[WF_PY_SYMBOLS] = {
	[WF_PY_DICT_NEW] = "PyDict_New",         [WF_PY_RUN_STRING] = "PyRun_StringFlags",
	[WF_PY_DEC_REF] = "Py_DecRef",           [WF_PY_ERR_CLEAR] = "PyErr_Clear",
	[WF_PY_ERR_OCCURRED] = "PyErr_Occurred", [WF_PY_ERR_MATCHES] = "PyErr_ExceptionMatches",
	[WF_PY_EXCEPTION] = "PyExc_Exception",
};

/* Functions that first came with a version, for those that have no Py_Version. */
static const struct first {
	const char *name;
	unsigned minor;
} firsts[] = {
	{"PyCode_NewWithPosOnlyArgs", 8},
	{"PyFrame_GetCode", 9},
	{"PyModule_AddObjectRef", 10},
};

struct search {
	const struct wf_image *image;
	struct wf_library *library;
	uint64_t bias;
	char *strings;
	uint64_t string_bytes;
};

static uint64_t offset_of(const struct wf_image *image, uint64_t address)
{
	const struct wf_segment *segment = wf_image_segment(image, address);

	return segment ? address - segment->address + segment->offset : 0;
}

static void take_symbol(struct search *search, const char *name, const GElf_Sym *sym)
{
	struct wf_library *library = search->library;
	uint64_t address = search->bias + sym->st_value;

	if (!strcmp(name, "_PyRuntime")) {
		library->runtime = address;
		library->runtime_bytes = sym->st_size;
	} else if (!strcmp(name, "Py_Version")) {
		library->version = address;
	} else if (!strcmp(name, "Py_RunMain")) {
		library->run_main = offset_of(search->image, sym->st_value);
		library->runs_main = true;
	} else if (!strcmp(name, "PyList_Type")) {
		library->list_type = address;
	} else if (!strcmp(name, "Py_IsInitialized")) {
		library->is_python = true;
	}
	for (size_t i = 0; i < WF_PY_SYMBOLS; i++) {
		if (!strcmp(name, symbol_names[i]))
			library->symbols[i] = address;
	}
	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		if (!strcmp(name, firsts[i].name) && library->minor < firsts[i].minor)
			library->minor = firsts[i].minor;
	}
}

static void look_at(struct search *search, const GElf_Sym *sym)
{
	const char *name;

	if (sym->st_name >= search->string_bytes)
		return;
	name = search->strings + sym->st_name;
	if (sym->st_shndx == SHN_UNDEF) {
		if (!strcmp(name, "memfd_create"))
			search->library->imports_memfd = true;
		else if (!strcmp(name, "Py_BytesMain") || !strcmp(name, "Py_Main") ||
			 !strcmp(name, "Py_RunMain"))
			search->library->runs_main = true;
		return;
	}
	if (name[0] == 'P' || (name[0] == '_' && name[1] == 'P'))
		take_symbol(search, name, sym);
	else if (!strcmp(name, "pypy_main_startup") || !strcmp(name, "pypy_setup_home"))
		search->library->is_pypy = true;
	else if (!strcmp(name, "memfd_create"))
		search->library->imports_memfd = true;
}

static int look_through(struct search *search, const GElf_Shdr *header)
{
	uint64_t count = header->sh_size / sizeof(Elf64_Sym), offset = header->sh_offset;
	Elf64_Sym chunk[CHUNK];

	if (count > SYMBOLS_MAX)
		return -E2BIG;
	while (count) {
		size_t n = count < CHUNK ? count : CHUNK;
		int rc = wf_image_read(search->image, offset, chunk, n * sizeof(chunk[0]));

		if (rc < 0)
			return rc;
		for (size_t i = 0; i < n; i++)
			look_at(search, &chunk[i]);
		offset += n * sizeof(chunk[0]);
		count -= n;
	}
	return 0;
}

static int search_table(struct search *search, uint32_t type)
{
	wf_auto(wf_freep) char *bytes = NULL;
	GElf_Shdr header, strings;
	Elf_Scn *section;
	int rc;

	if (!wf_image_section(search->image, NULL, type, &header))
		return -ENOENT;
	section = elf_getscn(search->image->elf, header.sh_link);
	if (!section || !gelf_getshdr(section, &strings))
		return -ENOENT;
	rc = wf_image_read_section(search->image, &strings, STRINGS_MAX, &bytes);
	if (rc < 0)
		return rc;
	search->strings = bytes;
	search->string_bytes = strings.sh_size;
	return look_through(search, &header);
}

/* A program that embeds the interpreter may export nothing, but keeps this section's name. */
static void search_section(struct search *search)
{
	GElf_Shdr header;

	if (!wf_image_section(search->image, ".PyRuntime", 0, &header) || !header.sh_addr)
		return;
	search->library->runtime = search->bias + header.sh_addr;
	search->library->runtime_bytes = header.sh_size;
}

/* What lies between the linked addresses of a file and where it is mapped. */
static int find_bias(const struct wf_image *image, const struct wf_mapping *mapping,
		     uint64_t *ret_bias, const struct wf_segment **ret_text)
{
	for (size_t i = 0; i < image->segment_count; i++) {
		const struct wf_segment *segment = &image->segments[i];

		if (!(segment->flags & PF_X) || mapping->offset < segment->offset / PAGE * PAGE ||
		    mapping->offset >= segment->offset + segment->file_bytes)
			continue;
		*ret_bias = mapping->start - (segment->address + mapping->offset - segment->offset);
		*ret_text = segment;
		return 0;
	}
	return -ENOENT;
}

/* Nothing of the program lies between the end of its code and the end of that page. */
static void find_room(const struct wf_segment *text, const struct wf_mapping *mapping,
		      uint64_t bias, struct wf_python_room *ret)
{
	uint64_t end = bias + text->address + text->memory_bytes;
	uint64_t page_end = (end + PAGE - 1) / PAGE * PAGE;

	end = (end + 15) & ~15ULL;
	if (mapping->remapped_bytes || text->memory_bytes != text->file_bytes || end >= page_end ||
	    end < mapping->start)
		return;
	*ret = (struct wf_python_room){.address = end, .bytes = (uint32_t)(page_end - end)};
}

static void read_soname(struct search *search, struct wf_library *library)
{
	wf_auto(wf_freep) char *bytes = NULL;
	GElf_Shdr header, strings;
	Elf64_Dyn dyn;
	Elf_Scn *section;

	if (!wf_image_section(search->image, NULL, SHT_DYNAMIC, &header))
		return;
	section = elf_getscn(search->image->elf, header.sh_link);
	if (!section || !gelf_getshdr(section, &strings) ||
	    wf_image_read_section(search->image, &strings, STRINGS_MAX, &bytes) < 0)
		return;
	for (uint64_t at = 0; at + sizeof(dyn) <= header.sh_size && at < (64U << 10);
	     at += sizeof(dyn)) {
		if (wf_image_read(search->image, header.sh_offset + at, &dyn, sizeof(dyn)) < 0 ||
		    dyn.d_tag == DT_NULL)
			return;
		if (dyn.d_tag == DT_SONAME && dyn.d_un.d_val < strings.sh_size)
			snprintf(library->soname, sizeof(library->soname), "%s",
				 bytes + dyn.d_un.d_val);
	}
}

int wf_library_read(const struct wf_mapping *mapping, struct wf_library *ret)
{
	wf_auto(wf_image_freep) struct wf_image *image = NULL;
	struct search search = {.library = ret};
	const struct wf_segment *text;

	*ret = (struct wf_library){0};
	if (wf_image_open(mapping->open_path, mapping->path, &image, NULL) < 0 || !image->is_64 ||
	    find_bias(image, mapping, &search.bias, &text) < 0)
		return -ENOENT;
	search.image = image;
	ret->machine = image->machine;
	find_room(text, mapping, search.bias, &ret->room);
	search_table(&search, SHT_DYNSYM);
	if (!ret->runtime)
		search_section(&search);
	if (ret->runtime && !ret->symbols[WF_PY_RUN_STRING])
		search_table(&search, SHT_SYMTAB);
	if (ret->runtime)
		read_soname(&search, ret);
	ret->is_python |= ret->runtime != 0;
	return 0;
}
