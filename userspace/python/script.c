/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* In this order; memory first, since it needs no disk. */
static const char *const folders[] = {"/dev/shm", "/tmp", "/run", "/var/tmp"};

static int open_root(pid_t pid)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* A folder of the target, whose links stay inside its root. */
static int open_folder(int root, const char *folder)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};

	return (int)syscall(SYS_openat2, root, folder, &how, sizeof(how));
}

/* Nobody but root and the target's own user may rename or replace files in it. */
static bool is_safe(int dir, uint32_t uid)
{
	struct stat st;

	return fstat(dir, &st) == 0 && (st.st_uid == 0 || st.st_uid == uid) &&
	       (!(st.st_mode & (S_IWGRP | S_IWOTH)) || st.st_mode & S_ISVTX);
}

static int write_file(int dir, const char *name, const char *text, const struct wf_python *python)
{
	wf_auto(wf_closep) int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	size_t len = strlen(text);

	if (fd < 0)
		return -errno;
	if (write(fd, text, len) == (ssize_t)len && fchown(fd, python->uid, python->gid) == 0)
		return 0;
	unlinkat(dir, name, 0);
	return -EIO;
}

int wf_script_create(const struct wf_python *python, const char *name, const char *text,
		     struct wf_script *ret, struct wf_err *err)
{
	wf_auto(wf_closep) int root = open_root(python->pid);

	*ret = (struct wf_script){.dir = -1};
	if (root == -ENOENT || root == -ESRCH)
		return wf_err_set(err, ESRCH, "process %d has ended meanwhile", (int)python->pid);
	if (root < 0)
		return wf_err_set(err, -root, "the root folder of process %d cannot be opened: %s",
				  (int)python->pid, strerror(-root));
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		wf_auto(wf_closep) int dir = open_folder(root, folders[i]);

		if (dir < 0 || !is_safe(dir, python->uid) ||
		    write_file(dir, ret->name, text, python) < 0)
			continue;
		snprintf(ret->path, sizeof(ret->path), "%s/%s", folders[i], ret->name);
		ret->dir = wf_take_fd(&dir);
		return 0;
	}
	return wf_err_set(err, EROFS,
			  "process %d (Python 3.%u) reads a request from a file, and none can be "
			  "made where it sees one: /dev/shm, /tmp, /run and /var/tmp are read-only "
			  "or not there",
			  (int)python->pid, python->minor);
}

/* As we make them. Whatever it is, only the target's own user can have put it there. */
static bool is_script(int dir, const char *name, uint32_t uid)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       st.st_uid == uid && st.st_nlink == 1 && st.st_size < WF_SCRIPT_BYTES_MAX;
}

bool wf_script_find(const struct wf_python *python, const char *name, struct wf_script *ret)
{
	wf_auto(wf_closep) int root = open_root(python->pid);

	*ret = (struct wf_script){.dir = -1};
	for (size_t i = 0; root >= 0 && i < sizeof(folders) / sizeof(folders[0]); i++) {
		wf_auto(wf_closep) int dir = open_folder(root, folders[i]);

		if (dir < 0 || !is_safe(dir, python->uid) || !is_script(dir, name, python->uid))
			continue;
		snprintf(ret->name, sizeof(ret->name), "%s", name);
		snprintf(ret->path, sizeof(ret->path), "%s/%s", folders[i], ret->name);
		ret->dir = wf_take_fd(&dir);
		return true;
	}
	return false;
}

void wf_script_done(struct wf_script *script)
{
	if (script->dir < 0)
		return;
	unlinkat(script->dir, script->name, 0);
	close(wf_take_fd(&script->dir));
}
