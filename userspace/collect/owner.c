/* SPDX-License-Identifier: Apache-2.0 */
#include "owner.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/str.h"

#define PASSWD_BYTES_MAX  (1 << 20)
#define LINE_BYTES_MAX    4096
#define UID_MAP_BYTES_MAX 65536

/* The uid as the target's user namespace has it; each line of the map is "inside outside count". */
static uint64_t uid_inside(const struct wf_target *target)
{
	wf_auto(wf_freep) char *map = NULL;
	unsigned inside, outside, count;
	char path[64];
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)target->pid);
	if (wf_read_file(path, UID_MAP_BYTES_MAX, &map, &len, NULL) < 0)
		return target->uid;
	for (const char *line = map; line && *line; line = strchr(line, '\n')) {
		line += strspn(line, "\n");
		if (sscanf(line, "%u %u %u", &inside, &outside, &count) == 3 &&
		    target->uid >= outside && target->uid - outside < count)
			return (uint64_t)inside + (target->uid - outside);
	}
	return target->uid;
}

/* Links are followed inside of its root only, and nothing but a file is opened. */
static int open_passwd(const struct wf_target *target)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	wf_auto(wf_closep) int root = open(target->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	wf_auto(wf_closep) int fd = -1;
	struct stat st;
	int taken;

	if (root < 0)
		return -errno;
	fd = (int)syscall(SYS_openat2, root, "etc/passwd", &how, sizeof(how));
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > PASSWD_BYTES_MAX)
		return -EINVAL;
	taken = fd;
	fd = -1;
	return taken;
}

int wf_owner_name(const struct wf_target *target, char *out, size_t size)
{
	char line[LINE_BYTES_MAX];
	struct passwd entry, *found = NULL;
	uint64_t uid = uid_inside(target);
	int fd = open_passwd(target), rc = -ENOENT;
	FILE *file;

	if (fd < 0)
		return fd;
	file = fdopen(fd, "re");
	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	while (rc == -ENOENT && fgetpwent_r(file, &entry, line, sizeof(line), &found) == 0) {
		if (found->pw_uid == uid && strlen(found->pw_name) < size) {
			memcpy(out, found->pw_name, strlen(found->pw_name) + 1);
			rc = 0;
		}
	}
	fclose(file);
	return rc;
}
