/* SPDX-License-Identifier: Apache-2.0 */
/* unmatched.h - what was asked for and is not traced, with the reasons, on stderr. */
#ifndef WF_UNMATCHED_H
#define WF_UNMATCHED_H

#include <stdbool.h>

#include "wave.h"

/*
 * 0 where something is armed (strict: everything); else -ENOENT. may_come: libraries that are not
 * loaded yet may still bring what is missing, so nothing is an error but with strict.
 */
int wf_unmatched_report(const struct wf_ruleset *rules, struct wf_wave *wave, bool strict,
			bool may_come, struct wf_err *err);

/* Where the group of the rule ends: the rules of a profile stand together, each -f is alone. */
uint32_t wf_unmatched_group(const struct wf_ruleset *rules, uint32_t from);

/* A group that found nothing in a launched command: so far, or up to its end. */
void wf_unmatched_launched(const struct wf_ruleset *rules, uint32_t from, uint32_t end, bool over);

/* The stories of the rules that found nothing; quiet: only count them. */
uint32_t wf_unmatched_tell(const struct wf_ruleset *rules, struct wf_wave *wave, bool quiet);

#endif
