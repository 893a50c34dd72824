/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story.h - for people: why a rule matched nothing, and what a process offers instead.
 *
 * Reads the files again; nothing here is on a path that must be fast. Texts go to an empty buffer,
 * as one line without its end. Control thread only.
 */
#ifndef WF_STORY_H
#define WF_STORY_H

#include "userspace/base/buf.h"
#include "userspace/rule/rule.h"
#include "userspace/target/candidate.h"

/*
 * The files that were searched with their build-ids and what is in them, near names, functions
 * that exist only inlined, where symbols would come from.
 */
void wf_story_rule(struct wf_candidates *candidates, const struct wf_rule *rule,
		   struct wf_buf *out);

/* What one file has: "12 functions, 5 exported, 3 static probes". */
struct wf_story_count {
	uint32_t functions, exported, probes;
};
struct wf_story_count wf_story_count(struct wf_binary *elf);

#endif
