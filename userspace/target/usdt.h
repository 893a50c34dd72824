/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usdt.h - static probes of an image: the notes in .note.stapsdt. Control thread.
 */
#ifndef WF_USDT_H
#define WF_USDT_H

#include "binary.h"
#include "image.h"
#include "userspace/base/arena.h"

#define WF_USDT_MAX            65536
#define WF_USDT_NOTE_BYTES_MAX (16U << 20)

/*
 * The image's probes, in file order, in the arena. Broken notes and those outside text are left
 * out. 0 with no probes where there are none; -ENOMEM, -E2BIG.
 */
int wf_usdt_load(const struct wf_image *image, struct wf_arena *arena, const struct wf_usdt **ret,
		 size_t *ret_count);

#endif
