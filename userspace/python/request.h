/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.h - what a Python agent is told: the literals that boot.py describes, and the texts that
 * carry them. Pure.
 */
#ifndef WF_PYTHON_REQUEST_H
#define WF_PYTHON_REQUEST_H

#include "userspace/base/buf.h"
#include "userspace/rule/ruleset.h"

struct wf_request {
	uint64_t nonce, sequence; /* who asks; grows with each request to one process */
	pid_t pid;
	const char *name; /* of the owner, for messages */
	bool context;     /* native functions are traced as well */
	unsigned wait_s;  /* start: hold the program until its probes are there, so long at most */
};

/* Does the set name Python functions; does it name others? */
bool wf_request_wanted(const struct wf_ruleset *rules);
bool wf_request_alone(const struct wf_ruleset *rules);

/*
 * Source that loads the agent, which then is to "arm" the rules, or to "list" what they name: the
 * first text for a process.
 */
int wf_request_start(const struct wf_request *request, const char *action,
		     const struct wf_ruleset *rules, struct wf_buf *out);
/* Source that asks an agent that is there: "disarm", "status". */
int wf_request_apply(const struct wf_request *request, const char *action, struct wf_buf *out);
/* The same, "disarm", to an agent of any version; the answer is null where there is none. */
int wf_request_clean(const struct wf_request *request, struct wf_buf *out);

#endif
