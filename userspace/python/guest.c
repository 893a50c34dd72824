/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

#include <errno.h>

#include "shipped_agent.h"
#include "userspace/target/proc.h"

#define LOOK_NS  10000000ull    /* between two looks at a process that begins */
#define MAP_NS   1000000000ull  /* for it to map an interpreter */
#define START_NS 10000000000ull /* for that to come up */

void wf_guest_drop(struct wf_guest *guest)
{
	wf_inject_free(guest->inject);
	guest->inject = NULL;
}

static int start(struct wf_guest *guest, const char *script, bool with_image, bool force,
		 struct wf_err *err)
{
	struct wf_inject_request request = {
		.script = script,
		.image = wf_agent_image,
		.image_bytes = with_image ? wf_agent_image_bytes : 0,
		.force = force,
		.first = guest->first,
	};

	wf_guest_drop(guest);
	if (err)
		*err = (struct wf_err){0}; /* of what was tried on the way */
	return wf_inject_start(&guest->python, &request, &guest->inject, err);
}

int wf_guest_enter(struct wf_guest *guest, const struct wf_target *target, const char *script,
		   bool force, struct wf_err *err)
{
	int rc = wf_python_find(target, &guest->python, err);

	if (rc == 0)
		rc = start(guest, script, true, force, err);
	guest->state = rc < 0 ? WF_GUEST_FAILED : WF_GUEST_ENTERING;
	return rc;
}

/* A forked child is not known yet. */
static int know(struct wf_guest *guest, struct wf_err *err)
{
	wf_auto(wf_target_freep) struct wf_target *target = NULL;
	int rc;

	if (guest->python.runtime)
		return 0;
	rc = wf_target_open(guest->pid, &target, err);
	return rc < 0 ? rc : wf_python_find(target, &guest->python, err);
}

int wf_guest_enter_again(struct wf_guest *guest, const char *script, bool force, struct wf_err *err)
{
	int rc = know(guest, err);

	return rc < 0 ? rc : start(guest, script, true, force, err);
}

int wf_guest_look(struct wf_guest *guest, const char *script, bool force, uint64_t now_ns)
{
	wf_auto(wf_target_freep) struct wf_target *target = NULL;
	uint64_t age_ns = now_ns - guest->began_ns;
	int rc;

	if (now_ns < guest->due_ns)
		return -EAGAIN;
	guest->due_ns = now_ns + LOOK_NS;
	if (wf_target_open(guest->pid, &target, NULL) < 0)
		return -ESRCH;
	guest->err = (struct wf_err){0};
	rc = wf_guest_enter(guest, target, script, force, &guest->err);
	if ((rc == -EAGAIN && age_ns < START_NS) || (rc == -ENOENT && age_ns < MAP_NS)) {
		guest->state = WF_GUEST_LOOKING;
		return -EAGAIN;
	}
	return rc == -EAGAIN || rc == -ENOENT || rc == -ESRCH ? -ESRCH : 0;
}

bool wf_guest_is_due(struct wf_guest *guest, uint64_t now_ns)
{
	/* most programs have made their functions within seconds, some import for long before */
	static const uint32_t after_ms[] = {20,   50,   100,  200,  350,   600,   1000,
					    1600, 2500, 4000, 6500, 10000, 20000, 40000};

	if (!guest->young || guest->state != WF_GUEST_ARMED || guest->inject ||
	    guest->asked == sizeof(after_ms) / sizeof(after_ms[0]) ||
	    now_ns - guest->began_ns < after_ms[guest->asked] * 1000000ull)
		return false;
	guest->asked++;
	return true;
}

int wf_guest_ask(struct wf_guest *guest, const char *script, bool force, struct wf_err *err)
{
	int rc = know(guest, err);

	return rc < 0 ? rc : start(guest, script, false, force, err);
}

int wf_guest_poll(struct wf_guest *guest, struct wf_err *err)
{
	int rc = wf_inject_poll(guest->inject, err);

	return rc < 0 ? rc : rc == WF_INJECT_DONE;
}

bool wf_guest_lives(const struct wf_guest *guest)
{
	struct wf_proc_stat stat;

	return wf_proc_stat(guest->pid, &stat) == 0 && stat.state != 'Z' && stat.state != 'X';
}

void wf_guest_done(struct wf_guest *guest)
{
	wf_guest_drop(guest);
	if (guest->python.runtime)
		wf_inject_release(&guest->python);
}
