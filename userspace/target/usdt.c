/* SPDX-License-Identifier: Apache-2.0 */
#include "usdt.h"

#include <errno.h>
#include <string.h>

#define NOTE_NAME  "stapsdt"
#define NOTE_PROBE 3

struct notes {
	const struct wf_image *image;
	struct wf_arena *arena;
	uint64_t base; /* where .stapsdt.base lies now */
	bool has_base;
	struct wf_usdt *list;
	size_t count;
};

/* The next NUL-ended string of the note, or NULL where it does not end. */
static const char *next_string(const char **at, const char *end)
{
	const char *text = *at, *nul = memchr(text, '\0', (size_t)(end - text));

	if (!nul)
		return NULL;
	*at = nul + 1;
	return text;
}

static uint64_t word(const struct notes *notes, const char *at)
{
	uint64_t wide;
	uint32_t narrow;

	if (notes->image->is_64) {
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return narrow;
}

static bool to_offset(const struct wf_image *image, uint64_t address, uint32_t flags, uint64_t *ret)
{
	const struct wf_segment *segment = wf_image_segment(image, address);

	if (!segment || !(segment->flags & flags))
		return false;
	*ret = segment->offset + (address - segment->address);
	return true;
}

/* Three addresses (probe, base at link time, semaphore), then provider, name and arguments. */
static int add_probe(struct notes *notes, const char *at, size_t len)
{
	size_t width = notes->image->is_64 ? 8 : 4;
	const char *end = at + len, *provider, *name, *arguments;
	struct wf_usdt *usdt = &notes->list[notes->count];
	uint64_t semaphore, shift = 0;

	if (len < 3 * width)
		return 0;
	*usdt = (struct wf_usdt){.address = word(notes, at)};
	if (notes->has_base)
		shift = notes->base - word(notes, at + width);
	semaphore = word(notes, at + 2 * width);
	at += 3 * width;
	provider = next_string(&at, end);
	name = provider ? next_string(&at, end) : NULL;
	arguments = name ? next_string(&at, end) : NULL;
	if (!arguments || !*provider || !*name)
		return 0;
	usdt->address += shift;
	if (!to_offset(notes->image, usdt->address, PF_X, &usdt->offset))
		return 0;
	if (semaphore && !to_offset(notes->image, semaphore + shift, PF_W, &usdt->semaphore_offset))
		return 0;
	usdt->provider = wf_arena_strdup(notes->arena, provider);
	usdt->name = wf_arena_strdup(notes->arena, name);
	usdt->arguments = wf_arena_strdup(notes->arena, arguments);
	if (!usdt->provider || !usdt->name || !usdt->arguments)
		return -ENOMEM;
	notes->count++;
	return 0;
}

static bool is_probe(const Elf_Data *data, const GElf_Nhdr *note, size_t name)
{
	return note->n_type == NOTE_PROBE && note->n_namesz == sizeof(NOTE_NAME) &&
	       memcmp((const char *)data->d_buf + name, NOTE_NAME, sizeof(NOTE_NAME)) == 0;
}

static size_t count_probes(Elf_Data *data)
{
	size_t offset = 0, name, desc, count = 0;
	GElf_Nhdr note;

	while ((offset = gelf_getnote(data, offset, &note, &name, &desc)) > 0 &&
	       count < WF_USDT_MAX)
		count += is_probe(data, &note, name);
	return count;
}

static int add_all(struct notes *notes, Elf_Data *data)
{
	size_t offset = 0, name, desc, max = count_probes(data);
	GElf_Nhdr note;

	notes->list = wf_arena_alloc(notes->arena, (max + 1) * sizeof(*notes->list));
	if (!notes->list)
		return -ENOMEM;
	while (notes->count < max &&
	       (offset = gelf_getnote(data, offset, &note, &name, &desc)) > 0) {
		int rc = 0;

		if (is_probe(data, &note, name))
			rc = add_probe(notes, (const char *)data->d_buf + desc, note.n_descsz);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int wf_usdt_load(const struct wf_image *image, struct wf_arena *arena, const struct wf_usdt **ret,
		 size_t *ret_count)
{
	struct notes notes = {.image = image, .arena = arena};
	Elf_Scn *section;
	Elf_Data *data;
	GElf_Shdr shdr = {0};
	int rc;

	*ret = NULL;
	*ret_count = 0;
	notes.has_base = wf_image_section(image, ".stapsdt.base", 0, &shdr) != NULL;
	notes.base = shdr.sh_addr;
	section = wf_image_section(image, ".note.stapsdt", 0, &shdr);
	if (!section || shdr.sh_type != SHT_NOTE)
		return 0;
	if (shdr.sh_size > WF_USDT_NOTE_BYTES_MAX)
		return -E2BIG;
	data = elf_getdata(section, NULL);
	if (!data)
		return 0;
	rc = add_all(&notes, data);
	if (rc < 0)
		return rc;
	*ret = notes.list;
	*ret_count = notes.count;
	return 0;
}
