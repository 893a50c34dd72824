/* SPDX-License-Identifier: Apache-2.0 */
#include "debuginfo.h"

#include <errno.h>
#include <string.h>

static uint64_t unpacked_bytes(Elf_Scn *section, const GElf_Shdr *shdr)
{
	GElf_Chdr chdr;

	if (shdr->sh_type == SHT_NOBITS)
		return 0;
	if (!(shdr->sh_flags & SHF_COMPRESSED))
		return shdr->sh_size;
	return gelf_getchdr(section, &chdr) ? chdr.ch_size : UINT64_MAX / 2;
}

static int check_size(Elf *elf, uint64_t info_max, uint64_t total_max)
{
	uint64_t total = 0, info = 0;
	Elf_Scn *section = NULL;
	size_t names = 0;
	GElf_Shdr shdr;

	if (elf_getshdrstrndx(elf, &names) < 0)
		return -EIO;
	while ((section = elf_nextscn(elf, section)) != NULL && total <= total_max) {
		const char *name;

		if (!gelf_getshdr(section, &shdr))
			return -EIO;
		name = elf_strptr(elf, names, shdr.sh_name);
		if (!name || strncmp(name, ".debug_", 7) != 0)
			continue;
		total += unpacked_bytes(section, &shdr);
		if (strcmp(name, ".debug_info") == 0)
			info += unpacked_bytes(section, &shdr);
	}
	if (!info)
		return -ENOENT;
	return info <= info_max && total <= total_max ? 0 : -E2BIG;
}

int wf_debuginfo_open(const struct wf_image *image, uint64_t info_max, uint64_t total_max,
		      struct wf_debuginfo *ret)
{
	int rc;

	*ret = (struct wf_debuginfo){.elf = elf_begin(image->fd, ELF_C_READ, NULL)};
	rc = ret->elf ? check_size(ret->elf, info_max, total_max) : -EIO;
	if (rc == 0) {
		ret->dwarf = dwarf_begin_elf(ret->elf, DWARF_C_READ, NULL);
		rc = ret->dwarf ? 0 : -EIO;
	}
	if (rc < 0)
		wf_debuginfo_close(ret);
	return rc;
}

void wf_debuginfo_close(struct wf_debuginfo *info)
{
	if (info->dwarf)
		dwarf_end(info->dwarf);
	if (info->elf)
		elf_end(info->elf);
	*info = (struct wf_debuginfo){0};
}
