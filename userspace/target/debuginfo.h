/* SPDX-License-Identifier: Apache-2.0 */
/* debuginfo.h - DWARF of an image through libdw, where it is small enough. Control thread. */
#ifndef WF_DEBUGINFO_H
#define WF_DEBUGINFO_H

#include <elfutils/libdw.h>

#include "image.h"

/* An own handle: the sections, which libdw reads whole, go away with it. */
struct wf_debuginfo {
	Elf *elf;
	Dwarf *dwarf;
};

/*
 * The maxima are of unpacked sections: .debug_info, and all of .debug_*. -ENOENT without DWARF,
 * -E2BIG, -EIO. The image must outlive it.
 */
int wf_debuginfo_open(const struct wf_image *image, uint64_t info_max, uint64_t total_max,
		      struct wf_debuginfo *ret);
void wf_debuginfo_close(struct wf_debuginfo *info);

#endif
