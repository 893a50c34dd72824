/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

#include <errno.h>

#include "shipped_agent.h"

static int start(struct wf_guest *guest, const char *script, bool with_image, bool force,
		 struct wf_err *err)
{
	struct wf_inject_request request = {
		.script = script,
		.image = wf_agent_image,
		.image_bytes = with_image ? wf_agent_image_bytes : 0,
		.force = force,
	};

	wf_inject_free(guest->inject);
	guest->inject = NULL;
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

int wf_guest_ask(struct wf_guest *guest, const char *script, bool force, struct wf_err *err)
{
	wf_auto(wf_target_freep) struct wf_target *target = NULL;
	int rc = 0;

	if (!guest->python.runtime) {
		rc = wf_target_open(guest->pid, &target, err);
		if (rc == 0)
			rc = wf_python_find(target, &guest->python, err);
	}
	return rc < 0 ? rc : start(guest, script, false, force, err);
}

int wf_guest_poll(struct wf_guest *guest, struct wf_err *err)
{
	int rc = wf_inject_poll(guest->inject, err);

	return rc < 0 ? rc : rc == WF_INJECT_DONE;
}

void wf_guest_done(struct wf_guest *guest)
{
	wf_inject_free(guest->inject);
	guest->inject = NULL;
	if (guest->python.runtime)
		wf_inject_release(&guest->python);
}
