/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script.h - a small file that a target can open: in its own file system, its own user's, under a
 * name that nobody can guess, for the milliseconds it is needed. The target's root is hostile: no
 * link leads out of it, and nothing is overwritten. Control thread.
 */
#ifndef WF_PYTHON_SCRIPT_H
#define WF_PYTHON_SCRIPT_H

#include "runtime.h"

#define WF_SCRIPT_PATH_MAX  64
#define WF_SCRIPT_BYTES_MAX 1024

struct wf_script {
	int dir; /* -1 = none */
	char name[40];
	char path[WF_SCRIPT_PATH_MAX]; /* as the target opens it */
};

/* -EROFS: the target has no folder that could be written; -ESRCH. `name` is the file's. */
int wf_script_create(const struct wf_python *python, const char *name, const char *text,
		     struct wf_script *ret, struct wf_err *err);
/* One that is there already, of a tracer that was killed. False: there is none. */
bool wf_script_find(const struct wf_python *python, const char *name, struct wf_script *ret);
/* Remove the file. Fine on one that was never made, or is gone. */
void wf_script_done(struct wf_script *script);

#endif
