/* SPDX-License-Identifier: Apache-2.0 */
#include "entrance.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "handshake.h"
#include "sleeper.h"
#include "userspace/base/str.h"
#include "userspace/target/proc.h"

#define WAIT_MS       300
#define WAIT_FIRST_MS 3000 /* what has not begun can wait longer */

static uint32_t need(const struct wf_python *python)
{
	return python->way == WF_PYTHON_SLOT ? wf_slot_need() : WF_OWNER_BYTES;
}

static int say_owner(const struct wf_python *python, const struct wf_owner *owner,
		     const struct wf_owner *self, struct wf_err *err)
{
	if (owner->pid_namespace != self->pid_namespace)
		return wf_err_set(err, EBUSY,
				  "process %d is traced already, by a wftrace in another PID "
				  "namespace (PID %d there): end that one first, or use --force if "
				  "it is gone",
				  (int)python->pid, (int)owner->pid);
	return wf_err_set(err, EBUSY,
			  "process %d is traced already, by the wftrace with PID %d: end that one "
			  "first",
			  (int)python->pid, (int)owner->pid);
}

int wf_entrance_owner(const struct wf_python *python, bool force, struct wf_python_room *ret_room,
		      bool *ret_is_self, struct wf_err *err)
{
	struct wf_owner self, owner;
	struct wf_python_room room;
	int rc = wf_owner_self(0, &self);
	bool foreign;

	if (rc == 0)
		rc = wf_owner_room(python, need(python), &room, &owner);
	if (rc < 0)
		return wf_err_set(err, ENOTSUP,
				  "there is no unused room of %u bytes beside the code of '%s'",
				  need(python), python->file);
	foreign = owner.pid_namespace != self.pid_namespace;
	if (owner.pid && !wf_owner_is(&owner, &self) && wf_owner_lives(&owner, &self) &&
	    !(force && foreign))
		return say_owner(python, &owner, &self, err);
	if (ret_room)
		*ret_room = room;
	if (ret_is_self)
		*ret_is_self = owner.pid && wf_owner_is(&owner, &self);
	return 0;
}

/* The magic stays, so that the room is found again; its code may be running its last line now. */
void wf_entrance_release(const struct wf_python *python)
{
	static const uint8_t zero[WF_OWNER_BYTES - sizeof(((struct wf_owner *)0)->magic)];
	struct wf_python_room room;
	bool is_self = false;

	if (wf_entrance_owner(python, false, &room, &is_self, NULL) == 0 && is_self)
		wf_memory_write_code(python->pid, room.address + WF_OWNER_BYTES - sizeof(zero),
				     zero, sizeof(zero));
}

int wf_entrance_init(const struct wf_python *python, bool force, struct wf_entrance *ret,
		     struct wf_err *err)
{
	bool is_self;
	int rc;

	*ret = (struct wf_entrance){.python = python, .force = force, .script = {.dir = -1}};
	ret->left.dir = -1;
	rc = wf_regions_read(python->pid, &ret->regions);
	if (rc < 0)
		return wf_err_set(err, -rc, "the mappings of process %d cannot be read",
				  (int)python->pid);
	rc = wf_entrance_owner(python, force, &ret->room, &is_self, err);
	ret->claimed = rc == 0 && !is_self;
	return wf_memory_explain(python->pid, rc, err);
}

void wf_entrance_done(struct wf_entrance *entrance)
{
	wf_script_done(&entrance->script);
	wf_script_done(&entrance->left);
	wf_regions_done(&entrance->regions);
}

static struct wf_sleepers sleepers(const struct wf_entrance *entrance)
{
	return (struct wf_sleepers){.pid = entrance->python->pid,
				    .regions = &entrance->regions,
				    .interpreter = wf_base_name(entrance->python->file)};
}

static int check_sleepers(const struct wf_entrance *entrance, struct wf_err *err)
{
	struct wf_sleepers process = sleepers(entrance);
	struct wf_sleeper sleeper;

	if (entrance->force || !wf_sleeper_find(&process, &sleeper))
		return 0;
	return wf_err_set(
		err, EINTR,
		"thread %d (%s) of process %d sits in %s, which a stop of a fraction of "
		"a millisecond might end early with EINTR; --force stops it all the same, "
		"and lets it make the call again",
		(int)sleeper.tid, sleeper.comm, (int)entrance->python->pid, sleeper.call);
}

static int check_identity(const struct wf_python *python, struct wf_err *err)
{
	struct wf_proc_stat stat;

	if (wf_proc_stat(python->pid, &stat) == 0 && stat.start_time == python->start_time &&
	    stat.state != 'Z' && stat.state != 'X')
		return 0;
	return wf_err_set(err, ESRCH, "process %d has ended meanwhile", (int)python->pid);
}

static void name_script(uint64_t nonce, char *out, size_t size)
{
	snprintf(out, size, "wf%016llx", (unsigned long long)nonce);
}

/*
 * A tracer that was killed while its request waited left a file, and its name as the owner's. It
 * goes when we are done: just now a thread may be about to open it.
 */
static void find_left_over(struct wf_entrance *entrance)
{
	const struct wf_python *python = entrance->python;
	struct wf_python_room room;
	struct wf_owner self, owner;
	char name[sizeof(entrance->nonce)];

	if (python->way != WF_PYTHON_REMOTE || entrance->left.dir >= 0 ||
	    wf_owner_self(0, &self) < 0 || wf_owner_room(python, need(python), &room, &owner) < 0 ||
	    !owner.pid || wf_owner_is(&owner, &self) || wf_owner_lives(&owner, &self))
		return;
	name_script(owner.nonce, name, sizeof(name));
	(void)wf_script_find(python, name, &entrance->left);
}

static int choose_nonce(struct wf_entrance *entrance, struct wf_err *err)
{
	uint64_t nonce;

	if (getrandom(&nonce, sizeof(nonce), 0) != (ssize_t)sizeof(nonce))
		return wf_err_set(err, EIO, "no random bytes from the kernel");
	name_script(nonce, entrance->nonce, sizeof(entrance->nonce));
	if (wf_owner_self(nonce, &entrance->self) < 0)
		return wf_err_set(err, EIO, "/proc does not say who we are");
	return 0;
}

static int put(struct wf_entrance *entrance, const struct wf_halt *halt, const char *text,
	       struct wf_err *err)
{
	const struct wf_python *python = entrance->python;
	struct wf_state state;
	/* Again, now that nobody else can write. */
	int rc = wf_entrance_owner(python, entrance->force, &entrance->room, NULL, err);

	if (rc == 0)
		rc = wf_state_check(python, halt, entrance->force, &state, err);
	if (rc < 0)
		return rc;
	if (python->way == WF_PYTHON_SLOT)
		return wf_slot_put(python, halt, &state, &entrance->regions, &entrance->room,
				   &entrance->self, text, &entrance->slot, err);
	if (wf_halt_write(halt, entrance->room.address, &entrance->self, sizeof(entrance->self)) <
	    0)
		return wf_err_set(err, EIO, "process %d does not let its code be written",
				  (int)python->pid);
	if (entrance->left.dir >= 0)
		(void)wf_remote_withdraw(python, &entrance->left);
	return wf_remote_put(python, &state, &entrance->script, &entrance->threads, err);
}

/* A thread may have gone into such a call between the look and the stop. */
static void repeat_calls(const struct wf_entrance *entrance, struct wf_halt *halt)
{
	struct wf_sleepers process = sleepers(entrance);
	const struct wf_halt_thread *threads;
	size_t count;

	threads = wf_halt_threads(halt, &count);
	for (size_t i = 0; i < count; i++) {
		if (wf_sleeper_disturbed(&process, &threads[i]))
			wf_halt_repeat(halt, i);
	}
}

int wf_entrance_ask(struct wf_entrance *entrance, struct wf_err *err)
{
	wf_auto(wf_halt_freep) struct wf_halt *halt = NULL;
	const struct wf_python *python = entrance->python;
	bool quiet = python->way == WF_PYTHON_REMOTE;
	struct wf_handshake_manner manner = {
		.inner_pid = python->inner_pid,
		.wait_ms = entrance->first ? WAIT_FIRST_MS : WAIT_MS,
		.quiet = quiet,
	};
	char text[WF_SCRIPT_BYTES_MAX];
	int rc = check_identity(python, err);

	if (rc == 0)
		find_left_over(entrance);
	if (rc == 0)
		rc = choose_nonce(entrance, err);
	if (rc < 0)
		return rc;
	if (wf_handshake_text(entrance->nonce, &manner, text, sizeof(text)) < 0)
		return wf_err_set(err, E2BIG, "the request is too long");
	if (quiet && entrance->script.dir < 0)
		rc = wf_script_create(python, entrance->nonce, text, &entrance->script, err);
	if (rc == 0)
		rc = check_sleepers(entrance, err);
	if (rc == 0)
		rc = wf_halt_begin(python->pid, &halt, err);
	if (rc == 0) {
		rc = put(entrance, halt, text, err);
		repeat_calls(entrance, halt);
	}
	entrance->asked = rc == 0;
	entrance->withdrawn = 0;
	if (rc < 0)
		wf_script_done(&entrance->script);
	return wf_memory_explain(python->pid, rc, err);
}

/* After exec the addresses mean something else. */
static int check_program(const struct wf_entrance *entrance)
{
	struct wf_owner owner;

	return check_identity(entrance->python, NULL) == 0 &&
			       wf_memory_read(entrance->python->pid, entrance->room.address, &owner,
					      sizeof(owner)) == 0 &&
			       owner.nonce == entrance->self.nonce
		       ? 0
		       : -ESRCH;
}

int wf_entrance_waits(const struct wf_entrance *entrance)
{
	int rc;

	if (entrance->python->way == WF_PYTHON_SLOT) {
		rc = wf_slot_waits(entrance->python, &entrance->slot);
	} else {
		rc = wf_remote_waits(entrance->python, &entrance->script);
		if (rc >= 0)
			rc = (uint32_t)rc >= entrance->threads;
	}
	/* Read while it runs, it may look odd for a moment. */
	if (rc < 0)
		rc = check_program(entrance) < 0 ? -ESRCH : 1;
	return rc;
}

void wf_entrance_remind(const struct wf_entrance *entrance)
{
	if (entrance->python->way == WF_PYTHON_SLOT && check_program(entrance) == 0)
		wf_slot_remind(entrance->python, &entrance->slot);
}

static int take_back(struct wf_entrance *entrance)
{
	int rc;

	if (check_program(entrance) < 0)
		return -ESRCH;
	if (entrance->python->way == WF_PYTHON_SLOT)
		return wf_slot_withdraw(entrance->python, &entrance->slot);
	rc = wf_remote_withdraw(entrance->python, &entrance->script);
	if (rc < 0)
		return rc;
	entrance->withdrawn += (uint32_t)rc;
	return wf_entrance_begun(entrance) ? -EALREADY : 0;
}

int wf_entrance_close(struct wf_entrance *entrance)
{
	wf_auto(wf_halt_freep) struct wf_halt *halt = NULL;
	int rc;

	if (!entrance->asked)
		return 0;
	rc = wf_halt_begin(entrance->python->pid, &halt, NULL);
	if (rc < 0)
		return rc;
	rc = take_back(entrance);
	repeat_calls(entrance, halt);
	return rc;
}

uint32_t wf_entrance_begun(const struct wf_entrance *entrance)
{
	if (entrance->python->way == WF_PYTHON_SLOT)
		return 1;
	return entrance->threads > entrance->withdrawn ? entrance->threads - entrance->withdrawn
						       : 0;
}
