/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srcline.h - source file and line of addresses, from DWARF. Holds the debug sections of one image
 * in memory: make it, ask, free it. Control thread.
 */
#ifndef WF_SRCLINE_H
#define WF_SRCLINE_H

#include "image.h"

struct wf_srclines;

/*
 * The image with .debug_info: the binary or its debug file, which must outlive it. -ENOENT without
 * DWARF, -E2BIG where that would cost too much memory, -EIO, -ENOMEM.
 */
int wf_srclines_new(const struct wf_image *image, struct wf_srclines **ret);
void wf_srclines_free(struct wf_srclines *lines);

/* False where it is not known. The path is absolute where DWARF says the folder, and lives
 * until the next call. */
bool wf_srclines_find(struct wf_srclines *lines, uint64_t address, const char **ret_path,
		      uint32_t *ret_line);

WF_DEFINE_FREEP(wf_srclines_freep, struct wf_srclines, wf_srclines_free)

#endif
