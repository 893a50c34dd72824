/* SPDX-License-Identifier: Apache-2.0 */
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "userspace/base/str.h"

#define MAPS_BYTES_MAX (64U << 20)
#define REGIONS_MAX    65536

static int failure(void)
{
	if (errno == ESRCH)
		return -ESRCH;
	return errno == EPERM ? -EACCES : -EFAULT;
}

static bool in_user_space(uint64_t address, size_t len)
{
	return len <= WF_MEMORY_TOP && address <= WF_MEMORY_TOP - len;
}

int wf_memory_read(pid_t pid, uint64_t address, void *out, size_t len)
{
	struct iovec here = {.iov_base = out, .iov_len = len};
	struct iovec there = {.iov_base = (void *)(uintptr_t)address, .iov_len = len};
	ssize_t n;

	if (!address || !in_user_space(address, len))
		return -EFAULT;
	n = process_vm_readv(pid, &here, 1, &there, 1, 0);
	if (n < 0)
		return failure();
	return (size_t)n == len ? 0 : -EFAULT;
}

int wf_memory_explain(pid_t pid, int rc, struct wf_err *err)
{
	struct iovec here = {.iov_base = &(uint8_t){0}, .iov_len = 1};
	struct iovec nowhere = {.iov_base = (void *)8, .iov_len = 1};

	if (rc >= 0 || process_vm_readv(pid, &here, 1, &nowhere, 1, 0) >= 0 || errno != ESRCH)
		return rc;
	return wf_err_set(err, ESRCH, "process %d has ended meanwhile", (int)pid);
}

int wf_memory_write(pid_t pid, uint64_t address, const void *bytes, size_t len)
{
	struct iovec here = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
	struct iovec there = {.iov_base = (void *)(uintptr_t)address, .iov_len = len};
	ssize_t n;

	if (!address || !in_user_space(address, len))
		return -EFAULT;
	n = process_vm_writev(pid, &here, 1, &there, 1, 0);
	if (n < 0)
		return failure();
	return (size_t)n == len ? 0 : -EFAULT;
}

int wf_memory_write_code(pid_t pid, uint64_t address, const void *bytes, size_t len)
{
	wf_auto(wf_closep) int fd = -1;
	char path[64];

	if (!address || !in_user_space(address, len))
		return -EFAULT;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -EACCES;
	return pwrite(fd, bytes, len, (off_t)address) == (ssize_t)len ? 0 : -EFAULT;
}

int wf_memory_read_u32(pid_t pid, uint64_t address, uint32_t *ret)
{
	return wf_memory_read(pid, address, ret, sizeof(*ret));
}

int wf_memory_read_u64(pid_t pid, uint64_t address, uint64_t *ret)
{
	return wf_memory_read(pid, address, ret, sizeof(*ret));
}

static bool is_libc(const char *name)
{
	static const char *const prefixes[] = {"libc.so", "libc-2",   "libc.musl",
					       "ld-musl", "ld-linux", "libpthread"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	return false;
}

static int add(struct wf_regions *regions, const struct wf_region *region)
{
	if (regions->count == regions->capacity) {
		size_t capacity = regions->capacity ? regions->capacity * 2 : 64;
		struct wf_region *list;

		if (capacity > REGIONS_MAX)
			return -ENOMEM;
		list = reallocarray(regions->list, capacity, sizeof(*list));
		if (!list)
			return -ENOMEM;
		regions->list = list;
		regions->capacity = capacity;
	}
	regions->list[regions->count++] = *region;
	return 0;
}

static int add_line(struct wf_regions *regions, const char *line)
{
	struct wf_region region = {0};
	unsigned long long start, end;
	char permissions[5];
	int used = 0;
	const char *name;

	if (sscanf(line, "%llx-%llx %4s %*x %*x:%*x %*u%n", &start, &end, permissions, &used) < 3 ||
	    !used || end <= start || permissions[2] != 'x')
		return 0;
	name = wf_base_name(line + used + strspn(line + used, " "));
	snprintf(region.name, sizeof(region.name), "%s", name);
	region.start = start;
	region.end = end;
	region.libc = is_libc(name);
	return add(regions, &region);
}

int wf_regions_read(pid_t pid, struct wf_regions *ret)
{
	wf_auto(wf_freep) char *text = NULL;
	char path[64], *line, *next;
	size_t len;
	int rc;

	*ret = (struct wf_regions){0};
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	rc = wf_read_file(path, MAPS_BYTES_MAX, &text, &len, NULL);
	if (rc < 0)
		return rc == -ENOENT ? -ESRCH : rc;
	for (line = text; rc == 0 && line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		rc = add_line(ret, line);
	}
	if (rc < 0)
		wf_regions_done(ret);
	return rc;
}

void wf_regions_done(struct wf_regions *regions)
{
	free(regions->list);
	*regions = (struct wf_regions){0};
}

const struct wf_region *wf_regions_find(const struct wf_regions *regions, uint64_t address)
{
	size_t low = 0, high = regions->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (address >= regions->list[middle].end)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == regions->count || address < regions->list[low].start)
		return NULL;
	return &regions->list[low];
}
