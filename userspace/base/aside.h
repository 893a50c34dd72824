/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aside.h - work in a child process of its own, so that a library which falls over hostile input
 * does no harm, and the memory it takes is gone afterwards. Control thread.
 */
#ifndef WF_ASIDE_H
#define WF_ASIDE_H

#include <stdio.h>

#include "buf.h"

/* Runs in the child; what it writes is the answer. Must not touch files or links of the parent. */
typedef void (*wf_aside_work)(void *context, FILE *out);

/*
 * Fill `answer` with what the child wrote, up to the buffer's maximum. 0; -EPROTO where it died,
 * -ETIMEDOUT where it was killed, -E2BIG where it wrote too much: then the answer is what came
 * until then. -errno where there was no child.
 */
int wf_aside_run(wf_aside_work work, void *context, unsigned timeout_ms, struct wf_buf *answer);

#endif
