/* SPDX-License-Identifier: Apache-2.0 */
#include "identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "userspace/base/str.h"

extern char **environ;

void wf_identity_free(struct wf_identity *identity)
{
	if (!identity)
		return;
	for (unsigned i = 0; i < 3; i++)
		free(identity->variables[i]);
	free(identity->environment);
	free(identity->groups);
	free(identity);
}

static int parse_id(const char *text, id_t *ret)
{
	uint64_t number;

	/* The last number means "no change" to the kernel. */
	if (wf_parse_u64(text, &number) < 0 || number >= UINT32_MAX)
		return -EINVAL;
	*ret = (id_t)number;
	return 0;
}

/* Groups of a user without an entry in the user database: its one group. */
static int only_group(struct wf_identity *identity, struct wf_err *err)
{
	identity->groups = malloc(sizeof(gid_t));
	if (!identity->groups)
		return wf_err_set(err, ENOMEM, "out of memory");
	identity->groups[0] = identity->gid;
	identity->group_count = 1;
	return 0;
}

static int all_groups(struct wf_identity *identity, const char *name, struct wf_err *err)
{
	identity->group_count = WF_GROUPS_MAX;
	identity->groups = calloc(WF_GROUPS_MAX, sizeof(gid_t));
	if (!identity->groups)
		return wf_err_set(err, ENOMEM, "out of memory");
	if (getgrouplist(name, identity->gid, identity->groups, &identity->group_count) < 0)
		return wf_err_set(err, E2BIG, "user '%s' is in more than %d groups", name,
				  WF_GROUPS_MAX);
	return 0;
}

static int set_variables(struct wf_identity *identity, const struct passwd *entry,
			 struct wf_err *err)
{
	if (asprintf(&identity->variables[0], "HOME=%s", entry->pw_dir) < 0)
		identity->variables[0] = NULL;
	if (asprintf(&identity->variables[1], "USER=%s", entry->pw_name) < 0)
		identity->variables[1] = NULL;
	if (asprintf(&identity->variables[2], "LOGNAME=%s", entry->pw_name) < 0)
		identity->variables[2] = NULL;
	if (!identity->variables[0] || !identity->variables[1] || !identity->variables[2])
		return wf_err_set(err, ENOMEM, "out of memory");
	return 0;
}

static bool same_variable(const char *entry, const char *variable)
{
	size_t len = strcspn(variable, "=");

	return !strncmp(entry, variable, len) && entry[len] == '=';
}

/* Ours with the variables replaced where they stand, or added at the end. */
static int set_environment(struct wf_identity *identity, struct wf_err *err)
{
	size_t count = 0;

	while (environ && environ[count])
		count++;
	identity->environment = calloc(count + 4, sizeof(char *));
	if (!identity->environment)
		return wf_err_set(err, ENOMEM, "out of memory");
	if (count)
		memcpy(identity->environment, environ, count * sizeof(char *));
	for (unsigned i = 0; i < 3; i++) {
		size_t at = 0;

		if (!identity->variables[i])
			continue;
		while (at < count &&
		       !same_variable(identity->environment[at], identity->variables[i]))
			at++;
		identity->environment[at] = identity->variables[i];
		count += at == count;
	}
	return 0;
}

static int from_entry(struct wf_identity *identity, const struct passwd *entry, struct wf_err *err)
{
	int rc;

	identity->change = true;
	identity->uid = entry->pw_uid;
	identity->gid = entry->pw_gid;
	rc = all_groups(identity, entry->pw_name, err);
	return rc < 0 ? rc : set_variables(identity, entry, err);
}

static int from_user(struct wf_identity *identity, const char *user, struct wf_err *err)
{
	const struct passwd *entry = getpwnam(user);
	id_t uid;

	if (!entry && !parse_id(user, &uid))
		entry = getpwuid(uid);
	if (!entry)
		return wf_err_set(err, ENOENT, "there is no user '%s'", user);
	if (geteuid() != 0 && entry->pw_uid != geteuid())
		return wf_err_set(err, EPERM, "to start a command as '%s', wftrace must be root",
				  user);
	return geteuid() == 0 ? from_entry(identity, entry, err) : 0;
}

static int from_sudo(struct wf_identity *identity, struct wf_err *err)
{
	const char *uid_text = getenv("SUDO_UID"), *gid_text = getenv("SUDO_GID");
	const struct passwd *entry;
	id_t uid, gid;

	if (geteuid() != 0 || !uid_text)
		return 0;
	if (parse_id(uid_text, &uid) < 0)
		return wf_err_set(err, EINVAL, "SUDO_UID is '%s', not a user; say --user USER",
				  uid_text);
	if (uid == 0)
		return 0;
	entry = getpwuid(uid);
	if (entry)
		return from_entry(identity, entry, err);
	if (!gid_text || parse_id(gid_text, &gid) < 0)
		return wf_err_set(err, EINVAL, "SUDO_UID %u is unknown and SUDO_GID says no group",
				  uid);
	identity->change = true;
	identity->uid = uid;
	identity->gid = gid;
	return only_group(identity, err);
}

int wf_identity_new(const char *user, struct wf_identity **ret, struct wf_err *err)
{
	wf_auto(wf_identity_freep) struct wf_identity *identity = calloc(1, sizeof(*identity));
	int rc;

	if (!identity)
		return wf_err_set(err, ENOMEM, "out of memory");
	rc = user ? from_user(identity, user, err) : from_sudo(identity, err);
	if (rc < 0)
		return rc;
	rc = set_environment(identity, err);
	if (rc < 0)
		return rc;
	*ret = wf_take(identity);
	return 0;
}

int wf_identity_apply(const struct wf_identity *identity)
{
	if (!identity->change)
		return 0;
	if (setgroups((size_t)identity->group_count, identity->groups) < 0 ||
	    setresgid(identity->gid, identity->gid, identity->gid) < 0 ||
	    setresuid(identity->uid, identity->uid, identity->uid) < 0)
		return -errno;
	return 0;
}
