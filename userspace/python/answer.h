/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.h - what the agents answer to a request to arm, added up over all of a session: functions
 * that are traced, and names that are not, each with a reason. So is what they note later. Control
 * thread only.
 */
#ifndef WF_PYTHON_ANSWER_H
#define WF_PYTHON_ANSWER_H

#include <jansson.h>

#include "guest.h"
#include "userspace/collect/mailbox.h"
#include "userspace/span/wire.h"

struct wf_answers {
	struct wf_mailbox *inbox; /* gets DEFINE records; borrowed */
	bool *found;              /* by rule: a function of it is armed in any process */
	uint32_t rule_count;
	uint32_t functions, refused;
	uint32_t waiting;         /* names whose module is not there yet */
	uint32_t noted, restored; /* later: functions; agents that took all back */
};

int wf_answers_init(struct wf_answers *answers, const struct wf_ruleset *rules,
		    struct wf_mailbox *inbox);
void wf_answers_done(struct wf_answers *answers);

/* One agent's answer. -ECANCELED: it armed nothing, guest->err says why. */
int wf_answers_take(struct wf_answers *answers, struct wf_guest *guest, const json_t *answer);
/* What an agent found or refused later, with a module that was imported, or took back. */
void wf_answers_note(struct wf_answers *answers, const struct wf_rec_span *note);

#endif
