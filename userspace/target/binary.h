/* SPDX-License-Identifier: Apache-2.0 */
/*
 * binary.h - one ELF file of a target: symbols, text, unwind rules, static probes.
 *
 * The file is hostile input: every size and count is capped, reads are checked, and a broken part
 * is an error or an empty list, never a crash. Opened by a path that names the mapped file itself
 * (/proc/PID/exe, /proc/PID/map_files/...), shown by the path the user knows. Control thread only.
 */
#ifndef WF_BINARY_H
#define WF_BINARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/err.h"

struct wf_binary;
struct wf_srclines;

struct wf_binary_options {
	const char *debug_dir; /* --debug-dir, or NULL */
	const char *root;      /* root of the target's mount namespace (/proc/PID/root), or NULL */
	bool symbols_only;     /* skip unwind tables and notes until asked */
};

enum wf_symbol_source { WF_SYM_SYMTAB = 1, WF_SYM_DYNSYM, WF_SYM_MINIDEBUG, WF_SYM_DEBUGFILE };

#define WF_SYM_COLD   0x01 /* foo.cold: not a function of its own */
#define WF_SYM_CLONE  0x02 /* .part .isra .constprop: arguments do not follow the ABI */
#define WF_SYM_IFUNC  0x04
#define WF_SYM_NOTYPE 0x08 /* hand-written assembly: entry only */

struct wf_symbol {
	const char *name;      /* raw, without @VERSION */
	const char *demangled; /* NULL until asked for: wf_binary_demangled() */
	const char *base;      /* name without clone suffix; == name where it has none */
	uint64_t address;      /* as linked */
	uint64_t size;         /* 0 is repaired from .eh_frame or the next symbol where possible */
	uint64_t offset;       /* in the file */
	uint8_t source;        /* enum wf_symbol_source */
	uint8_t flags;
};

/* A static probe: note in .note.stapsdt, addresses already relocated by the base. */
struct wf_usdt {
	const char *provider, *name;
	const char *arguments; /* as written: "8@%rdi -4@$5" */
	uint64_t address, offset;
	uint64_t semaphore_offset; /* file offset of the reference counter, 0 = none */
};

/* The rule "CFA = reg + offset" at one address. */
struct wf_cfa {
	uint8_t reg; /* enum wf_reg */
	int32_t offset;
};

int wf_binary_open(const char *path, const char *shown, const struct wf_binary_options *options,
		   struct wf_binary **ret, struct wf_err *err);
void wf_binary_free(struct wf_binary *elf);

const char *wf_binary_path(const struct wf_binary *elf); /* to open and to attach to */
const char *wf_binary_shown(const struct wf_binary *elf);
const char *wf_binary_build_id(const struct wf_binary *elf); /* hex, "" = none */
uint16_t wf_binary_machine(const struct wf_binary *elf);     /* EM_X86_64 ... */
/* File offset of the entry point. -ENOENT. */
int wf_binary_entry(const struct wf_binary *elf, uint64_t *ret_offset);
bool wf_binary_is_64(const struct wf_binary *elf);

/* Sorted by address, then name; aliases are separate entries. Loaded on first use. */
int wf_binary_symbols(struct wf_binary *elf, const struct wf_symbol **ret, size_t *ret_count,
		      struct wf_err *err);
size_t wf_binary_exported(struct wf_binary *elf); /* functions of .dynsym, also in that list */
/* Innermost symbol that covers the address, or NULL. */
const struct wf_symbol *wf_binary_symbol_at(struct wf_binary *elf, uint64_t address);
/* With parameters, as c++filt shows it (fills symbol->demangled); NULL where it is not mangled. */
const char *wf_binary_demangled(struct wf_binary *elf, const struct wf_symbol *symbol);
/* 1 where the name or glob fits the raw name, the base name, or the demangled name without
 * parameters and template arguments ("ns::Class::run*"; with them for a '<'); else 0; -ENOMEM. */
int wf_binary_matches(struct wf_binary *elf, const struct wf_symbol *symbol, const char *pattern);
/* Up to 5 names close to the pattern, "'a', 'b'"; "" = none. Also for "provider:name" probes. */
void wf_binary_near(struct wf_binary *elf, const char *pattern, char *out, size_t size);
void wf_binary_near_probe(struct wf_binary *elf, const char *pattern, char *out, size_t size);
/* True where DWARF is at hand and says that functions that fit exist only inlined. Slow. */
bool wf_binary_inlined(struct wf_binary *elf, const char *pattern);
/* Source lines of addresses, to be asked with srcline.h. -ENOENT without DWARF, -ENOMEM. */
int wf_binary_lines(struct wf_binary *elf, const uint64_t *addresses, size_t count,
		    struct wf_srclines **ret);
/* Where symbols came from or should come from, for messages; one line. */
const char *wf_binary_symbol_story(struct wf_binary *elf);

int wf_binary_usdt(struct wf_binary *elf, const struct wf_usdt **ret, size_t *ret_count,
		   struct wf_err *err);

/* Bounds of the .eh_frame entry that covers address. -ENOENT. */
int wf_binary_fde(struct wf_binary *elf, uint64_t address, uint64_t *ret_start, uint64_t *ret_size);
/* CFA rule at the instruction. -ENOENT, -ENOTSUP where it is an expression. */
int wf_binary_cfa(struct wf_binary *elf, uint64_t address, struct wf_cfa *ret);

/*
 * File bytes at a linked address; NULL where they are not in one executable or read-only segment,
 * or more than 1 MiB. Valid during the next 63 calls that ask for less than 8 MiB together.
 */
const uint8_t *wf_binary_bytes(struct wf_binary *elf, uint64_t address, size_t len);
bool wf_binary_is_text(struct wf_binary *elf, uint64_t address);
/* The n-th executable segment. -ENOENT behind the last. */
int wf_binary_text(const struct wf_binary *elf, size_t n, uint64_t *ret_address,
		   uint64_t *ret_size);
/* Where a section lies in memory. -ENOENT. */
int wf_binary_section(const struct wf_binary *elf, const char *name, uint64_t *ret_address,
		      uint64_t *ret_size);
/* Linked address <-> file offset, through PT_LOAD. */
int wf_binary_offset(const struct wf_binary *elf, uint64_t address, uint64_t *ret_offset);
int wf_binary_address(const struct wf_binary *elf, uint64_t offset, uint64_t *ret_address);

WF_DEFINE_FREEP(wf_binary_freep, struct wf_binary, wf_binary_free)

#endif
