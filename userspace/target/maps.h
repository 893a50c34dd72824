/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maps.h - /proc/PID/maps: one entry per file that is mapped executable. Control thread; parsing
 * is pure.
 */
#ifndef WF_MAPS_H
#define WF_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/base/arena.h"

#define WF_MAPS_BYTES_MAX (64U << 20) /* 65530 mappings, the kernel's default limit, are 8 MB */
#define WF_MAPS_FILES_MAX 4096

/* One executable mapping's file. */
struct wf_mapping {
	const char *path;      /* as in maps, without " (deleted)" and with real newlines */
	const char *open_path; /* /proc/PID/map_files/..., or /proc/PID/exe */
	uint64_t start, end, offset;
	uint64_t device, inode;
	bool deleted;
	bool executable_file; /* it is the process's own executable */
	/*
	 * Part of its text lies in anonymous memory (huge pages), where probes do not fire: this
	 * range of the file. 0 bytes = none.
	 */
	uint64_t remapped_offset, remapped_bytes;
};

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
