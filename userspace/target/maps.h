/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maps.h - /proc/PID/maps: one entry per file that is mapped executable. Control thread; parsing
 * is pure.
 */
#ifndef WF_MAPS_H
#define WF_MAPS_H

#include "target.h"
#include "userspace/base/arena.h"

#define WF_MAPS_BYTES_MAX (64U << 20) /* 65530 mappings, the kernel's default limit, are 8 MB */
#define WF_MAPS_FILES_MAX 4096

struct wf_maps {
	struct wf_mapping *list;
	size_t count, capacity;
	struct wf_arena *arena;
};

/*
 * Parse the text (it is changed). Paths keep their " (deleted)"; open_path, deleted and
 * executable_file are for the caller to set. -ENOMEM.
 */
int wf_maps_parse(char *text, struct wf_arena *arena, struct wf_maps *ret);
/* Does the text (it is changed) map this file executable? */
bool wf_maps_hold(char *text, uint64_t device, uint64_t inode);

#endif
