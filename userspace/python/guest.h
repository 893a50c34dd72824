/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest.h - one process with an agent of ours in it: going in, armed, leaving. Control thread.
 *
 * Going in takes as long as the interpreter needs to come by; that is a state, which is polled and
 * can be taken back. A forked child has its parent's agent and is a guest of its own only to be
 * left properly.
 */
#ifndef WF_PYTHON_GUEST_H
#define WF_PYTHON_GUEST_H

#include "inject.h"
#include "mark.h"
#include "request.h"

enum wf_guest_state {
	WF_GUEST_LOOKING, /* just begun: whether an interpreter comes up in it is not known yet */
	WF_GUEST_ENTERING,
	WF_GUEST_ARMED,
	WF_GUEST_LEAVING,
	WF_GUEST_LEFT,   /* nothing of it is armed any more */
	WF_GUEST_FAILED, /* it was never armed, or could not be left: err says why */
};

struct wf_guest {
	enum wf_guest_state state;
	pid_t pid;
	bool young;        /* it began while we watched: what it has to be traced comes by and by */
	uint64_t armed_ns; /* when its agent had answered; 0: it never did, or forked */
	uint64_t began_ns, due_ns; /* young: when to look, or ask, again */
	unsigned asked;            /* young: times that it was asked what has come */
	unsigned busy;             /* answers in a row that said: later */
	unsigned lost;             /* times that its agent had taken all back by itself */
	uint64_t again_ns;         /* when to ask again after such a one, 0 = not to */
	bool first;  /* nothing of its program has run, so it can wait for the probes */
	bool forked; /* it came with its parent's agent; the probes are its parent's too */
	struct wf_python python;
	struct wf_inject *inject;
	struct wf_mark mark;
	uint64_t before[WF_AGENT_COUNTERS]; /* counters when it was armed */
	bool attached;                      /* its image has probes, and `before` is known */
	struct wf_err err;
};

/* Start to go in with a text of request.h. */
int wf_guest_enter(struct wf_guest *guest, const struct wf_target *target, const char *script,
		   bool force, struct wf_err *err);
/*
 * A process that begins: 0 once it is decided (ENTERING, or FAILED where guest->err says why), else
 * -EAGAIN: look again. -ESRCH: it is of no interest.
 */
int wf_guest_look(struct wf_guest *guest, const char *script, bool force, uint64_t now_ns);
/* Is it time to ask a young guest what has come since? */
bool wf_guest_is_due(struct wf_guest *guest, uint64_t now_ns);
/* The same, once more: an agent there was busy with another request, or has nothing armed. */
int wf_guest_enter_again(struct wf_guest *guest, const char *script, bool force,
			 struct wf_err *err);
/* Ask an agent that is there. */
int wf_guest_ask(struct wf_guest *guest, const char *script, bool force, struct wf_err *err);
/* 1: the answer is there (wf_inject_result); 0: not yet; or as wf_inject_poll. */
int wf_guest_poll(struct wf_guest *guest, struct wf_err *err);
/* Forget the request, whether it was answered or not. */
void wf_guest_drop(struct wf_guest *guest);
bool wf_guest_lives(const struct wf_guest *guest);
/* Take back what waits, and let go of the process. */
void wf_guest_done(struct wf_guest *guest);

#endif
