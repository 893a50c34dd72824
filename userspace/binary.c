/* SPDX-License-Identifier: Apache-2.0 */
#include "binary.h"

#include <errno.h>
#include <string.h>

#include "image.h"
#include "symbol.h"
#include "unwind.h"
#include "usdt.h"
#include "window.h"

#define ARENA_MAX (64U << 20) /* probes: 65536 notes of 1 KiB */

struct wf_binary {
	struct wf_image *image;
	char *path, *shown, *debug_dir, *root;
	struct wf_window_cache *windows;
	struct wf_unwind *unwind;        /* loaded on first use, as the rest */
	struct wf_symbol_table *symbols; /* likewise */
	struct wf_arena *arena;
	const struct wf_usdt *usdt;
	size_t usdt_count;
	bool usdt_loaded;
};

static int copy_text(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return text && !*ret ? -ENOMEM : 0;
}

static int set_up(struct wf_binary *elf, const char *path, const char *shown,
		  const struct wf_binary_options *options)
{
	if (copy_text(path, &elf->path) < 0 || copy_text(shown, &elf->shown) < 0 ||
	    copy_text(options ? options->debug_dir : NULL, &elf->debug_dir) < 0 ||
	    copy_text(options ? options->root : NULL, &elf->root) < 0)
		return -ENOMEM;
	elf->windows = wf_window_cache_new(elf->image);
	elf->arena = wf_arena_new(ARENA_MAX);
	return elf->windows && elf->arena ? 0 : -ENOMEM;
}

int wf_binary_open(const char *path, const char *shown, const struct wf_binary_options *options,
		   struct wf_binary **ret, struct wf_err *err)
{
	wf_auto(wf_binary_freep) struct wf_binary *elf = calloc(1, sizeof(*elf));
	int rc;

	shown = shown ? shown : path;
	if (!elf)
		return wf_err_set(err, ENOMEM, "out of memory");
	rc = wf_image_open(path, shown, &elf->image, err);
	if (rc < 0)
		return rc;
	if (elf->image->type != ET_EXEC && elf->image->type != ET_DYN)
		return wf_err_set(
			err, ENOEXEC,
			"'%s' is not a program or shared library (ELF type %u); name a linked file",
			shown, elf->image->type);
	if (!elf->image->segment_count)
		return wf_err_set(err, ENOEXEC, "'%s' has no loadable segments", shown);
	if (set_up(elf, path, shown, options) < 0)
		return wf_err_set(err, ENOMEM, "out of memory");
	*ret = wf_take(elf);
	return 0;
}

void wf_binary_free(struct wf_binary *elf)
{
	if (!elf)
		return;
	wf_symbol_table_free(elf->symbols);
	wf_unwind_free(elf->unwind);
	wf_window_cache_free(elf->windows);
	wf_arena_free(elf->arena);
	wf_image_free(elf->image);
	free(elf->path);
	free(elf->shown);
	free(elf->debug_dir);
	free(elf->root);
	free(elf);
}

const char *wf_binary_path(const struct wf_binary *elf)
{
	return elf->path;
}

const char *wf_binary_shown(const struct wf_binary *elf)
{
	return elf->shown;
}

const char *wf_binary_build_id(const struct wf_binary *elf)
{
	return elf->image->build_id;
}

uint16_t wf_binary_machine(const struct wf_binary *elf)
{
	return elf->image->machine;
}

bool wf_binary_is_64(const struct wf_binary *elf)
{
	return elf->image->is_64;
}

static int need_unwind(struct wf_binary *elf)
{
	return elf->unwind ? 0 : wf_unwind_new(elf->image, &elf->unwind);
}

static int load_symbols(struct wf_binary *elf, struct wf_symbol_table *table)
{
	int rc = need_unwind(elf);

	if (rc == 0)
		rc = wf_symbol_table_add(table, elf->image, elf->image, WF_SYM_SYMTAB);
	if (rc == 0)
		rc = wf_symbol_table_add(table, elf->image, elf->image, WF_SYM_DYNSYM);
	if (rc == 0)
		rc = wf_symbol_table_finish(table, elf->image, elf->unwind);
	return rc;
}

static int need_symbols(struct wf_binary *elf)
{
	wf_auto(wf_symbol_table_freep) struct wf_symbol_table *table = NULL;
	int rc;

	if (elf->symbols)
		return 0;
	rc = wf_symbol_table_new(&table);
	if (rc == 0)
		rc = load_symbols(elf, table);
	if (rc < 0)
		return rc;
	elf->symbols = wf_take(table);
	return 0;
}

int wf_binary_symbols(struct wf_binary *elf, const struct wf_symbol **ret, size_t *ret_count,
		      struct wf_err *err)
{
	int rc = need_symbols(elf);

	if (rc < 0)
		return wf_err_set(err, -rc, "cannot read the symbols of '%s': %s", elf->shown,
				  strerror(-rc));
	*ret = elf->symbols->symbols;
	*ret_count = elf->symbols->count;
	return 0;
}

const struct wf_symbol *wf_binary_symbol_at(struct wf_binary *elf, uint64_t address)
{
	return need_symbols(elf) == 0 ? wf_symbol_table_at(elf->symbols, address) : NULL;
}

int wf_binary_usdt(struct wf_binary *elf, const struct wf_usdt **ret, size_t *ret_count,
		   struct wf_err *err)
{
	int rc;

	if (!elf->usdt_loaded) {
		rc = wf_usdt_load(elf->image, elf->arena, &elf->usdt, &elf->usdt_count);
		if (rc < 0)
			return wf_err_set(err, -rc, "cannot read the static probes of '%s': %s",
					  elf->shown, strerror(-rc));
		elf->usdt_loaded = true;
	}
	*ret = elf->usdt;
	*ret_count = elf->usdt_count;
	return 0;
}

int wf_binary_fde(struct wf_binary *elf, uint64_t address, uint64_t *ret_start, uint64_t *ret_size)
{
	int rc = need_unwind(elf);

	return rc < 0 ? rc : wf_unwind_bounds(elf->unwind, address, ret_start, ret_size);
}

int wf_binary_cfa(struct wf_binary *elf, uint64_t address, struct wf_cfa *ret)
{
	int rc = need_unwind(elf);

	return rc < 0 ? rc : wf_unwind_cfa(elf->unwind, address, &ret->reg, &ret->offset);
}

const uint8_t *wf_binary_bytes(struct wf_binary *elf, uint64_t address, size_t len)
{
	const struct wf_segment *segment = wf_image_segment(elf->image, address);

	if (!segment || segment->flags & PF_W)
		return NULL;
	return wf_window_get(elf->windows, segment, segment->offset + (address - segment->address),
			     len);
}

bool wf_binary_is_text(struct wf_binary *elf, uint64_t address)
{
	const struct wf_segment *segment = wf_image_segment(elf->image, address);

	return segment && segment->flags & PF_X;
}

int wf_binary_offset(const struct wf_binary *elf, uint64_t address, uint64_t *ret_offset)
{
	const struct wf_segment *segment = wf_image_segment(elf->image, address);

	if (!segment)
		return -ENOENT;
	*ret_offset = segment->offset + (address - segment->address);
	return 0;
}

int wf_binary_address(const struct wf_binary *elf, uint64_t offset, uint64_t *ret_address)
{
	const struct wf_segment *found = NULL;

	for (size_t i = 0; i < elf->image->segment_count; i++) {
		const struct wf_segment *segment = &elf->image->segments[i];

		/* Text wins where a broken file maps one offset twice. */
		if (offset >= segment->offset && offset - segment->offset < segment->file_bytes &&
		    (!found || segment->flags & PF_X))
			found = segment;
	}
	if (!found)
		return -ENOENT;
	*ret_address = found->address + (offset - found->offset);
	return 0;
}
