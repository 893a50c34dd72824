/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h - an open ELF file (a target's binary or a debug file) read with pread.
 *
 * Never mapped: a file that shrinks while it is open gives short reads, not SIGBUS, and a big file
 * costs only the parts that are read. Headers are checked before libelf sees them. Control thread.
 */
#ifndef WF_IMAGE_H
#define WF_IMAGE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/err.h"

#define WF_IMAGE_SECTIONS_MAX 60000 /* big C++ programs with a section per function have 30,000 */
#define WF_IMAGE_SEGMENTS_MAX 4096
#define WF_BUILD_ID_MAX       64 /* bytes; linkers write 8 to 32 */

struct wf_segment { /* one PT_LOAD */
	uint64_t address, offset, file_bytes, memory_bytes;
	uint32_t flags; /* PF_* */
};

struct wf_image {
	int fd;
	Elf *elf;
	uint64_t bytes;
	uint16_t machine, type;
	bool is_64;
	uint64_t entry; /* linked address, 0 = none */
	bool has_sections;
	unsigned char ident[EI_NIDENT];
	char build_id[2 * WF_BUILD_ID_MAX + 1]; /* hex, "" = none */
	struct wf_segment *segments;
	size_t segment_count;
};

/*
 * Open a regular file. `shown` is the name for messages. -ENOENT, -EACCES, -ENOEXEC (not ELF, or
 * broken headers).
 */
int wf_image_open(const char *path, const char *shown, struct wf_image **ret, struct wf_err *err);
/* The same with an open file, which is taken over, also on failure. */
int wf_image_open_fd(int fd, const char *shown, struct wf_image **ret, struct wf_err *err);
void wf_image_free(struct wf_image *image);

/* All of len bytes, or -EIO. */
int wf_image_read(const struct wf_image *image, uint64_t offset, void *out, size_t len);
/* The section's bytes plus a NUL, to be freed. -ENOENT, -E2BIG, -EIO, -ENOMEM. */
int wf_image_read_section(const struct wf_image *image, const GElf_Shdr *header, size_t max_bytes,
			  char **ret);

/* First section of this name, or of this type where name is NULL; NULL = none. */
Elf_Scn *wf_image_section(const struct wf_image *image, const char *name, uint32_t type,
			  GElf_Shdr *ret);

/* Segment that holds the linked address in its file part, NULL = none. */
const struct wf_segment *wf_image_segment(const struct wf_image *image, uint64_t address);

WF_DEFINE_FREEP(wf_image_freep, struct wf_image, wf_image_free)

#endif
