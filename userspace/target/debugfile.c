/* SPDX-License-Identifier: Apache-2.0 */
#include "debugfile.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <zlib.h>

#define SYSTEM_DIR    "/usr/lib/debug"
#define LINK_MAX      1024
#define CRC_CHUNK     65536
#define CRC_BYTES_MAX (4ULL << 30)
#define OPEN_FLAGS    (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

struct link {
	char name[LINK_MAX]; /* "" = none */
	uint32_t crc;
};

struct finder {
	const struct wf_debugfile_search *search;
	struct link link;
	char dir[PATH_MAX]; /* of the binary, as the target sees it */
	const char *base;   /* its last part */
};

/* Links of the target must not lead out of its root: the kernel resolves them inside. */
static int open_in_root(const char *root, const char *path)
{
	struct open_how how = {.flags = OPEN_FLAGS,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	wf_auto(wf_closep) int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return -1;
	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

static bool crc_of(int fd, uint32_t *ret)
{
	wf_auto(wf_freep) unsigned char *chunk = malloc(CRC_CHUNK);
	uint64_t at = 0;
	uLong crc = crc32(0, NULL, 0);
	ssize_t n;

	if (!chunk)
		return false;
	while (at < CRC_BYTES_MAX && (n = pread(fd, chunk, CRC_CHUNK, (off_t)at)) > 0) {
		crc = crc32(crc, chunk, (uInt)n);
		at += (uint64_t)n;
	}
	*ret = (uint32_t)crc;
	return n == 0;
}

static bool fits(const struct finder *finder, const struct wf_image *found)
{
	const struct wf_image *image = finder->search->image;
	uint32_t crc;

	if (found->machine != image->machine || found->is_64 != image->is_64)
		return false;
	if (image->build_id[0])
		return strcmp(image->build_id, found->build_id) == 0;
	return finder->link.name[0] && crc_of(found->fd, &crc) && crc == finder->link.crc;
}

static int try_fd(const struct finder *finder, int fd, struct wf_image **ret)
{
	wf_auto(wf_image_freep) struct wf_image *found = NULL;

	if (fd < 0 || wf_image_open_fd(fd, "debug file", &found, NULL) < 0 || !fits(finder, found))
		return -ENOENT;
	*ret = wf_take(found);
	return 0;
}

/* A path on the host and, where the target has another root, there. */
static int try_both(const struct finder *finder, const char *path, struct wf_image **ret)
{
	if (finder->search->root &&
	    try_fd(finder, open_in_root(finder->search->root, path), ret) == 0)
		return 0;
	return try_fd(finder, open(path, OPEN_FLAGS), ret);
}

static int try_build_id(const struct finder *finder, const char *dir, bool both,
			struct wf_image **ret)
{
	const char *id = finder->search->image->build_id;
	char path[PATH_MAX];
	int n;

	if (strlen(id) < 4)
		return -ENOENT;
	n = snprintf(path, sizeof(path), "%s/.build-id/%.2s/%s.debug", dir, id, id + 2);
	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENOENT;
	return both ? try_both(finder, path, ret) : try_fd(finder, open(path, OPEN_FLAGS), ret);
}

static int try_name(const struct finder *finder, const char *dir, const char *name,
		    const char *ending, struct wf_image **ret)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s%s", dir, name, ending);

	if (!*name || n < 0 || (size_t)n >= sizeof(path))
		return -ENOENT;
	return try_fd(finder, open(path, OPEN_FLAGS), ret);
}

static int try_user_dir(const struct finder *finder, struct wf_image **ret)
{
	const char *dir = finder->search->debug_dir;

	if (!dir)
		return -ENOENT;
	if (try_build_id(finder, dir, false, ret) == 0 ||
	    try_name(finder, dir, finder->search->image->build_id, ".debug", ret) == 0 ||
	    try_name(finder, dir, finder->link.name, "", ret) == 0 ||
	    try_name(finder, dir, finder->base, ".debug", ret) == 0 ||
	    try_name(finder, dir, finder->base, "", ret) == 0)
		return 0;
	return -ENOENT;
}

static int try_beside(const struct finder *finder, const char *above, const char *below,
		      struct wf_image **ret)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s%s%s/%s", above, finder->dir, below,
			 finder->link.name);

	return n > 0 && (size_t)n < sizeof(path) ? try_both(finder, path, ret) : -ENOENT;
}

static int try_link(const struct finder *finder, struct wf_image **ret)
{
	if (!finder->link.name[0])
		return -ENOENT;
	if (try_beside(finder, "", "", ret) == 0 || try_beside(finder, "", "/.debug", ret) == 0 ||
	    try_beside(finder, SYSTEM_DIR, "", ret) == 0)
		return 0;
	return -ENOENT;
}

/* .gnu_debuglink: a file name, padding to 4 bytes, the file's CRC-32. */
static void read_link(const struct wf_image *image, struct link *link)
{
	wf_auto(wf_freep) char *bytes = NULL;
	GElf_Shdr shdr;
	size_t len, at;

	link->name[0] = '\0';
	if (!wf_image_section(image, ".gnu_debuglink", 0, &shdr) ||
	    wf_image_read_section(image, &shdr, LINK_MAX, &bytes) < 0)
		return;
	len = strnlen(bytes, shdr.sh_size);
	at = (len + 4) & ~(size_t)3;
	if (!len || len >= LINK_MAX || at + 4 > shdr.sh_size || memchr(bytes, '/', len))
		return;
	memcpy(link->name, bytes, len + 1);
	memcpy(&link->crc, bytes + at, sizeof(link->crc));
}

static void set_up(struct finder *finder, const struct wf_debugfile_search *search)
{
	const char *slash = strrchr(search->shown, '/');
	size_t len = slash ? (size_t)(slash - search->shown) : 0;

	*finder = (struct finder){.search = search};
	finder->base = slash ? slash + 1 : search->shown;
	if (len < sizeof(finder->dir))
		memcpy(finder->dir, search->shown, len);
	read_link(search->image, &finder->link);
}

int wf_debugfile_find(const struct wf_debugfile_search *search, struct wf_image **ret)
{
	struct finder finder;

	set_up(&finder, search);
	if (try_user_dir(&finder, ret) == 0 || try_build_id(&finder, SYSTEM_DIR, true, ret) == 0 ||
	    try_link(&finder, ret) == 0)
		return 0;
	return -ENOENT;
}

/* As in <elfutils/debuginfod.h>, which is in a package that the build does not need. */
typedef void *(*begin_function)(void);
typedef int (*find_function)(void *client, const unsigned char *build_id, int len, char **ret_path);
typedef void (*end_function)(void *client);

static int ask_servers(void *library, const char *build_id)
{
	begin_function begin = (begin_function)(uintptr_t)dlsym(library, "debuginfod_begin");
	find_function find = (find_function)(uintptr_t)dlsym(library, "debuginfod_find_debuginfo");
	end_function end = (end_function)(uintptr_t)dlsym(library, "debuginfod_end");
	void *client = begin && find && end ? begin() : NULL;
	int fd;

	if (!client)
		return -ELIBACC;
	fd = find(client, (const unsigned char *)build_id, 0, NULL); /* 0: it is hexadecimal */
	end(client);
	return fd < 0 ? -ENOENT : fd;
}

int wf_debugfile_fetch(const struct wf_debugfile_search *search, struct wf_image **ret)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	struct finder finder;
	void *library;
	int fd;

	if (!urls || !*urls || !search->image->build_id[0])
		return -ENOTSUP;
	/* It stays: its own exit functions would run under libcurl's feet. */
	library = dlopen("libdebuginfod.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!library)
		return -ELIBACC;
	fd = ask_servers(library, search->image->build_id);
	dlclose(library);
	if (fd < 0)
		return fd;
	set_up(&finder, search);
	return try_fd(&finder, fd, ret);
}
