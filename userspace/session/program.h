/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program.h - from the word a user types to the file that will run. Reads files and PATH.
 */
#ifndef WF_PROGRAM_H
#define WF_PROGRAM_H

#include <stddef.h>

#include "userspace/base/err.h"

/*
 * The file that execvp would take, with the rights of the calling process. search is the PATH to
 * use, NULL = the system's default. -ENOENT, -EACCES where only unusable files were found.
 */
int wf_program_find(const char *command, const char *search, char *out, size_t size);

/*
 * The image that will run when `path` is executed: itself, or for a script its interpreter
 * (through `env`, too, and several levels deep). To be freed.
 */
int wf_program_image(const char *path, const char *search, char **ret, struct wf_err *err);

#endif
