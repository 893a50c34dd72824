/* SPDX-License-Identifier: Apache-2.0 */
#include "headroom.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/str.h"

#define V2_ROOT         "/sys/fs/cgroup"
#define V1_ROOT         "/sys/fs/cgroup/memory"
#define CGROUP_MAX      65536
#define LIMIT_BYTES_MAX 64
#define PAGE_BYTES      4096
#define TIMES_FREE      4            /* how often the private pages must fit */
#define NO_LIMIT        (1ULL << 60) /* version 1 says "none" as a number near 2^63 */

/* Targets that share one memory cgroup. */
struct group {
	char folder[PATH_MAX];
	uint64_t limit, pages;
	uint32_t targets;
	pid_t first;
};

bool wf_headroom_folder(const char *cgroup, char *out, size_t size, bool *ret_v1)
{
	const char *v1 = strstr(cgroup, ":memory:"), *path = v1 ? v1 + 8 : NULL;
	int len;

	if (!path && strncmp(cgroup, "0::", 3) == 0)
		path = cgroup + 3;
	if (!path || *path != '/')
		return false;
	*ret_v1 = v1 != NULL;
	len = snprintf(out, size, "%s%.*s", v1 ? V1_ROOT : V2_ROOT, (int)strcspn(path, "\n"), path);
	/* "/.." leads out of our own cgroup namespace */
	return len > 0 && (size_t)len < size && !strstr(out, "/..");
}

static uint64_t read_limit(const char *folder, bool v1)
{
	wf_auto(wf_freep) char *text = NULL;
	char path[PATH_MAX + 32];
	uint64_t limit;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", folder, v1 ? "memory.limit_in_bytes" : "memory.max");
	if (wf_read_file(path, LIMIT_BYTES_MAX, &text, &len, NULL) < 0)
		return NO_LIMIT;
	text[strcspn(text, "\n")] = '\0';
	return wf_parse_u64(text, &limit) < 0 || limit > NO_LIMIT ? NO_LIMIT : limit;
}

/* The least limit of a cgroup and of those that it lies in. */
static uint64_t least_limit(const char *folder, bool v1)
{
	size_t root = strlen(v1 ? V1_ROOT : V2_ROOT);
	uint64_t least = NO_LIMIT, limit;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", folder);
	while (strlen(path) > root) {
		limit = read_limit(path, v1);
		least = limit < least ? limit : least;
		*strrchr(path, '/') = '\0';
	}
	return least;
}

/* Pages of text that a plan's probes touch in this process. */
static uint64_t touched_pages(const struct wf_wave *wave, const struct wf_plan *plan,
			      const struct wf_target *target)
{
	uint64_t pages = 0;

	for (uint32_t f = 0; plan && f < plan->file_count; f++) {
		const struct wf_plan_file *file = &plan->files[f];
		const struct wf_candidate *candidate = wf_wave_candidate(wave, file->elf);
		uint64_t last = UINT64_MAX;
		bool mapped = false;

		for (size_t i = 0; candidate && i < target->mapping_count; i++)
			mapped |= target->mappings[i].device == candidate->device &&
				  target->mappings[i].inode == candidate->inode;
		for (uint32_t i = 0; mapped && i < file->site_count; i++) {
			pages += file->sites[i].offset / PAGE_BYTES != last;
			last = file->sites[i].offset / PAGE_BYTES;
		}
	}
	return pages;
}

static bool find_folder(const struct wf_target *target, char *out, size_t size, bool *ret_v1)
{
	wf_auto(wf_freep) char *text = NULL;
	char path[64];
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)target->pid);
	return wf_read_file(path, CGROUP_MAX, &text, &len, NULL) == 0 &&
	       wf_headroom_folder(text, out, size, ret_v1);
}

static struct group *find_group(struct group *groups, uint32_t *count, const char *folder, bool v1)
{
	struct group *group = groups;

	for (; group < groups + *count; group++)
		if (strcmp(group->folder, folder) == 0)
			return group;
	memset(group, 0, sizeof(*group));
	snprintf(group->folder, sizeof(group->folder), "%s", folder);
	group->limit = least_limit(folder, v1);
	++*count;
	return group;
}

static int check_group(const struct group *group, struct wf_err *err)
{
	uint64_t bytes = group->pages * PAGE_BYTES;

	if (group->limit == NO_LIMIT || bytes <= group->limit / TIMES_FREE)
		return 0;
	return wf_err_set(
		err, ENOSPC,
		"process %d: the probes make %llu KiB of text private in %u process%s, and its "
		"cgroup '%s' may use %llu KiB, less than four times that; choose fewer "
		"functions or raise the limit",
		(int)group->first, (unsigned long long)bytes / 1024, group->targets,
		group->targets == 1 ? "" : "es", group->folder,
		(unsigned long long)group->limit / 1024);
}

int wf_headroom_check(const struct wf_wave *wave, struct wf_target *const *targets, uint32_t count,
		      struct wf_err *err)
{
	wf_auto(wf_freep) struct group *groups = calloc(count + 1, sizeof(*groups));
	uint32_t group_count = 0;
	char folder[PATH_MAX];
	int rc = 0;
	bool v1;

	if (!groups)
		return wf_err_set(err, ENOMEM, "out of memory");
	for (uint32_t i = 0; i < count; i++) {
		struct group *group;

		if (!find_folder(targets[i], folder, sizeof(folder), &v1))
			continue;
		group = find_group(groups, &group_count, folder, v1);
		group->pages += touched_pages(wave, wave->plan, targets[i]) +
				touched_pages(wave, wave->hooks, targets[i]);
		group->first = group->targets++ ? group->first : targets[i]->pid;
	}
	for (uint32_t i = 0; i < group_count && rc == 0; i++)
		rc = check_group(&groups[i], err);
	return rc;
}
