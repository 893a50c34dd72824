/* SPDX-License-Identifier: Apache-2.0 */
/*
 * srcline.h - source file and line of addresses, from DWARF. It is read in a child process, which
 * keeps the parent small, and alive where the DWARF is hostile. Control thread.
 */
#ifndef WF_SRCLINE_H
#define WF_SRCLINE_H

#include "image.h"

struct wf_srclines;

/*
 * Look up `count` addresses. `image` has .debug_info: it is the binary or its debug file. What is
 * not known, or too much, is left out. -ENOMEM.
 */
int wf_srclines_new(const struct wf_image *image, const uint64_t *addresses, size_t count,
		    struct wf_srclines **ret);
void wf_srclines_free(struct wf_srclines *lines);

/* False where it is not known, or `lines` is NULL. The path is absolute where DWARF says the
 * folder, and lives as long as `lines`. */
bool wf_srclines_find(const struct wf_srclines *lines, uint64_t address, const char **ret_path,
		      uint32_t *ret_line);

WF_DEFINE_FREEP(wf_srclines_freep, struct wf_srclines, wf_srclines_free)

#endif
