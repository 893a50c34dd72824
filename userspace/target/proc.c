/* SPDX-License-Identifier: Apache-2.0 */
#include "proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/str.h"

#define FILE_MAX      65536
#define KERNEL_THREAD 0x00200000U /* PF_KTHREAD in the flags field */
#define PIDS_MAX      (4U << 20)  /* the kernel's PID_MAX_LIMIT */

static int read_proc(pid_t pid, const char *name, char **ret)
{
	char path[64];
	size_t len;
	int rc;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	rc = wf_read_file(path, FILE_MAX, ret, &len, NULL);
	return rc == -ENOENT ? -ESRCH : rc;
}

/* "pid (comm) state ppid ...": comm may hold anything, so the last parenthesis ends it. */
int wf_proc_parse_stat(const char *text, struct wf_proc_stat *ret)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	unsigned long long start;
	size_t len;
	unsigned flags;
	int ppid;

	*ret = (struct wf_proc_stat){0};
	if (!open || !close || close < open || sscanf(text, "%d", &ret->pid) != 1)
		return -EIO;
	len = (size_t)(close - open) - 1;
	if (len >= sizeof(ret->comm))
		len = sizeof(ret->comm) - 1;
	memcpy(ret->comm, open + 1, len);
	/* Behind ppid: pgrp session tty tpgid flags, 4 fault counts, 4 times, priority nice threads
	 * itrealvalue, then the start. */
	if (sscanf(close + 1,
		   " %c %d %*s %*s %*s %*s %u %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
		   &ret->state, &ppid, &flags, &start) != 4)
		return -EIO;
	ret->ppid = ppid;
	ret->kernel_thread = (flags & KERNEL_THREAD) != 0;
	ret->start_time = start;
	return 0;
}

int wf_proc_stat(pid_t pid, struct wf_proc_stat *ret)
{
	wf_auto(wf_freep) char *text = NULL;
	int rc = read_proc(pid, "stat", &text);

	return rc < 0 ? rc : wf_proc_parse_stat(text, ret);
}

/* The value of a line "Key:\tvalue"; the kernel escapes newlines in Name, so no key is forged. */
static const char *line_of(const char *text, const char *key)
{
	size_t len = strlen(key);

	while (text) {
		if (strncmp(text, key, len) == 0 && text[len] == ':')
			return text + len + 1;
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return NULL;
}

static bool first_number(const char *line, unsigned skip, long long *ret)
{
	return line && sscanf(line, skip ? "%*s %lld" : "%lld", ret) == 1;
}

static void parse_inner(const char *line, struct wf_proc_status *ret)
{
	int used, pid;

	while (line && ret->inner_count < WF_PROC_NAMESPACES_MAX &&
	       sscanf(line, "%*[ \t]%d%n", &pid, &used) == 1) {
		ret->inner[ret->inner_count++] = pid;
		line += used;
	}
}

static bool has_word(const char *line, const char *word)
{
	size_t len = strlen(word);
	const char *end = line ? line + strcspn(line, "\n") : NULL;

	while (line && line < end) {
		line += strspn(line, " \t");
		if (strncmp(line, word, len) == 0 && strchr(" \t\n", line[len]))
			return true;
		line += strcspn(line, " \t\n");
		if (*line == '\n')
			break;
	}
	return false;
}

int wf_proc_parse_status(const char *text, struct wf_proc_status *ret)
{
	long long tgid, uid, gid, value;

	*ret = (struct wf_proc_status){0};
	if (!first_number(line_of(text, "Tgid"), 0, &tgid) ||
	    !first_number(line_of(text, "Uid"), 1, &uid) ||
	    !first_number(line_of(text, "Gid"), 1, &gid))
		return -EIO;
	ret->tgid = (pid_t)tgid;
	ret->uid = (uid_t)uid;
	ret->gid = (gid_t)gid;
	if (first_number(line_of(text, "TracerPid"), 0, &value))
		ret->tracer = (pid_t)value;
	if (first_number(line_of(text, "Seccomp"), 0, &value))
		ret->seccomp = value != 0;
	ret->shadow_stack = has_word(line_of(text, "x86_Thread_features"), "shstk");
	parse_inner(line_of(text, "NSpid"), ret);
	return 0;
}

int wf_proc_status(pid_t pid, struct wf_proc_status *ret)
{
	wf_auto(wf_freep) char *text = NULL;
	int rc = read_proc(pid, "status", &text);

	return rc < 0 ? rc : wf_proc_parse_status(text, ret);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int add_pid(pid_t **list, size_t *count, size_t *capacity, pid_t pid)
{
	size_t wanted = *capacity ? *capacity * 2 : 512;
	pid_t *grown;

	if (*count == *capacity) {
		grown = wanted <= PIDS_MAX ? realloc(*list, wanted * sizeof(*grown)) : NULL;
		if (!grown)
			return -ENOMEM;
		*list = grown;
		*capacity = wanted;
	}
	(*list)[(*count)++] = pid;
	return 0;
}

static int by_pid(const void *left, const void *right)
{
	pid_t a = *(const pid_t *)left, b = *(const pid_t *)right;

	return (a > b) - (a < b);
}

int wf_proc_list(pid_t **ret, size_t *ret_count)
{
	wf_auto(wf_freep) pid_t *list = NULL;
	wf_auto(close_dir) DIR *dir = opendir("/proc");
	size_t count = 0, capacity = 0;
	struct dirent *entry;
	uint64_t pid;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    wf_parse_u64(entry->d_name, &pid) < 0 || pid > PIDS_MAX)
			continue;
		if (add_pid(&list, &count, &capacity, (pid_t)pid) < 0)
			return -ENOMEM;
	}
	if (count)
		qsort(list, count, sizeof(*list), by_pid);
	*ret = wf_take(list);
	*ret_count = count;
	return 0;
}

ssize_t wf_proc_link(pid_t pid, const char *name, char *out, size_t size)
{
	char path[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	len = readlink(path, out, size - 1);
	if (len < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	out[len] = '\0';
	return len;
}
