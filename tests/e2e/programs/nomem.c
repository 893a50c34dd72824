/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To be preloaded: the first allocation of the n-th place fails (NOMEM_AT=n), and with NOMEM_ALL=1
 * every later one, too. A place is a chain of callers, so that a sweep over n meets all code and
 * not every turn of every loop. At the end their number goes to the file NOMEM_COUNT. glibc.
 */
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CALLERS    6
#define PLACES_MAX 65536

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static _Atomic uint64_t places[PLACES_MAX];
static atomic_long place_count;
static atomic_int failed;
static _Thread_local int inside;
static long fail_at;
static int fail_all;
static pid_t owner;

static long number(const char *name)
{
	const char *text = getenv(name);

	return text ? strtol(text, NULL, 10) : 0;
}

/* After the constructors of the libraries: what those do without memory is their own affair. */
__attribute__((constructor)) static void begin(void)
{
	void *callers[1];

	(void)backtrace(callers, 1); /* allocates at its first use */
	fail_all = number("NOMEM_ALL") != 0;
	fail_at = number("NOMEM_AT");
	owner = getpid();
}

static uint64_t caller_hash(void)
{
	void *callers[CALLERS];
	uint64_t hash = 1469598103934665603u;
	int count = backtrace(callers, CALLERS);

	for (int i = 0; i < count; i++)
		hash = (hash ^ (uintptr_t)callers[i]) * 1099511628211u;
	return hash ? hash : 1;
}

/* The number of a place that was not seen before, 0 else. */
static long new_place(void)
{
	uint64_t hash = caller_hash();

	for (uint32_t i = 0; i < PLACES_MAX; i++) {
		_Atomic uint64_t *place = &places[(hash + i) % PLACES_MAX];
		uint64_t seen = 0;

		if (atomic_compare_exchange_strong(place, &seen, hash))
			return atomic_fetch_add(&place_count, 1) + 1;
		if (seen == hash)
			return 0;
	}
	return 0;
}

/* Children of the process do as they please. */
static int fails(void)
{
	int fail;

	if (!owner || inside || getpid() != owner)
		return 0;
	inside = 1;
	fail = (fail_all && atomic_load(&failed)) || (new_place() == fail_at && fail_at);
	inside = 0;
	if (!fail)
		return 0;
	atomic_store(&failed, 1);
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, bytes);
}

void *memalign(size_t alignment, size_t size)
{
	return fails() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size)
{
	*ret = memalign(alignment, size);
	return *ret ? 0 : ENOMEM;
}

__attribute__((destructor)) static void report(void)
{
	const char *path = getenv("NOMEM_COUNT");
	char text[32];
	int fd, len;

	if (!path || getpid() != owner)
		return;
	len = snprintf(text, sizeof(text), "%ld\n", atomic_load(&place_count));
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, (size_t)len) != len)
		_exit(99);
	close(fd);
}
