/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tail.h - tail calls: whose frames end in which functions.
 *
 * A direct jump to another function hands the frame over: the call ends where that function ends.
 * Where the function is unknown, shared by many or too far, the jump itself counts as the end. A
 * jump is handed over for all frames that can come there or for none, so that frames at one stack
 * pointer always end together. Pure.
 */
#ifndef WF_TAIL_H
#define WF_TAIL_H

#include "node.h"

#define WF_TAIL_LEVELS 4  /* functions that a frame passes through */
#define WF_TAIL_SITES  64 /* probe sites outside of the function itself */
/* More functions that jump to it, or calls of it, than this: too many bystanders would pay. */
#define WF_TAIL_SHARED 8
#define WF_TAIL_CALLED 64

/*
 * Add the functions jumped to as nodes, decide every jump (hands[].handed) and fill origins and
 * owner. -ENOMEM.
 */
int wf_tail_plan(struct wf_nodes *nodes, struct wf_err *err);

#endif
