/* SPDX-License-Identifier: Apache-2.0 */
/* emit.h - from planned nodes to the plan's sites, with exit method, price and notes. */
#ifndef WF_EMIT_H
#define WF_EMIT_H

#include "blueprint.h"
#include "node.h"

/* All nodes of the file at hand. Numbers the spans. */
int wf_emit_nodes(struct wf_blueprint *bp, struct wf_nodes *nodes, struct wf_err *err);

#endif
