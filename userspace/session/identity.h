/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity.h - as whom a command is started: ids, groups and the variables that name the user.
 *
 * Owns its texts. Control thread only.
 */
#ifndef WF_IDENTITY_H
#define WF_IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/err.h"

#define WF_GROUPS_MAX 1024

struct wf_identity {
	bool change; /* false: the rest is not used */
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	int group_count;
	char *variables[3]; /* "HOME=...", "USER=...", "LOGNAME=..."; NULL = leave it */
	char **environment; /* NULL-ended, the array is owned */
};

/*
 * `user` is a name or a number; NULL: who called sudo, if somebody did, else nothing changes.
 * -EPERM where another user is asked for without privileges, -ENOENT for an unknown user.
 */
int wf_identity_new(const char *user, struct wf_identity **ret, struct wf_err *err);
void wf_identity_free(struct wf_identity *identity);

/* Become it. Only plain system calls: for a child. */
int wf_identity_apply(const struct wf_identity *identity);

WF_DEFINE_FREEP(wf_identity_freep, struct wf_identity, wf_identity_free)

#endif
