/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unwind.h - function bounds and CFA rules from .eh_frame of an image. Control thread.
 */
#ifndef WF_UNWIND_H
#define WF_UNWIND_H

#include <stdint.h>

#include "image.h"
#include "userspace/base/cleanup.h"

struct wf_unwind;

/* The image must outlive it. A file without (usable) .eh_frame gives an empty one. -ENOMEM. */
int wf_unwind_new(const struct wf_image *image, struct wf_unwind **ret);
void wf_unwind_free(struct wf_unwind *unwind);

/* Bounds of the entry that covers the address. -ENOENT. */
int wf_unwind_bounds(const struct wf_unwind *unwind, uint64_t address, uint64_t *ret_start,
		     uint64_t *ret_size);
/* CFA = register (DWARF number) + offset. -ENOENT, -ENOTSUP where it is no such rule. */
int wf_unwind_cfa(const struct wf_unwind *unwind, uint64_t address, uint8_t *ret_reg,
		  int32_t *ret_offset);

WF_DEFINE_FREEP(wf_unwind_freep, struct wf_unwind, wf_unwind_free)

#endif
