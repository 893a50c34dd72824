/* SPDX-License-Identifier: Apache-2.0 */
/* definition.h - tells the data thread what the span ids of a plan stand for. Control thread only.
 */
#ifndef WF_DEFINITION_H
#define WF_DEFINITION_H

#include "userspace/collect/mailbox.h"
#include "wave.h"

/*
 * A DEFINE record for each function of a file that was attached, with its source line where that is
 * known. span_ids: by the plan's spans, 0 = not attached. How many functions they are.
 */
uint32_t wf_definition_publish(const struct wf_wave *wave, const struct wf_plan *plan,
			       uint32_t file, const uint32_t *span_ids, struct wf_mailbox *inbox);

#endif
