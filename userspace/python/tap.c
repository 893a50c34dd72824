/* SPDX-License-Identifier: Apache-2.0 */
#include "tap.h"

#include <errno.h>

static int link_image(struct wf_taps *taps, struct wf_guest *guest)
{
	struct wf_tap *image = taps->images;
	const struct wf_tap *end = image + taps->count;
	const struct wf_mark *mark = &guest->mark;
	int rc;

	for (; image < end; image++)
		if (image->device == mark->device && image->inode == mark->inode)
			return 0;
	if (taps->count == WF_TAP_IMAGES_MAX)
		return wf_err_set(&guest->err, ENOSPC, "process %d: more than %d interpreters",
				  guest->pid, WF_TAP_IMAGES_MAX);
	*image = (struct wf_tap){.device = mark->device, .inode = mark->inode};
	rc = wf_attach_agent(taps->attacher, &mark->sites, &image->agent, &guest->err);
	taps->count += rc == 0;
	return rc;
}

int wf_taps_add(struct wf_taps *taps, struct wf_guest *guest)
{
	int rc = wf_mark_find(guest->pid, &guest->mark, &guest->err);

	/* a forked child has counted from zero, and what it counted was seen */
	if (rc == 0 && !guest->forked &&
	    wf_mark_counters(guest->pid, guest->mark.page, guest->before) < 0)
		rc = wf_err_set(&guest->err, EFAULT, "process %d: its agent cannot be read",
				guest->pid);
	if (rc < 0)
		return rc;
	guest->before[WF_AGENT_CNT_RUNNING] = 0; /* it counts anew each time it is armed */
	(void)wf_kernel_set_agent(taps->kernel, guest->pid, guest->mark.page,
				  wf_mark_clock_offset(guest->pid));
	rc = link_image(taps, guest);
	guest->attached = rc == 0;
	return rc;
}

void wf_taps_drop(struct wf_taps *taps)
{
	for (uint32_t i = 0; i < taps->count; i++)
		wf_attach_drop(taps->attacher, taps->images[i].agent);
	taps->count = 0;
}
