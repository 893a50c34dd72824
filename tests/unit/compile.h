/* SPDX-License-Identifier: Apache-2.0 */
/* compile.h - programs for tests: built from text in a folder that goes away with the test. */
#ifndef WF_TEST_COMPILE_H
#define WF_TEST_COMPILE_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userspace/target/binary.h"

static char compile_folder[64];

static inline int compile_set_up(void **state)
{
	(void)state;
	snprintf(compile_folder, sizeof(compile_folder), "/tmp/wftrace-unit-XXXXXX");
	return mkdtemp(compile_folder) ? 0 : -1;
}

static inline int compile_tear_down(void **state)
{
	DIR *folder = opendir(compile_folder);
	struct dirent *entry;
	char path[512];

	(void)state;
	while (folder && (entry = readdir(folder)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", compile_folder, entry->d_name);
		unlink(path);
	}
	if (folder)
		closedir(folder);
	rmdir(compile_folder);
	return 0;
}

/* "gcc -O2", language "c", "c++" or "assembler". False where the compiler refuses or is missing. */
static inline bool compile_text(const char *compiler, const char *language, const char *text,
				const char *name, char *path, size_t size)
{
	char command[1024];
	FILE *pipe;

	snprintf(path, size, "%s/%s", compile_folder, name);
	snprintf(command, sizeof(command), "%s -w -x %s -o %s - 2>/dev/null", compiler, language,
		 path);
	pipe = popen(command, "w");
	if (!pipe)
		return false;
	fputs(text, pipe);
	return pclose(pipe) == 0;
}

/* A program or library that is open, NULL where it could not be built. */
static inline struct wf_binary *compile_open(const char *compiler, const char *language,
					     const char *text, const char *name)
{
	struct wf_binary *elf = NULL;
	char path[256];

	if (!compile_text(compiler, language, text, name, path, sizeof(path)) ||
	    wf_binary_open(path, path, NULL, &elf, NULL) < 0)
		return NULL;
	return elf;
}

static inline const struct wf_symbol *compile_symbol(struct wf_binary *elf, const char *name)
{
	const struct wf_symbol *symbols;
	size_t count;

	if (wf_binary_symbols(elf, &symbols, &count, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (!strcmp(symbols[i].name, name))
			return &symbols[i];
	return NULL;
}

#endif
