/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stop.h - the command of `run` stands still until what traces it is in place: at its entry point
 * and, where rules are about Python, at each exec of it and where an interpreter is up in it but
 * has run nothing of the program (Py_RunMain). Only the command's own process; a program without
 * such a place is looked at while it runs. Control thread only.
 */
#ifndef WF_STOP_H
#define WF_STOP_H

#include "arming.h"
#include "launch.h"
#include "python.h"

struct wf_stop {
	struct wf_arming *arming;
	struct wf_kernel *kernel;
	struct wf_session_python *python;
	struct wf_launch *launch; /* NULL: there is none */
	bool at_main;             /* it stops where an interpreter is up, not at an entry point */
	bool looked_for;          /* it is expected there */
	uint32_t execs;
	uint64_t begun_ns;
};

/* It was released, and stops at its entry point: attach, and let it go on. */
void wf_stop_started(struct wf_stop *stop);
/* Where it has stopped meanwhile: do what is to be done there, and let it go on. */
void wf_stop_tick(struct wf_stop *stop);
/* Is it about to stop, or does it wait for us? */
bool wf_stop_is_close(const struct wf_stop *stop);

/*
 * It stops no more, and goes on where it just did. Once more when the kernel programs are gone: one
 * may have been on its way to stop it.
 */
void wf_stop_end(struct wf_stop *stop);

#endif
