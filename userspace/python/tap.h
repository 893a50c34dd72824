/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tap.h - the probes at the agents' sites. Processes that forked map the same image, and two links
 * on one would count each call twice: an image is linked once, for whoever maps it. Control thread
 * only.
 */
#ifndef WF_PYTHON_TAP_H
#define WF_PYTHON_TAP_H

#include "guest.h"
#include "userspace/kernel/attach.h"

#define WF_TAP_IMAGES_MAX 512

struct wf_taps {
	struct wf_kernel *kernel;
	struct wf_attacher *attacher;
	struct wf_tap {
		uint64_t device, inode;
		uint32_t agent; /* of the attacher */
	} images[WF_TAP_IMAGES_MAX];
	uint32_t count;
};

/*
 * Find the agent of a guest, take down what it counted before, and link its image if nobody did:
 * guest->attached. Else guest->err says why not.
 */
int wf_taps_add(struct wf_taps *taps, struct wf_guest *guest);
/* Close every link. */
void wf_taps_drop(struct wf_taps *taps);

#endif
