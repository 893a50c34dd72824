/* SPDX-License-Identifier: Apache-2.0 */
/* scratch.h - a directory of a test's own, without folders in it. */
#ifndef WF_TEST_SCRATCH_H
#define WF_TEST_SCRATCH_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch[64];

/* 0, or -1 with errno. */
static inline int scratch_make(void)
{
	snprintf(scratch, sizeof(scratch), "/tmp/wftrace-test-XXXXXX");
	return mkdtemp(scratch) && chmod(scratch, 0755) == 0 ? 0 : -1;
}

/* As a cmocka teardown. */
static inline int scratch_drop(void **state)
{
	DIR *dir = opendir(scratch);
	struct dirent *entry;

	(void)state;
	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	return rmdir(scratch);
}

#endif
