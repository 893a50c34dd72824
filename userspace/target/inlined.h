/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inlined.h - does DWARF know a function that the compiler only ever inlined? For the message
 * where no symbol fits: reads whole debug sections and walks them, in a child process. Control
 * thread.
 */
#ifndef WF_INLINED_H
#define WF_INLINED_H

#include <stdbool.h>

#include "image.h"
#include "match.h"

/* The image with .debug_info: the binary or its debug file. False too where that is too large. */
bool wf_inlined_exists(const struct wf_image *image, const struct wf_matcher *matcher);

#endif
