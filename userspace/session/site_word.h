/* SPDX-License-Identifier: Apache-2.0 */
/* site_word.h - what to call the instruction under an entry probe: "push", "endbr64". */
#ifndef WF_SITE_WORD_H
#define WF_SITE_WORD_H

#include "userspace/plan/plan.h"

/* elf may be NULL; then, and for what has no short word, the class: "cheap", "stepped". */
const char *wf_site_word(struct wf_binary *elf, const struct wf_plan_function *function);

#endif
