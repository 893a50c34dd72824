/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle: hooks of -finstrument-functions append every entry and exit to the file that
 * WF_ORACLE names. gcc runs the exit hook while an exception unwinds, too. C and C++.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define HOOK __attribute__((no_instrument_function, noinline))

struct oracle_record {
	uint64_t time_ns;
	uint64_t function; /* address as linked */
	uint32_t pid, tid;
	uint64_t entry; /* 1 entry, 0 exit */
};

extern char __executable_start[];
static int oracle_fd = -1;

HOOK __attribute__((constructor)) static void oracle_open(void)
{
	const char *path = getenv("WF_ORACLE");

	if (path)
		oracle_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

HOOK static void oracle_write(void *function, uint64_t entry)
{
	struct oracle_record record;
	struct timespec now;

	if (oracle_fd < 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	record.time_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	record.function = (uint64_t)((char *)function - __executable_start);
	record.pid = (uint32_t)syscall(SYS_getpid);
	record.tid = (uint32_t)syscall(SYS_gettid);
	record.entry = entry;
	if (write(oracle_fd, &record, sizeof(record)) != (ssize_t)sizeof(record))
		_exit(99);
}

#ifdef __cplusplus
extern "C" {
#endif
HOOK void __cyg_profile_func_enter(void *function, void *site);
HOOK void __cyg_profile_func_exit(void *function, void *site);

HOOK void __cyg_profile_func_enter(void *function, void *site)
{
	(void)site;
	oracle_write(function, 1);
}

HOOK void __cyg_profile_func_exit(void *function, void *site)
{
	(void)site;
	oracle_write(function, 0);
}
#ifdef __cplusplus
}
#endif
