/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbol.h - symbol tables of images, merged into one list of functions. Control thread.
 *
 * Strings live in the table. The main image decides what is text and where it lies in the file;
 * other images (debug files, .gnu_debugdata) only bring names.
 */
#ifndef WF_SYMBOL_H
#define WF_SYMBOL_H

#include "binary.h"
#include "image.h"
#include "unwind.h"
#include "userspace/base/arena.h"
#include "userspace/base/cleanup.h"

#define WF_SYMBOLS_MAX        (4U << 20)
#define WF_SYMBOL_NAME_MAX    (64U << 10)
#define WF_SYMBOL_STRINGS_MAX (256U << 20)
#define WF_SYMBOL_BLOCKS      4 /* string tables: symtab, dynsym, minidebug, debug file */

struct wf_symbol_table {
	struct wf_symbol *symbols; /* by address, then name, once finished */
	size_t count, capacity;
	uint32_t *outer; /* index + 1 of the nearest symbol before that reaches past its start */
	char *blocks[WF_SYMBOL_BLOCKS];
	size_t block_count;
	struct wf_arena *arena;
	size_t added[WF_SYM_DEBUGFILE + 1]; /* functions per source, before merging */
	bool capped;                        /* a maximum was met: some are missing */
};

int wf_symbol_table_new(struct wf_symbol_table **ret);
void wf_symbol_table_free(struct wf_symbol_table *table);

/* Add the functions of one table of `from`. 0 also where there is none; -EIO, -E2BIG, -ENOMEM. */
int wf_symbol_table_add(struct wf_symbol_table *table, const struct wf_image *main_image,
			const struct wf_image *from, enum wf_symbol_source source);
/* Sort, merge duplicates, repair sizes. Call once, after the last add. */
int wf_symbol_table_finish(struct wf_symbol_table *table, const struct wf_image *main_image,
			   const struct wf_unwind *unwind);
/* Innermost symbol that covers the address, or NULL. */
const struct wf_symbol *wf_symbol_table_at(const struct wf_symbol_table *table, uint64_t address);

/* Length of the name without the suffixes that compilers give to clones; flags: WF_SYM_*. */
size_t wf_symbol_base_length(const char *name, size_t len, uint8_t *ret_flags);

WF_DEFINE_FREEP(wf_symbol_table_freep, struct wf_symbol_table, wf_symbol_table_free)

#endif
