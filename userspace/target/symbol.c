/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define CHUNK_SYMBOLS    2048
#define ARENA_MAX        (64U << 20) /* names without clone suffix, and demangled ones */
#define REPAIRS_MAX      (256U << 10)
#define NAME_OVERLAP_MAX 4ULL       /* names share endings, but not more than this */
#define GUESS_SIZE_MAX   (1U << 20) /* a size guessed from the next symbol is no longer than this */

int wf_symbol_table_new(struct wf_symbol_table **ret)
{
	wf_auto(wf_symbol_table_freep) struct wf_symbol_table *table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	table->arena = wf_arena_new(ARENA_MAX);
	if (!table->arena)
		return -ENOMEM;
	*ret = wf_take(table);
	return 0;
}

void wf_symbol_table_free(struct wf_symbol_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->block_count; i++)
		free(table->blocks[i]);
	wf_arena_free(table->arena);
	free(table->symbols);
	free(table->outer);
	free(table);
}

static bool all_digits(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)text[i]))
			return false;
	}
	return len > 0;
}

/* One part between dots: true where a compiler or linker put it there. */
static bool is_suffix(const char *part, size_t len, uint8_t *flags)
{
	static const struct {
		const char *text;
		uint8_t flags;
	} known[] = {
		{"part", WF_SYM_CLONE},
		{"isra", WF_SYM_CLONE},
		{"constprop", WF_SYM_CLONE},
		{"cold", WF_SYM_COLD},
		{"lto_priv", 0},
		{"localalias", 0},
		{"llvm", 0},
		{"__uniq", 0},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i].text) == len && memcmp(known[i].text, part, len) == 0) {
			*flags |= known[i].flags;
			return true;
		}
	}
	return all_digits(part, len);
}

size_t wf_symbol_base_length(const char *name, size_t len, uint8_t *ret_flags)
{
	size_t end = len;

	*ret_flags = 0;
	while (end > 1) {
		const char *dot = memrchr(name + 1, '.', end - 1);
		size_t at;

		if (!dot)
			break;
		at = (size_t)(dot - name);
		if (!is_suffix(dot + 1, end - at - 1, ret_flags))
			break;
		end = at;
	}
	return end;
}

static bool is_function(const GElf_Sym *sym, const char *name, uint8_t *flags)
{
	unsigned type = GELF_ST_TYPE(sym->st_info);

	*flags = 0;
	if (sym->st_shndx == SHN_UNDEF || sym->st_shndx == SHN_ABS || sym->st_shndx == SHN_COMMON)
		return false;
	if (type == STT_FUNC)
		return true;
	if (type == STT_GNU_IFUNC) {
		*flags = WF_SYM_IFUNC;
		return true;
	}
	if (type != STT_NOTYPE || (!sym->st_size && GELF_ST_BIND(sym->st_info) == STB_LOCAL))
		return false;
	*flags = WF_SYM_NOTYPE;
	/* The linker's mark for the end of text may coincide with a function. */
	return strcmp(name, "etext") != 0 && strcmp(name, "_etext") != 0 &&
	       strcmp(name, "__etext") != 0;
}

static struct wf_symbol *next_symbol(struct wf_symbol_table *table)
{
	size_t capacity = table->capacity ? table->capacity * 2 : 1024;
	struct wf_symbol *symbols;

	if (table->count == table->capacity) {
		symbols = realloc(table->symbols, capacity * sizeof(*symbols));
		if (!symbols)
			return NULL;
		table->symbols = symbols;
		table->capacity = capacity;
	}
	return &table->symbols[table->count];
}

struct load {
	struct wf_symbol_table *table;
	const struct wf_image *main_image;
	enum wf_symbol_source source;
	char *strings;
	size_t string_bytes;
	uint64_t name_bytes_left; /* a small table whose names overlap could cost hours */
};

/* Cuts the version off (the block is ours). 0 = not a usable name. */
static size_t name_length(struct load *load, char *name)
{
	size_t len = strnlen(name, WF_SYMBOL_NAME_MAX + 1);
	char *version = memchr(name, '@', len);

	if (len >= load->name_bytes_left) {
		load->table->capped = true;
		return 0;
	}
	load->name_bytes_left -= len;
	if (len > WF_SYMBOL_NAME_MAX)
		return 0;
	if (!version)
		return len;
	*version = '\0';
	return (size_t)(version - name);
}

static int add_symbol(struct load *load, const GElf_Sym *sym)
{
	const struct wf_segment *segment = wf_image_segment(load->main_image, sym->st_value);
	struct wf_symbol *symbol;
	uint8_t flags, suffix;
	size_t len, base;
	uint64_t room;
	char *name;

	if (!segment || !(segment->flags & PF_X) || sym->st_name >= load->string_bytes)
		return 0;
	name = load->strings + sym->st_name;
	if (!is_function(sym, name, &flags))
		return 0;
	len = name_length(load, name);
	if (!len)
		return 0;
	symbol = next_symbol(load->table);
	if (!symbol)
		return -ENOMEM;
	room = segment->file_bytes - (sym->st_value - segment->address);
	base = wf_symbol_base_length(name, len, &suffix);
	*symbol = (struct wf_symbol){
		.name = name,
		.base = base == len ? name : wf_arena_strndup(load->table->arena, name, base),
		.address = sym->st_value,
		.size = sym->st_size < room ? sym->st_size : room,
		.offset = segment->offset + (sym->st_value - segment->address),
		.source = (uint8_t)load->source,
		.flags = flags | suffix,
	};
	if (!symbol->base)
		symbol->base = name;
	load->table->count++;
	load->table->added[load->source]++;
	return 0;
}

static void widen(const Elf32_Sym *narrow, GElf_Sym *ret)
{
	*ret = (GElf_Sym){
		.st_name = narrow->st_name,
		.st_info = narrow->st_info,
		.st_other = narrow->st_other,
		.st_shndx = narrow->st_shndx,
		.st_value = narrow->st_value,
		.st_size = narrow->st_size,
	};
}

/* One chunk of raw symbols to the machine's byte order, then to the list. */
static int add_chunk(struct load *load, const struct wf_image *from, void *raw, size_t count)
{
	size_t width = from->is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	Elf_Data data = {.d_buf = raw,
			 .d_type = ELF_T_SYM,
			 .d_size = count * width,
			 .d_version = EV_CURRENT};
	Elf_Data *done = from->is_64 ? elf64_xlatetom(&data, &data, from->ident[EI_DATA])
				     : elf32_xlatetom(&data, &data, from->ident[EI_DATA]);

	if (!done)
		return -EIO;
	for (size_t i = 0; i < count; i++) {
		GElf_Sym sym;
		int rc;

		if (load->table->count >= WF_SYMBOLS_MAX) {
			load->table->capped = true;
			return 0;
		}
		if (from->is_64)
			sym = ((Elf64_Sym *)raw)[i];
		else
			widen(&((Elf32_Sym *)raw)[i], &sym);
		rc = add_symbol(load, &sym);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int add_all(struct load *load, const struct wf_image *from, const GElf_Shdr *header)
{
	size_t width = from->is_64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	wf_auto(wf_freep) void *raw = malloc(CHUNK_SYMBOLS * width);
	uint64_t left = header->sh_size / width, offset = header->sh_offset;

	if (!raw)
		return -ENOMEM;
	while (left && !load->table->capped) {
		size_t count = left < CHUNK_SYMBOLS ? left : CHUNK_SYMBOLS;
		int rc = wf_image_read(from, offset, raw, count * width);

		if (rc == 0)
			rc = add_chunk(load, from, raw, count);
		if (rc < 0)
			return rc;
		left -= count;
		offset += count * width;
	}
	return 0;
}

int wf_symbol_table_add(struct wf_symbol_table *table, const struct wf_image *main_image,
			const struct wf_image *from, enum wf_symbol_source source)
{
	struct load load = {.table = table, .main_image = main_image, .source = source};
	uint32_t type = source == WF_SYM_DYNSYM ? SHT_DYNSYM : SHT_SYMTAB;
	GElf_Shdr header, strings;
	int rc;

	if (table->block_count == WF_SYMBOL_BLOCKS)
		return -E2BIG;
	if (!wf_image_section(from, NULL, type, &header) ||
	    !gelf_getshdr(elf_getscn(from->elf, header.sh_link), &strings) ||
	    strings.sh_type != SHT_STRTAB || header.sh_flags & SHF_COMPRESSED ||
	    strings.sh_flags & SHF_COMPRESSED)
		return 0;
	rc = wf_image_read_section(from, &strings, WF_SYMBOL_STRINGS_MAX, &load.strings);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	load.string_bytes = strings.sh_size;
	load.name_bytes_left = NAME_OVERLAP_MAX * strings.sh_size + WF_SYMBOL_NAME_MAX;
	table->blocks[table->block_count++] = load.strings;
	return add_all(&load, from, &header);
}

/* Best first: what the file itself says, then its debug file, then the shorter tables. */
static int source_rank(uint8_t source)
{
	static const int rank[] = {[WF_SYM_SYMTAB] = 0,
				   [WF_SYM_DEBUGFILE] = 1,
				   [WF_SYM_MINIDEBUG] = 2,
				   [WF_SYM_DYNSYM] = 3};

	return rank[source];
}

static int by_address(const void *left, const void *right)
{
	const struct wf_symbol *a = left, *b = right;
	int order;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	order = strcmp(a->name, b->name);
	return order ? order : source_rank(a->source) - source_rank(b->source);
}

static void merge_duplicates(struct wf_symbol_table *table)
{
	size_t kept = 0;

	for (size_t i = 0; i < table->count; i++) {
		struct wf_symbol *last = kept ? &table->symbols[kept - 1] : NULL;
		struct wf_symbol *symbol = &table->symbols[i];

		if (last && last->address == symbol->address &&
		    strcmp(last->name, symbol->name) == 0) {
			if (!last->size)
				last->size = symbol->size;
			continue;
		}
		table->symbols[kept++] = *symbol;
	}
	table->count = kept;
}

/* Hand-written assembly has no size: take the unwind entry's end, else the next symbol's start. */
static void repair_sizes(struct wf_symbol_table *table, const struct wf_image *main_image,
			 const struct wf_unwind *unwind)
{
	uint64_t next = UINT64_MAX; /* start of the next symbol at a higher address */
	size_t repairs = 0;

	for (size_t i = table->count; i-- > 0 && repairs < REPAIRS_MAX;) {
		struct wf_symbol *symbol = &table->symbols[i];
		const struct wf_segment *segment;
		uint64_t start, size;

		if (i + 1 < table->count && table->symbols[i + 1].address > symbol->address)
			next = table->symbols[i + 1].address;
		if (symbol->size)
			continue;
		repairs++;
		segment = wf_image_segment(main_image, symbol->address);
		if (wf_unwind_bounds(unwind, symbol->address, &start, &size) == 0)
			symbol->size = start + size - symbol->address;
		else if (next != UINT64_MAX && wf_image_segment(main_image, next) == segment &&
			 next - symbol->address <= GUESS_SIZE_MAX)
			symbol->size = next - symbol->address;
	}
}

static uint64_t end_of(const struct wf_symbol *symbol)
{
	return symbol->address + symbol->size;
}

/* For each symbol the nearest before it that reaches past its start: lookups walk this chain. */
static int link_outer(struct wf_symbol_table *table)
{
	if (!table->count)
		return 0;
	table->outer = calloc(table->count, sizeof(*table->outer));
	if (!table->outer)
		return -ENOMEM;
	for (size_t i = 1; i < table->count; i++) {
		uint32_t outer = (uint32_t)i;

		while (outer && end_of(&table->symbols[outer - 1]) <= table->symbols[i].address)
			outer = table->outer[outer - 1];
		table->outer[i] = outer;
	}
	return 0;
}

int wf_symbol_table_finish(struct wf_symbol_table *table, const struct wf_image *main_image,
			   const struct wf_unwind *unwind)
{
	if (table->count)
		qsort(table->symbols, table->count, sizeof(*table->symbols), by_address);
	merge_duplicates(table);
	repair_sizes(table, main_image, unwind);
	return link_outer(table);
}

/* Of aliases at one address, the plainest. */
static const struct wf_symbol *plainest(const struct wf_symbol_table *table, size_t index)
{
	const struct wf_symbol *best = &table->symbols[index];

	while (index && table->symbols[index - 1].address == best->address) {
		index--;
		if (end_of(&table->symbols[index]) >= end_of(best) &&
		    table->symbols[index].flags <= best->flags)
			best = &table->symbols[index];
	}
	return best;
}

const struct wf_symbol *wf_symbol_table_at(const struct wf_symbol_table *table, uint64_t address)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	while (low && address - table->symbols[low - 1].address >= table->symbols[low - 1].size)
		low = table->outer[low - 1];
	return low ? plainest(table, low - 1) : NULL;
}
