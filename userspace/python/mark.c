/* SPDX-License-Identifier: Apache-2.0 */
#include "mark.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "shipped_agent.h"
#include "userspace/base/str.h"
#include "userspace/target/target.h"

#define PROC_BYTES_MAX 4096

/* One symbol of the image: where it lies in the file, and when loaded at 0. */
struct place {
	const char *name;
	uint64_t offset, address;
};

enum { PLACE_SPAN, PLACE_START, PLACE_NOTE, PLACE_GATE, PLACE_ANCHOR, PLACES };

static uint64_t file_offset(Elf *elf, uint64_t address)
{
	size_t count = 0;

	if (elf_getphdrnum(elf, &count))
		return 0;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr header;

		if (gelf_getphdr(elf, (int)i, &header) && header.p_type == PT_LOAD &&
		    address >= header.p_vaddr && address - header.p_vaddr < header.p_filesz)
			return address - header.p_vaddr + header.p_offset;
	}
	return 0;
}

static void read_symbols(Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
			 struct place places[static PLACES])
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Sym symbol;

	for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
		const char *name = elf_strptr(elf, header->sh_link, symbol.st_name);

		for (int k = 0; name && k < PLACES; k++) {
			if (strcmp(name, places[k].name) != 0 || !symbol.st_shndx)
				continue;
			places[k].address = symbol.st_value;
			places[k].offset = file_offset(elf, symbol.st_value);
		}
	}
}

/* The image is our own, so that nothing in it can be wrong but by the build. */
static int read_image(struct place places[static PLACES])
{
	Elf *elf;
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	elf_version(EV_CURRENT);
	elf = elf_memory((char *)wf_agent_image, wf_agent_image_bytes);
	while (elf && (section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_DYNSYM)
			read_symbols(elf, section, &header, places);
	elf_end(elf);
	for (int i = 0; i < PLACES; i++)
		if (!places[i].offset)
			return -ENOEXEC;
	return 0;
}

/* Does this file of the target hold our image, byte for byte? */
static bool is_image(const char *path)
{
	wf_auto(wf_freep) char *text = malloc(wf_agent_image_bytes + 1);
	wf_auto(wf_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t len;

	if (!text || fd < 0)
		return false;
	len = pread(fd, text, wf_agent_image_bytes + 1, 0);
	return len == (ssize_t)wf_agent_image_bytes &&
	       memcmp(text, wf_agent_image, wf_agent_image_bytes) == 0;
}

static const struct wf_mapping *find_mapping(const struct wf_target *target)
{
	for (size_t i = 0; i < target->mapping_count; i++) {
		const struct wf_mapping *mapping = &target->mappings[i];

		if (!mapping->executable_file && is_image(mapping->open_path))
			return mapping;
	}
	return NULL;
}

static int read_anchor(pid_t pid, struct wf_mark *mark, struct wf_err *err)
{
	struct wf_agent_anchor anchor;
	int rc = wf_memory_read(pid, mark->anchor, &anchor, sizeof(anchor));

	if (rc == 0 && (anchor.magic != WF_AGENT_MAGIC || anchor.abi != WF_AGENT_ABI ||
			anchor.page_bytes != sizeof(struct wf_agent_page)))
		rc = -EBADMSG;
	if (rc < 0)
		return wf_err_set(err, -rc, "process %d: the agent in it cannot be read", pid);
	mark->page = anchor.page;
	mark->armed = anchor.armed;
	return 0;
}

int wf_mark_find(pid_t pid, struct wf_mark *ret, struct wf_err *err)
{
	struct place places[PLACES] = {{"wf_site_span"},
				       {"wf_site_start"},
				       {"wf_site_note"},
				       {"wf_agent_gate"},
				       {"wf_agent_anchor"}};
	wf_auto(wf_target_freep) struct wf_target *target = NULL;
	const struct wf_mapping *mapping;
	int rc = wf_target_open(pid, &target, err);

	if (rc < 0)
		return rc;
	mapping = find_mapping(target);
	if (!mapping || read_image(places) < 0)
		return wf_err_set(err, ENOENT, "process %d: the agent is not mapped", pid);
	memset(ret, 0, sizeof(*ret));
	snprintf(ret->path, sizeof(ret->path), "%s", mapping->open_path);
	ret->device = mapping->device;
	ret->inode = mapping->inode;
	ret->sites.path = ret->path;
	for (int i = 0; i < WF_AGENT_SITES; i++)
		ret->sites.offsets[i] = places[PLACE_SPAN + i].offset;
	ret->sites.gate_offset = places[PLACE_GATE].offset;
	/* code and file offset of one site give the place of all */
	ret->anchor = mapping->start - mapping->offset + places[PLACE_SPAN].offset -
		      places[PLACE_SPAN].address + places[PLACE_ANCHOR].address;
	return read_anchor(pid, ret, err);
}

int wf_mark_counters(pid_t pid, uint64_t page, uint64_t out[static WF_AGENT_COUNTERS])
{
	return wf_memory_read(pid, page + offsetof(struct wf_agent_page, counters), out,
			      WF_AGENT_COUNTERS * sizeof(*out));
}

uint64_t wf_mark_owner(pid_t pid, const struct wf_mark *mark)
{
	struct wf_agent_anchor anchor;

	if (wf_memory_read(pid, mark->anchor, &anchor, sizeof(anchor)) < 0)
		return 0;
	return anchor.owner;
}

uint64_t wf_mark_clock_offset(pid_t pid)
{
	wf_auto(wf_freep) char *text = NULL;
	char path[64];
	int64_t seconds, nanoseconds;
	size_t len;
	char *line;

	snprintf(path, sizeof(path), "/proc/%d/timens_offsets", pid);
	if (wf_read_file(path, PROC_BYTES_MAX, &text, &len, NULL) < 0)
		return 0;
	line = strstr(text, "monotonic");
	if (!line || sscanf(line, "monotonic %" SCNd64 " %" SCNd64, &seconds, &nanoseconds) != 2)
		return 0;
	return (uint64_t)seconds * 1000000000 + (uint64_t)nanoseconds;
}
