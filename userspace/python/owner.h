/* SPDX-License-Identifier: Apache-2.0 */
/*
 * owner.h - whose a process is. The tracer that goes in leaves a record of itself in the target,
 * at the start of the room beside the interpreter's code, so that a second one sees it wherever it
 * runs. A record whose owner has died counts for nothing. Layout and rule are pure; control thread.
 */
#ifndef WF_PYTHON_OWNER_H
#define WF_PYTHON_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime.h"

#define WF_OWNER_BYTES 48

struct wf_owner {
	char magic[8];
	uint64_t nonce;
	int32_t pid; /* of the tracer, in its own PID namespace; 0 = it let go */
	uint32_t reserved;
	uint64_t start_time; /* clock ticks since boot: with pid it names a process */
	uint64_t pid_namespace;
	uint64_t since_ns; /* CLOCK_MONOTONIC */
};
_Static_assert(sizeof(struct wf_owner) == WF_OWNER_BYTES, "written into targets");

/* This process. 0 or -errno. */
int wf_owner_self(uint64_t nonce, struct wf_owner *ret);
/* Is it this process? */
bool wf_owner_is(const struct wf_owner *owner, const struct wf_owner *self);
/* May it still be alive? True where it runs in a PID namespace that cannot be seen from here. */
bool wf_owner_lives(const struct wf_owner *owner, const struct wf_owner *self);

/*
 * The room of this process that holds a record or else the first one with `need` bytes that are
 * unused. ret_owner->pid is 0 where nobody is the owner. -ENOSPC.
 */
int wf_owner_room(const struct wf_python *python, uint32_t need, struct wf_python_room *ret,
		  struct wf_owner *ret_owner);

#endif
