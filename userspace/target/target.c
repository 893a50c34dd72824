/* SPDX-License-Identifier: Apache-2.0 */
#include "target.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "proc.h"
#include "userspace/base/str.h"

#define ARENA_MAX (64U << 20)

static const char deleted_mark[] = " (deleted)";

static bool ends_deleted(const char *path)
{
	size_t len = strlen(path), mark = sizeof(deleted_mark) - 1;

	return len > mark && strcmp(path + len - mark, deleted_mark) == 0;
}

/* The mark may also be part of a name: then the file still has a link. */
static bool is_deleted(const char *path, const char *open_path)
{
	struct stat st;

	return ends_deleted(path) && (stat(open_path, &st) < 0 || st.st_nlink == 0);
}

static const char *without_mark(struct wf_arena *arena, const char *path)
{
	return wf_arena_strndup(arena, path, strlen(path) - (sizeof(deleted_mark) - 1));
}

static int refuse_missing(pid_t pid, struct wf_err *err)
{
	char where[256];

	/* a look at every process, for words that nobody reads */
	if (!err)
		return -ESRCH;
	wf_target_in_other_namespace(pid, where, sizeof(where));
	if (*where)
		return wf_err_set(err, ESRCH, "no process %d here: %s", (int)pid, where);
	return wf_err_set(err, ESRCH, "no process %d; `pgrep -a NAME` lists processes by name",
			  (int)pid);
}

static int refuse_io(pid_t pid, int rc, struct wf_err *err)
{
	if (rc == -ESRCH)
		return wf_err_set(err, ESRCH, "process %d has ended meanwhile", (int)pid);
	if (rc == -EACCES || rc == -EPERM)
		return wf_err_set(err, EACCES,
				  "no permission to look into process %d: run as root, or with the "
				  "capability CAP_SYS_PTRACE",
				  (int)pid);
	return wf_err_set(err, -rc, "cannot read process %d from /proc: %s", (int)pid,
			  strerror(-rc));
}

/* Another wftrace of the same file: two tracers that trace each other never come to rest. */
static bool is_wftrace(pid_t pid)
{
	struct stat own, other;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return strcmp(program_invocation_short_name, "wftrace") == 0 && stat(path, &other) == 0 &&
	       stat("/proc/self/exe", &own) == 0 && own.st_dev == other.st_dev &&
	       own.st_ino == other.st_ino;
}

/* What cannot be traced at all, in words. */
static int check_kind(const struct wf_proc_stat *stat, const struct wf_proc_status *status,
		      struct wf_err *err)
{
	if (status->tgid != stat->pid)
		return wf_err_set(err, ESRCH, "%d is a thread of process %d: use -p %d",
				  (int)stat->pid, (int)status->tgid, (int)status->tgid);
	if (stat->pid == getpid() || is_wftrace(stat->pid))
		return wf_err_set(err, ENOTSUP, "process %d is wftrace: it cannot trace itself",
				  (int)stat->pid);
	if (stat->kernel_thread)
		return wf_err_set(
			err, ENOTSUP,
			"process %d (%s) is a kernel thread: only user-space programs can "
			"be traced",
			(int)stat->pid, stat->comm);
	if (stat->state == 'Z' || stat->state == 'X')
		return wf_err_set(
			err, ESRCH,
			"process %d (%s) has ended and waits for its parent %d (a zombie)",
			(int)stat->pid, stat->comm, (int)stat->ppid);
	return 0;
}

static int read_identity(struct wf_target *target, struct wf_err *err)
{
	struct wf_proc_stat stat;
	struct wf_proc_status status;
	int rc = wf_proc_stat(target->pid, &stat);

	if (rc == -ESRCH)
		return refuse_missing(target->pid, err);
	if (rc == 0)
		rc = wf_proc_status(target->pid, &status);
	if (rc < 0)
		return refuse_io(target->pid, rc, err);
	stat.pid = target->pid;
	rc = check_kind(&stat, &status, err);
	if (rc < 0)
		return rc;
	target->ppid = stat.ppid;
	target->start_time = stat.start_time;
	target->inner_pid = status.inner_count ? status.inner[status.inner_count - 1] : target->pid;
	target->uid = status.uid;
	target->gid = status.gid;
	target->seccomp = status.seccomp;
	target->debugger = status.tracer;
	target->traced_by_debugger = status.tracer != 0;
	target->shadow_stack = status.shadow_stack;
	target->comm = wf_arena_strdup(target->arena, stat.comm);
	target->root = wf_arena_printf(target->arena, "/proc/%d/root", (int)target->pid);
	return target->comm && target->root ? 0 : wf_err_set(err, ENOMEM, "out of memory");
}

/* Class of the executable's ELF header; true also for x32, which has 32-bit pointers. */
static bool is_32bit_file(const char *path)
{
	wf_auto(wf_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned char ident[EI_NIDENT];

	return fd >= 0 && pread(fd, ident, sizeof(ident), 0) == (ssize_t)sizeof(ident) &&
	       memcmp(ident, ELFMAG, SELFMAG) == 0 && ident[EI_CLASS] == ELFCLASS32;
}

static int read_executable(struct wf_target *target, const char *open_path, const char **ret_link,
			   struct wf_err *err)
{
	char link[PATH_MAX + sizeof(deleted_mark)];
	ssize_t len = wf_proc_link(target->pid, "exe", link, sizeof(link));

	if (len < 0)
		return refuse_io(target->pid, (int)len, err);
	*ret_link = target->exe = wf_arena_strdup(target->arena, link);
	target->exe_deleted = is_deleted(link, open_path);
	if (target->exe && target->exe_deleted)
		target->exe = without_mark(target->arena, target->exe);
	if (!target->exe)
		return wf_err_set(err, ENOMEM, "out of memory");
	target->is_32bit = is_32bit_file(open_path);
	if (target->is_32bit)
		return wf_err_set(
			err, ENOTSUP,
			"process %d (%s) is a 32-bit program: only 64-bit programs can be "
			"traced",
			(int)target->pid, target->comm);
	return 0;
}

/*
 * map_files names the mapped file itself, whatever happened to its path, but needs
 * CAP_CHECKPOINT_RESTORE; the path inside the target's root is taken if it is the same file.
 */
static const char *path_to_open(const struct wf_target *target, const struct wf_mapping *mapping)
{
	/* No leading zeros here, unlike in maps. */
	char *direct = wf_arena_printf(target->arena, "/proc/%d/map_files/%llx-%llx",
				       (int)target->pid, (unsigned long long)mapping->start,
				       (unsigned long long)mapping->end);
	char *by_path;
	struct stat st;

	if (!direct || stat(direct, &st) == 0)
		return direct;
	by_path = wf_arena_printf(target->arena, "%s%s", target->root, mapping->path);
	if (by_path && stat(by_path, &st) == 0 && st.st_ino == mapping->inode)
		return by_path;
	return direct;
}

static int finish_mapping(const struct wf_target *target, struct wf_mapping *mapping,
			  const char *exe_link, const char *exe_path)
{
	mapping->executable_file = strcmp(mapping->path, exe_link) == 0;
	mapping->open_path = mapping->executable_file ? exe_path : path_to_open(target, mapping);
	if (!mapping->open_path)
		return -ENOMEM;
	mapping->deleted = is_deleted(mapping->path, mapping->open_path);
	if (mapping->deleted)
		mapping->path = without_mark(target->arena, mapping->path);
	return mapping->path ? 0 : -ENOMEM;
}

static int read_mappings(struct wf_target *target, const char *exe_link, const char *exe_path,
			 struct wf_err *err)
{
	wf_auto(wf_freep) char *text = NULL;
	struct wf_maps maps;
	char path[64];
	size_t len;
	int rc;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)target->pid);
	rc = wf_read_file(path, WF_MAPS_BYTES_MAX, &text, &len, NULL);
	if (rc < 0)
		return refuse_io(target->pid, rc == -ENOENT ? -ESRCH : rc, err);
	rc = wf_maps_parse(text, target->arena, &maps);
	for (size_t i = 0; rc == 0 && i < maps.count; i++)
		rc = finish_mapping(target, &maps.list[i], exe_link, exe_path);
	if (rc < 0)
		return wf_err_set(err, -rc, "out of memory");
	target->mappings = maps.list;
	target->mapping_count = maps.count;
	return 0;
}

int wf_target_open(pid_t pid, struct wf_target **ret, struct wf_err *err)
{
	wf_auto(wf_target_freep) struct wf_target *target = calloc(1, sizeof(*target));
	const char *exe_link = NULL, *exe_path;
	int rc;

	if (pid <= 0)
		return wf_err_set(err, ESRCH, "%d is no process", (int)pid);
	if (!target)
		return wf_err_set(err, ENOMEM, "out of memory");
	target->pid = pid;
	target->arena = wf_arena_new(ARENA_MAX);
	exe_path = target->arena ? wf_arena_printf(target->arena, "/proc/%d/exe", (int)pid) : NULL;
	if (!exe_path)
		return wf_err_set(err, ENOMEM, "out of memory");
	rc = read_identity(target, err);
	if (rc == 0)
		rc = read_executable(target, exe_path, &exe_link, err);
	if (rc == 0)
		rc = read_mappings(target, exe_link, exe_path, err);
	if (rc < 0)
		return rc;
	/* The PID may have been given to another process while we read. */
	if (!wf_target_alive(target))
		return refuse_io(pid, -ESRCH, err);
	*ret = wf_take(target);
	return 0;
}

void wf_target_free(struct wf_target *target)
{
	if (!target)
		return;
	wf_arena_free(target->arena);
	free(target);
}

bool wf_target_alive(const struct wf_target *target)
{
	struct wf_proc_stat stat;

	return wf_proc_stat(target->pid, &stat) == 0 && stat.start_time == target->start_time &&
	       stat.state != 'Z' && stat.state != 'X';
}

static bool name_fits(const char *pattern, const char *path)
{
	const char *name = wf_base_name(path);
	size_t len = strlen(pattern);

	if (strchr(pattern, '/'))
		name = path;
	if (wf_glob_match(pattern, name))
		return true;
	return strncmp(name, pattern, len) == 0 &&
	       (name[len] == '\0' || name[len] == '.' || name[len] == '-');
}

const struct wf_mapping *wf_target_find(const struct wf_target *target, const char *pattern,
					const struct wf_mapping *after)
{
	size_t i = after ? (size_t)(after - target->mappings) + 1 : 0;

	for (; i < target->mapping_count; i++) {
		const struct wf_mapping *mapping = &target->mappings[i];

		if (pattern ? name_fits(pattern, mapping->path) : mapping->executable_file)
			return mapping;
	}
	return NULL;
}
