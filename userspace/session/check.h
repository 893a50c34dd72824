/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - the findings of `wftrace doctor`: what holds, what does not, and the cure.
 *
 * Plain lists; printing writes to the stream it is given. Control thread only.
 */
#ifndef WF_CHECK_H
#define WF_CHECK_H

#include <stdbool.h>
#include <stdio.h>

#include "userspace/base/arena.h"

enum wf_verdict {
	WF_VERDICT_OK,
	WF_VERDICT_NOTE, /* works, with a limit worth knowing */
	WF_VERDICT_NO,   /* cannot; the cure says what helps */
};

struct wf_check {
	const char *name; /* "uprobe_multi" */
	enum wf_verdict verdict;
	const char *finding;
	const char *cure; /* NULL where there is nothing to cure */
};

#define WF_CHECKS_MAX 128

struct wf_checks {
	struct wf_arena *arena;
	struct wf_check items[WF_CHECKS_MAX];
	unsigned count;
};

/* Texts are formatted into the list's arena; a full list drops what comes. cure may be NULL. */
void wf_checks_add(struct wf_checks *checks, const char *name, enum wf_verdict verdict,
		   const char *cure, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
bool wf_checks_all_hold(const struct wf_checks *checks);
void wf_checks_print(const struct wf_checks *checks, bool json, bool colour, FILE *out);

#endif
