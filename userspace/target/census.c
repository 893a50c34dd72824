/* SPDX-License-Identifier: Apache-2.0 */
/* The part of target.h that looks at all processes. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "maps.h"
#include "proc.h"
#include "target.h"
#include "userspace/base/str.h"

#define SHOWN_MAX 3

/* True where the process belongs to the answer. */
typedef bool (*test_function)(pid_t pid, const void *what);

/* All PIDs that pass, in the place of the full list. */
static int select_pids(test_function test, const void *what, pid_t **ret, size_t *ret_count)
{
	pid_t *list = NULL;
	size_t count = 0, kept = 0;
	int rc = wf_proc_list(&list, &count);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count; i++) {
		if (test(list[i], what))
			list[kept++] = list[i];
	}
	*ret = list;
	*ret_count = kept;
	return 0;
}

static int census_error(int rc, struct wf_err *err)
{
	return rc < 0 ? wf_err_set(err, -rc, "cannot list processes: %s", strerror(-rc)) : 0;
}

static bool has_inner_pid(pid_t pid, const void *what)
{
	pid_t wanted = *(const pid_t *)what;
	struct wf_proc_status status;

	if (wf_proc_status(pid, &status) < 0)
		return false;
	for (size_t i = 1; i < status.inner_count; i++) {
		if (status.inner[i] == wanted)
			return true;
	}
	return false;
}

void wf_target_in_other_namespace(pid_t pid, char *out, size_t size)
{
	wf_auto(wf_freep) pid_t *list = NULL;
	size_t count = 0, len = 0;
	struct wf_proc_stat stat;

	if (size)
		*out = '\0';
	if (select_pids(has_inner_pid, &pid, &list, &count) < 0)
		return;
	for (size_t i = 0; i < count && i < SHOWN_MAX && len < size; i++) {
		bool known = wf_proc_stat(list[i], &stat) == 0;
		int n = snprintf(out + len, size - len, "%s-p %d (%s)",
				 i ? ", or " : "inside a container it is another one, use ",
				 (int)list[i], known ? stat.comm : "ended");

		len += n > 0 ? (size_t)n : 0;
	}
}

struct family {
	pid_t *pids, *parents;
	bool *member;
	size_t count;
};

static int by_pid(const void *left, const void *right)
{
	pid_t a = *(const pid_t *)left, b = *(const pid_t *)right;

	return (a > b) - (a < b);
}

static bool is_member(const struct family *family, pid_t pid)
{
	const pid_t *found = bsearch(&pid, family->pids, family->count, sizeof(pid), by_pid);

	return found && family->member[found - family->pids];
}

/* One round: children of members join. A parent may have a higher PID, hence the rounds. */
static bool grow(struct family *family, pid_t root)
{
	bool grown = false;

	for (size_t i = 0; i < family->count; i++) {
		if (family->member[i] || family->pids[i] == root)
			continue;
		family->member[i] =
			family->parents[i] == root || is_member(family, family->parents[i]);
		grown |= family->member[i];
	}
	return grown;
}

int wf_target_children(pid_t pid, pid_t **ret, size_t *ret_count, struct wf_err *err)
{
	wf_auto(wf_freep) pid_t *list = NULL;
	wf_auto(wf_freep) pid_t *parents = NULL;
	wf_auto(wf_freep) bool *member = NULL;
	size_t count = 0, kept = 0;
	struct wf_proc_stat stat;
	struct family family;
	int rc = census_error(wf_proc_list(&list, &count), err);

	if (rc < 0)
		return rc;
	parents = calloc(count + 1, sizeof(*parents));
	member = calloc(count + 1, sizeof(*member));
	if (!parents || !member)
		return wf_err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		if (wf_proc_stat(list[i], &stat) == 0)
			parents[i] = stat.ppid;
	}
	family = (struct family){list, parents, member, count};
	while (grow(&family, pid))
		;
	for (size_t i = 0; i < count; i++) {
		if (member[i])
			list[kept++] = list[i];
	}
	*ret = wf_take(list);
	*ret_count = kept;
	return 0;
}

static bool has_name(pid_t pid, const void *what)
{
	const char *name = what, *base;
	struct wf_proc_stat stat;
	char link[PATH_MAX];

	if (pid == getpid() || wf_proc_stat(pid, &stat) < 0 || stat.kernel_thread ||
	    stat.state == 'Z' || stat.state == 'X')
		return false;
	if (strcmp(stat.comm, name) == 0)
		return true;
	if (wf_proc_link(pid, "exe", link, sizeof(link)) < 0)
		return false;
	base = wf_base_name(link);
	return strncmp(base, name, strlen(name)) == 0 &&
	       (base[strlen(name)] == '\0' || strcmp(base + strlen(name), " (deleted)") == 0);
}

int wf_target_by_name(const char *name, pid_t **ret, size_t *ret_count, struct wf_err *err)
{
	wf_auto(wf_freep) pid_t *list = NULL;
	size_t count = 0;
	int rc = census_error(select_pids(has_name, name, &list, &count), err);

	if (rc < 0)
		return rc;
	if (!count)
		return wf_err_set(err, ESRCH,
				  "no process is named '%s' (neither its name nor its executable)",
				  name);
	*ret = wf_take(list);
	*ret_count = count;
	return 0;
}

struct file_key {
	uint64_t device, inode;
};

static bool maps_file(pid_t pid, const void *what)
{
	wf_auto(wf_freep) char *text = NULL;
	const struct file_key *key = what;
	char path[64];
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	return wf_read_file(path, WF_MAPS_BYTES_MAX, &text, &len, NULL) == 0 &&
	       wf_maps_hold(text, key->device, key->inode);
}

int wf_target_mappers(uint64_t device, uint64_t inode, pid_t **ret, size_t *ret_count,
		      struct wf_err *err)
{
	struct file_key key = {device, inode};

	return census_error(select_pids(maps_file, &key, ret, ret_count), err);
}
