/* SPDX-License-Identifier: Apache-2.0 */
#include "owner.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "userspace/base/clock.h"
#include "userspace/target/proc.h"

#define ROOM_MAX 4096

static const char magic[8] = "wftrace";

int wf_owner_self(uint64_t nonce, struct wf_owner *ret)
{
	struct wf_proc_stat self;
	struct stat st;
	int rc = wf_proc_stat(getpid(), &self);

	if (rc < 0)
		return rc;
	if (stat("/proc/self/ns/pid", &st) < 0)
		return -errno;
	*ret = (struct wf_owner){.nonce = nonce,
				 .pid = getpid(),
				 .start_time = self.start_time,
				 .pid_namespace = st.st_ino,
				 .since_ns = wf_clock_monotonic_ns()};
	memcpy(ret->magic, magic, sizeof(magic));
	return 0;
}

bool wf_owner_is(const struct wf_owner *owner, const struct wf_owner *self)
{
	return owner->pid == self->pid && owner->start_time == self->start_time &&
	       owner->pid_namespace == self->pid_namespace;
}

bool wf_owner_lives(const struct wf_owner *owner, const struct wf_owner *self)
{
	struct wf_proc_stat stat;

	if (owner->pid_namespace != self->pid_namespace)
		return true;
	return owner->pid > 0 && wf_proc_stat(owner->pid, &stat) == 0 &&
	       stat.start_time == owner->start_time && stat.state != 'Z' && stat.state != 'X';
}

static bool is_unused(const uint8_t *bytes, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

int wf_owner_room(const struct wf_python *python, uint32_t need, struct wf_python_room *ret,
		  struct wf_owner *ret_owner)
{
	uint8_t bytes[ROOM_MAX];
	bool found = false;

	*ret_owner = (struct wf_owner){0};
	for (uint32_t i = 0; i < python->room_count; i++) {
		const struct wf_python_room *room = &python->rooms[i];

		if (room->bytes < need || room->bytes > sizeof(bytes) ||
		    wf_memory_read(python->pid, room->address, bytes, room->bytes) < 0)
			continue;
		if (memcmp(bytes, magic, sizeof(magic)) == 0) {
			memcpy(ret_owner, bytes, sizeof(*ret_owner));
			*ret = *room;
			return 0;
		}
		if (!found && is_unused(bytes, room->bytes)) {
			*ret = *room;
			found = true;
		}
	}
	return found ? 0 : -ENOSPC;
}
