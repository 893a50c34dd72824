/* SPDX-License-Identifier: Apache-2.0 */
#include "candidate.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "userspace/base/str.h"

static struct wf_candidate *candidate_find(struct wf_candidates *candidates,
					   const struct wf_mapping *mapping)
{
	for (uint32_t i = 0; i < candidates->count; i++) {
		if (candidates->items[i].device == mapping->device &&
		    candidates->items[i].inode == mapping->inode)
			return &candidates->items[i];
	}
	return NULL;
}

static int candidate_add(struct wf_candidates *candidates, struct wf_candidate candidate,
			 struct wf_err *err)
{
	if (candidates->count >= WF_CANDIDATES_MAX)
		return wf_err_set(err, E2BIG, "the processes map more than %d files",
				  WF_CANDIDATES_MAX);
	if (candidates->count == candidates->capacity) {
		uint32_t capacity = candidates->capacity ? 2 * candidates->capacity : 16;
		void *items = reallocarray(candidates->items, capacity, sizeof(*candidates->items));

		if (!items)
			return wf_err_set(err, ENOMEM, "out of memory");
		candidates->items = items;
		candidates->capacity = capacity;
	}
	candidate.base = wf_base_name(candidate.shown);
	candidates->items[candidates->count++] = candidate;
	return 0;
}

/* A part that is moved in one process is refused for all. */
static void note_moved(struct wf_candidate *candidate, const struct wf_mapping *mapping)
{
	if (!mapping->remapped_bytes)
		return;
	candidate->moved_offset = mapping->remapped_offset;
	candidate->moved_bytes = mapping->remapped_bytes;
}

/* The agent that wftrace itself has left in a Python process: its sites are no functions of
 * anybody. */
static bool is_agent(const struct wf_mapping *mapping)
{
	return strcmp(mapping->path, "/memfd:wftrace") == 0;
}

/* What one target maps: its executable in the first round, the rest in the second. */
static int add_target(struct wf_candidates *candidates, const struct wf_target *target,
		      bool executable, struct wf_err *err)
{
	for (size_t i = 0; i < target->mapping_count; i++) {
		const struct wf_mapping *mapping = &target->mappings[i];
		struct wf_candidate *known = candidate_find(candidates, mapping);
		int rc;

		if (known)
			note_moved(known, mapping);
		if (mapping->executable_file != executable || known || is_agent(mapping))
			continue;
		rc = candidate_add(candidates,
				   (struct wf_candidate){.target = target,
							 .open_path = mapping->open_path,
							 .shown = mapping->path,
							 .device = mapping->device,
							 .inode = mapping->inode,
							 .executable = executable},
				   err);
		if (rc < 0)
			return rc;
		note_moved(&candidates->items[candidates->count - 1], mapping);
	}
	return 0;
}

/* A folder that is misspelt would just find nothing. */
static int take_debug_dir(struct wf_candidates *candidates, const char *debug_dir,
			  struct wf_err *err)
{
	struct stat st;

	candidates->debug_dir = debug_dir;
	if (!debug_dir)
		return 0;
	if (stat(debug_dir, &st) < 0)
		return wf_err_set(err, EIO, "--debug-dir %s: %s", debug_dir, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return wf_err_set(err, EIO, "--debug-dir %s: this is no folder", debug_dir);
	return 0;
}

int wf_candidates_from_targets(struct wf_candidates *candidates, struct wf_target *const *targets,
			       uint32_t count, const char *debug_dir, struct wf_err *err)
{
	int rc = take_debug_dir(candidates, debug_dir, err);

	for (uint32_t i = 0; i < 2 * count && rc >= 0; i++)
		rc = add_target(candidates, targets[i % count], i < count, err);
	return rc;
}

int wf_candidates_from_file(struct wf_candidates *candidates, const char *path,
			    const char *debug_dir, struct wf_err *err)
{
	struct wf_candidate file = {.open_path = path, .shown = path, .executable = true};
	struct stat st;
	int rc = take_debug_dir(candidates, debug_dir, err);

	if (rc < 0)
		return rc;
	/* a process that maps it shows the same inode, but on some file systems another device */
	if (stat(path, &st) == 0)
		file.inode = st.st_ino;
	return candidate_add(candidates, file, err);
}

void wf_candidates_done(struct wf_candidates *candidates)
{
	for (uint32_t i = 0; i < candidates->count; i++)
		wf_binary_free(candidates->items[i].elf);
	free(candidates->items);
	*candidates = (struct wf_candidates){0};
}

/* Only 64-bit code of this machine can be probed. */
static bool is_ours(const struct wf_binary *elf, const char *shown, struct wf_err *err)
{
	if (!wf_binary_is_64(elf)) {
		wf_err_set(err, EINVAL, "'%s' is a 32-bit file: only 64-bit code can be traced",
			   shown);
		return false;
	}
	if (wf_binary_machine(elf) != EM_X86_64) {
		wf_err_set(err, EINVAL,
			   "'%s' is for another machine: only x86-64 code can be traced", shown);
		return false;
	}
	return true;
}

struct wf_binary *wf_candidate_open(struct wf_candidates *candidates, uint32_t index)
{
	struct wf_candidate *candidate = &candidates->items[index];
	struct wf_binary_options options = {
		.debug_dir = candidates->debug_dir,
		.root = candidate->target ? candidate->target->root : NULL,
	};

	if (candidate->elf || candidate->open_error.code)
		return candidate->elf;
	if (wf_binary_open(candidate->open_path, candidate->shown, &options, &candidate->elf,
			   &candidate->open_error) < 0) {
		if (!candidate->open_error.code)
			candidate->open_error.code = EINVAL;
	} else if (!is_ours(candidate->elf, candidate->shown, &candidate->open_error)) {
		wf_binary_free(wf_take(candidate->elf));
	}
	return candidate->elf;
}

/* A raw name, as most rules are: no pattern, nothing to demangle. */
static bool has_name(const struct wf_symbol *symbols, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(symbols[i].name, name))
			return true;
	}
	return false;
}

bool wf_candidate_has_function(struct wf_candidates *candidates, uint32_t index,
			       const char *pattern)
{
	struct wf_binary *elf = wf_candidate_open(candidates, index);
	const struct wf_symbol *symbols;
	size_t count = 0;
	int rc = elf ? wf_binary_symbols(elf, &symbols, &count, NULL) : 0;

	if (rc == 0 && count && has_name(symbols, count, pattern))
		return true;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = wf_binary_matches(elf, &symbols[i], pattern);
	if (rc == -ENOMEM)
		wf_err_set(&candidates->items[index].open_error, ENOMEM, "out of memory");
	return rc > 0;
}

bool wf_candidate_has_probe(struct wf_candidates *candidates, uint32_t index, const char *provider,
			    const char *name)
{
	struct wf_binary *elf = wf_candidate_open(candidates, index);
	const struct wf_usdt *probes;
	size_t count;

	if (!elf || wf_binary_usdt(elf, &probes, &count, NULL) < 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (wf_glob_match(provider, probes[i].provider) &&
		    wf_glob_match(name, probes[i].name))
			return true;
	}
	return false;
}
