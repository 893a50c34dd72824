/* SPDX-License-Identifier: Apache-2.0 */
#include "binary.h"

#include <errno.h>
#include <string.h>

#include "demangle.h"
#include "image.h"
#include "inlined.h"
#include "match.h"
#include "origin.h"
#include "srcline.h"
#include "symbol.h"
#include "unwind.h"
#include "usdt.h"
#include "userspace/base/arena.h"
#include "userspace/base/near.h"
#include "window.h"

#define ARENA_MAX        (64U << 20) /* probes: 65536 notes of 1 KiB */
#define STORY_MAX        640
#define NEAR_SYMBOLS_MAX 1000000U /* compared for "did you mean": a second's work */

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
	struct wf_origin origin;
	struct wf_matcher *matcher; /* of the last pattern */
	char story[STORY_MAX];
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

static int check_kind(const struct wf_image *image, const char *shown, struct wf_err *err)
{
	if (image->type != ET_EXEC && image->type != ET_DYN)
		return wf_err_set(
			err, ENOEXEC,
			"'%s' is not a program or shared library (ELF type %u); name a linked "
			"file",
			shown, image->type);
	if (!image->segment_count)
		return wf_err_set(err, ENOEXEC, "'%s' has no loadable segments", shown);
	for (size_t i = 0; i < image->segment_count; i++) {
		uint64_t end = image->segments[i].offset + image->segments[i].file_bytes;

		if (end > image->bytes)
			return wf_err_set(err, ENOEXEC,
					  "'%s' is truncated: it has %llu bytes of at least %llu",
					  shown, (unsigned long long)image->bytes,
					  (unsigned long long)end);
	}
	return 0;
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
	rc = check_kind(elf->image, shown, err);
	if (rc < 0)
		return rc;
	if (set_up(elf, path, shown, options) < 0)
		return wf_err_set(err, ENOMEM, "out of memory");
	*ret = wf_take(elf);
	return 0;
}

void wf_binary_free(struct wf_binary *elf)
{
	if (!elf)
		return;
	wf_matcher_free(elf->matcher);
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

int wf_binary_entry(const struct wf_binary *elf, uint64_t *ret_offset)
{
	return elf->image->entry ? wf_binary_offset(elf, elf->image->entry, ret_offset) : -ENOENT;
}

static int need_unwind(struct wf_binary *elf)
{
	return elf->unwind ? 0 : wf_unwind_new(elf->image, &elf->unwind);
}

static struct wf_debugfile_search search_of(const struct wf_binary *elf)
{
	return (struct wf_debugfile_search){.image = elf->image,
					    .shown = elf->shown,
					    .debug_dir = elf->debug_dir,
					    .root = elf->root};
}

static int need_symbols(struct wf_binary *elf)
{
	wf_auto(wf_symbol_table_freep) struct wf_symbol_table *table = NULL;
	struct wf_debugfile_search search = search_of(elf);
	int rc;

	if (elf->symbols)
		return 0;
	rc = wf_symbol_table_new(&table);
	if (rc == 0)
		rc = need_unwind(elf);
	if (rc == 0)
		rc = wf_origin_load(&search, elf->unwind, table, &elf->origin);
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

size_t wf_binary_exported(struct wf_binary *elf)
{
	return need_symbols(elf) == 0 ? elf->origin.found[WF_SYM_DYNSYM] : 0;
}

const struct wf_symbol *wf_binary_symbol_at(struct wf_binary *elf, uint64_t address)
{
	return need_symbols(elf) == 0 ? wf_symbol_table_at(elf->symbols, address) : NULL;
}

const char *wf_binary_demangled(struct wf_binary *elf, const struct wf_symbol *symbol)
{
	/* The table is ours and not const; only its readers see it so. */
	struct wf_symbol *own = &elf->symbols->symbols[symbol - elf->symbols->symbols];

	if (!own->demangled)
		own->demangled = wf_demangle(own->base, elf->symbols->arena);
	return own->demangled;
}

static struct wf_matcher *matcher_for(struct wf_binary *elf, const char *pattern)
{
	if (!elf->matcher || strcmp(wf_matcher_pattern(elf->matcher), pattern) != 0) {
		wf_matcher_free(elf->matcher);
		elf->matcher = wf_matcher_new(pattern);
	}
	return elf->matcher;
}

int wf_binary_matches(struct wf_binary *elf, const struct wf_symbol *symbol, const char *pattern)
{
	struct wf_matcher *matcher = matcher_for(elf, pattern);

	return matcher ? wf_matcher_takes(matcher, symbol) : -ENOMEM;
}

void wf_binary_near(struct wf_binary *elf, const char *pattern, char *out, size_t size)
{
	struct wf_near near;
	char bare[WF_NEAR_NAME_MAX];

	wf_near_init(&near, pattern);
	for (size_t i = 0; need_symbols(elf) == 0 && i < elf->symbols->count; i++) {
		const struct wf_symbol *symbol = &elf->symbols->symbols[i];

		if (i >= NEAR_SYMBOLS_MAX)
			break;
		wf_symbol_bare(symbol, false, bare, sizeof(bare));
		wf_near_offer(&near, bare);
	}
	wf_near_print(&near, out, size);
}

void wf_binary_near_probe(struct wf_binary *elf, const char *pattern, char *out, size_t size)
{
	const struct wf_usdt *probes = NULL;
	struct wf_near near;
	char name[WF_NEAR_NAME_MAX];
	size_t count = 0;

	wf_near_init(&near, pattern);
	wf_binary_usdt(elf, &probes, &count, NULL);
	for (size_t i = 0; i < count; i++) {
		int n = snprintf(name, sizeof(name), "%s:%s", probes[i].provider, probes[i].name);

		if (n > 0 && (size_t)n < sizeof(name))
			wf_near_offer(&near, name);
	}
	wf_near_print(&near, out, size);
}

bool wf_binary_inlined(struct wf_binary *elf, const char *pattern)
{
	wf_auto(wf_image_freep) struct wf_image *debug = NULL;
	struct wf_matcher *matcher = matcher_for(elf, pattern);
	struct wf_debugfile_search search = search_of(elf);
	GElf_Shdr shdr;

	if (!matcher || need_symbols(elf) < 0)
		return false;
	for (size_t i = 0; i < elf->symbols->count; i++) {
		if (wf_matcher_takes(matcher, &elf->symbols->symbols[i]))
			return false;
	}
	if (wf_image_section(elf->image, ".debug_info", 0, &shdr))
		return wf_inlined_exists(elf->image, matcher);
	return wf_debugfile_find(&search, &debug) == 0 && wf_inlined_exists(debug, matcher);
}

int wf_binary_lines(struct wf_binary *elf, const uint64_t *addresses, size_t count,
		    struct wf_srclines **ret)
{
	wf_auto(wf_image_freep) struct wf_image *debug = NULL;
	struct wf_debugfile_search search = search_of(elf);
	GElf_Shdr shdr;

	if (!wf_image_section(elf->image, ".debug_info", 0, &shdr) &&
	    wf_debugfile_find(&search, &debug) < 0)
		return -ENOENT;
	return wf_srclines_new(debug ? debug : elf->image, addresses, count, ret);
}

const char *wf_binary_symbol_story(struct wf_binary *elf)
{
	struct wf_debugfile_search search = search_of(elf);
	const struct wf_usdt *probes;
	size_t count = 0;

	if (need_symbols(elf) < 0)
		return "out of memory";
	wf_binary_usdt(elf, &probes, &count, NULL);
	wf_origin_story(&elf->origin, &search, count, elf->story, sizeof(elf->story));
	return elf->story;
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

int wf_binary_text(const struct wf_binary *elf, size_t n, uint64_t *ret_address, uint64_t *ret_size)
{
	for (size_t i = 0; i < elf->image->segment_count; i++) {
		const struct wf_segment *segment = &elf->image->segments[i];

		if (!(segment->flags & PF_X) || n--)
			continue;
		*ret_address = segment->address;
		*ret_size = segment->file_bytes;
		return 0;
	}
	return -ENOENT;
}

int wf_binary_section(const struct wf_binary *elf, const char *name, uint64_t *ret_address,
		      uint64_t *ret_size)
{
	GElf_Shdr header;

	if (!wf_image_section(elf->image, name, 0, &header) || !header.sh_addr)
		return -ENOENT;
	*ret_address = header.sh_addr;
	*ret_size = header.sh_size;
	return 0;
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
