/* SPDX-License-Identifier: Apache-2.0 */
/*
 * candidate.h - the files that the targets map, each once, opened when somebody needs them.
 *
 * Owns the opened ELF files; targets are borrowed and must outlive it. Control thread only.
 */
#ifndef WF_CANDIDATE_H
#define WF_CANDIDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "binary.h"
#include "target.h"

#define WF_CANDIDATES_MAX 4096

struct wf_candidate {
	const struct wf_target *target; /* the first one that maps it; NULL = a file by path */
	const char *open_path, *shown;
	const char *base; /* file name without directories */
	uint64_t device, inode;
	bool executable;                    /* of at least one target */
	uint64_t moved_offset, moved_bytes; /* its text that one target runs from other memory */

	struct wf_binary *elf;    /* NULL = not opened yet, or cannot be */
	struct wf_err open_error; /* why it cannot be opened */
};

struct wf_candidates {
	struct wf_candidate *items; /* executables first, then in the order they are mapped */
	uint32_t count, capacity;
	const char *debug_dir;
};

/* Files of the targets; debug_dir may be NULL and is borrowed. -E2BIG past the maximum. */
int wf_candidates_from_targets(struct wf_candidates *candidates, struct wf_target *const *targets,
			       uint32_t count, const char *debug_dir, struct wf_err *err);
/* One file, as the executable. path is borrowed. */
int wf_candidates_from_file(struct wf_candidates *candidates, const char *path,
			    const char *debug_dir, struct wf_err *err);
/* A zeroed one is fine. */
void wf_candidates_done(struct wf_candidates *candidates);

/* The opened file, or NULL: then open_error says why. Tried once. */
struct wf_binary *wf_candidate_open(struct wf_candidates *candidates, uint32_t index);

/* Does the file have a symbol or probe that fits? False where it cannot be read. */
bool wf_candidate_has_function(struct wf_candidates *candidates, uint32_t index,
			       const char *pattern);
bool wf_candidate_has_probe(struct wf_candidates *candidates, uint32_t index, const char *provider,
			    const char *name);

#endif
