/* SPDX-License-Identifier: Apache-2.0 */
/*
 * visit.h - one question to the interpreter of one process, for commands that look or clean up: in,
 * answered, out. Says when it waits, and takes the question back when a signal ends the command.
 * Control thread only.
 */
#ifndef WF_PYTHON_VISIT_H
#define WF_PYTHON_VISIT_H

#include <jansson.h>

#include "inject.h"

/*
 * Run a text, with the agent's image as its origin or without. The answer is the caller's, to
 * json_decref(). Errors as wf_inject_poll(), and -ECANCELED where it was interrupted, -ETIMEDOUT
 * where the interpreter did not come by, -EBADMSG where it answered something else. Leaves the
 * process without an owner.
 */
int wf_visit(const struct wf_python *python, const char *text, bool with_image, bool force,
	     json_t **ret_answer, struct wf_err *err);
/* Was a wftrace ever in it? Only looks. */
bool wf_visit_was_before(const struct wf_python *python);

#endif
