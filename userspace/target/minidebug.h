/* SPDX-License-Identifier: Apache-2.0 */
/*
 * minidebug.h - .gnu_debugdata: a small xz-compressed ELF file with the symbols that stripping
 * took away (Fedora, and who else asks for it). Control thread.
 */
#ifndef WF_MINIDEBUG_H
#define WF_MINIDEBUG_H

#include "image.h"

#define WF_MINIDEBUG_PACKED_MAX (64U << 20)
#define WF_MINIDEBUG_BYTES_MAX  (256ULL << 20)

/* -ENOENT: the image has none; -E2BIG, -EIO, -ENOEXEC: it cannot be used. */
int wf_minidebug_open(const struct wf_image *image, struct wf_image **ret);

#endif
