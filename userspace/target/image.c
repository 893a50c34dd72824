/* SPDX-License-Identifier: Apache-2.0 */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX (1ULL << 36) /* so that sums of offsets do not wrap */
#define NOTE_BYTES_MAX (1U << 20)
#define NAME_TABLE_MAX (16U << 20) /* section names; libelf reads them whole */

int wf_image_read(const struct wf_image *image, uint64_t offset, void *out, size_t len)
{
	char *at = out;

	if (offset > image->bytes || len > image->bytes - offset)
		return -EIO;
	while (len) {
		ssize_t n = pread(image->fd, at, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EIO;
		at += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int wf_image_read_section(const struct wf_image *image, const GElf_Shdr *header, size_t max_bytes,
			  char **ret)
{
	wf_auto(wf_freep) char *bytes = NULL;
	int rc;

	if (header->sh_type == SHT_NOBITS || !header->sh_size)
		return -ENOENT;
	if (header->sh_size > max_bytes)
		return -E2BIG;
	if (header->sh_size > image->bytes)
		return -EIO;
	bytes = malloc(header->sh_size + 1);
	if (!bytes)
		return -ENOMEM;
	rc = wf_image_read(image, header->sh_offset, bytes, header->sh_size);
	if (rc < 0)
		return rc;
	bytes[header->sh_size] = '\0';
	*ret = wf_take(bytes);
	return 0;
}

union header {
	unsigned char ident[EI_NIDENT];
	Elf64_Ehdr e64;
	Elf32_Ehdr e32;
};

/*
 * libelf allocates by the section count before anything else looks at it, so the counts are
 * checked on the raw header first. Counts beyond 16 bits (kept in section 0) are refused too.
 */
static bool counts_are_sane(const union header *header)
{
	bool is_64 = header->ident[EI_CLASS] == ELFCLASS64;
	uint16_t phnum = is_64 ? header->e64.e_phnum : header->e32.e_phnum;
	uint16_t shnum = is_64 ? header->e64.e_shnum : header->e32.e_shnum;
	uint64_t shoff = is_64 ? header->e64.e_shoff : header->e32.e_shoff;

	if (header->ident[EI_DATA] != ELFDATA2LSB) {
		phnum = __builtin_bswap16(phnum);
		shnum = __builtin_bswap16(shnum);
	}
	return phnum <= WF_IMAGE_SEGMENTS_MAX && (shnum != 0 || shoff == 0) &&
	       shnum <= WF_IMAGE_SECTIONS_MAX;
}

static int check_header(struct wf_image *image, const char *shown, struct wf_err *err)
{
	union header header = {0};
	size_t len = sizeof(header) < image->bytes ? sizeof(header) : image->bytes;

	if (len < EI_NIDENT || wf_image_read(image, 0, &header, len) < 0 ||
	    memcmp(header.ident, ELFMAG, SELFMAG) != 0)
		return wf_err_set(err, ENOEXEC, "'%s' is not an ELF file", shown);
	memcpy(image->ident, header.ident, EI_NIDENT);
	image->is_64 = header.ident[EI_CLASS] == ELFCLASS64;
	if (len < (image->is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)) ||
	    header.ident[EI_CLASS] == ELFCLASSNONE || header.ident[EI_CLASS] > ELFCLASS64 ||
	    header.ident[EI_VERSION] != EV_CURRENT || !counts_are_sane(&header))
		return wf_err_set(err, ENOEXEC, "'%s' has a broken or truncated ELF header", shown);
	return 0;
}

static int load_segments(struct wf_image *image)
{
	size_t count = 0;

	if (elf_getphdrnum(image->elf, &count) < 0 || !count || count > WF_IMAGE_SEGMENTS_MAX)
		return 0;
	image->segments = calloc(count, sizeof(*image->segments));
	if (!image->segments)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct wf_segment *segment = &image->segments[image->segment_count];
		GElf_Phdr phdr;

		if (!gelf_getphdr(image->elf, (int)i, &phdr) || phdr.p_type != PT_LOAD)
			continue;
		if (phdr.p_offset > FILE_BYTES_MAX || phdr.p_filesz > FILE_BYTES_MAX ||
		    phdr.p_vaddr + phdr.p_memsz < phdr.p_vaddr ||
		    phdr.p_vaddr + phdr.p_filesz < phdr.p_vaddr)
			continue;
		segment->address = phdr.p_vaddr;
		segment->offset = phdr.p_offset;
		segment->file_bytes = phdr.p_filesz;
		segment->memory_bytes = phdr.p_memsz;
		segment->flags = phdr.p_flags;
		image->segment_count++;
	}
	return 0;
}

static bool take_build_id(struct wf_image *image, Elf_Data *data)
{
	size_t offset = 0, name, desc;
	GElf_Nhdr note;

	while (data && (offset = gelf_getnote(data, offset, &note, &name, &desc)) > 0) {
		const unsigned char *bytes = (const unsigned char *)data->d_buf;

		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != 4 ||
		    memcmp(bytes + name, "GNU", 4) != 0 || !note.n_descsz ||
		    note.n_descsz > WF_BUILD_ID_MAX)
			continue;
		for (size_t i = 0; i < note.n_descsz; i++)
			snprintf(image->build_id + 2 * i, 3, "%02x", bytes[desc + i]);
		return true;
	}
	return false;
}

/* Sections first: in a debug file the segments point at nothing. */
static void load_build_id(struct wf_image *image)
{
	Elf_Scn *section = NULL;
	GElf_Shdr shdr;
	GElf_Phdr phdr;
	size_t count = 0;

	while ((section = elf_nextscn(image->elf, section)) != NULL) {
		if (gelf_getshdr(section, &shdr) && shdr.sh_type == SHT_NOTE &&
		    shdr.sh_size <= NOTE_BYTES_MAX &&
		    take_build_id(image, elf_getdata(section, NULL)))
			return;
	}
	if (elf_getphdrnum(image->elf, &count) < 0 || count > WF_IMAGE_SEGMENTS_MAX)
		return;
	for (size_t i = 0; i < count; i++) {
		if (gelf_getphdr(image->elf, (int)i, &phdr) && phdr.p_type == PT_NOTE &&
		    phdr.p_filesz <= NOTE_BYTES_MAX && phdr.p_offset <= FILE_BYTES_MAX &&
		    take_build_id(image, elf_getdata_rawchunk(image->elf, (int64_t)phdr.p_offset,
							      phdr.p_filesz, ELF_T_NHDR)))
			return;
	}
}

/* A cut file loses its section headers, which stand at the end; libelf then sees none. */
static bool sections_are_sane(const struct wf_image *image, const GElf_Ehdr *ehdr)
{
	GElf_Shdr shdr;
	size_t index = 0;

	if (!image->has_sections)
		return ehdr->e_shnum == 0;
	if (elf_getshdrstrndx(image->elf, &index) < 0)
		return false;
	return index == SHN_UNDEF ||
	       (gelf_getshdr(elf_getscn(image->elf, index), &shdr) &&
		shdr.sh_size <= NAME_TABLE_MAX && !(shdr.sh_flags & SHF_COMPRESSED));
}

static int read_headers(struct wf_image *image, const char *shown, struct wf_err *err)
{
	size_t count = 0;
	GElf_Ehdr ehdr;

	image->elf = elf_begin(image->fd, ELF_C_READ, NULL);
	if (!image->elf || elf_kind(image->elf) != ELF_K_ELF || !gelf_getehdr(image->elf, &ehdr))
		return wf_err_set(err, ENOEXEC, "'%s' is a broken or truncated ELF file", shown);
	image->machine = ehdr.e_machine;
	image->entry = ehdr.e_entry;
	image->type = ehdr.e_type;
	image->has_sections = elf_getshdrnum(image->elf, &count) == 0 && count > 0;
	if (!sections_are_sane(image, &ehdr))
		return wf_err_set(err, ENOEXEC, "'%s' is truncated or has broken section headers",
				  shown);
	if (load_segments(image) < 0)
		return -ENOMEM;
	load_build_id(image);
	return 0;
}

/* libelf reads bit by bit: without memory, parts of a good file seem not to be there. */
static int load_headers(struct wf_image *image, const char *shown, struct wf_err *err)
{
	int rc;

	elf_version(EV_CURRENT);
	errno = 0;
	rc = read_headers(image, shown, err);
	return errno == ENOMEM ? wf_err_set(err, ENOMEM, "out of memory") : rc;
}

int wf_image_open_fd(int fd, const char *shown, struct wf_image **ret, struct wf_err *err)
{
	wf_auto(wf_image_freep) struct wf_image *image = calloc(1, sizeof(*image));
	struct stat st;
	int rc;

	if (!image) {
		close(fd);
		return wf_err_set(err, ENOMEM, "out of memory");
	}
	image->fd = fd;
	if (fstat(fd, &st) < 0)
		return wf_err_set(err, errno, "cannot read '%s': %s", shown, strerror(errno));
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > FILE_BYTES_MAX)
		return wf_err_set(err, ENOEXEC, "'%s' is not an ELF file", shown);
	image->bytes = (uint64_t)st.st_size;
	rc = check_header(image, shown, err);
	if (rc == 0)
		rc = load_headers(image, shown, err);
	if (rc < 0)
		return rc;
	*ret = wf_take(image);
	return 0;
}

int wf_image_open(const char *path, const char *shown, struct wf_image **ret, struct wf_err *err)
{
	/* O_NONBLOCK: a FIFO in place of a file must not hang us. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return wf_err_set(err, errno, "cannot open '%s': %s", shown, strerror(errno));
	return wf_image_open_fd(fd, shown, ret, err);
}

void wf_image_free(struct wf_image *image)
{
	if (!image)
		return;
	elf_end(image->elf);
	wf_closep(&image->fd);
	free(image->segments);
	free(image);
}

static bool section_fits(const struct wf_image *image, Elf_Scn *section, size_t names,
			 const char *name, uint32_t type, GElf_Shdr *ret)
{
	const char *found;

	if (!gelf_getshdr(section, ret))
		return false;
	if (!name)
		return ret->sh_type == type;
	found = elf_strptr(image->elf, names, ret->sh_name);
	return found && strcmp(found, name) == 0;
}

Elf_Scn *wf_image_section(const struct wf_image *image, const char *name, uint32_t type,
			  GElf_Shdr *ret)
{
	Elf_Scn *section = NULL;
	size_t names = 0;

	if (name && elf_getshdrstrndx(image->elf, &names) < 0)
		return NULL;
	while ((section = elf_nextscn(image->elf, section)) != NULL) {
		if (section_fits(image, section, names, name, type, ret))
			return section;
	}
	return NULL;
}

const struct wf_segment *wf_image_segment(const struct wf_image *image, uint64_t address)
{
	for (size_t i = 0; i < image->segment_count; i++) {
		const struct wf_segment *segment = &image->segments[i];

		if (address >= segment->address && address - segment->address < segment->file_bytes)
			return segment;
	}
	return NULL;
}
