/* SPDX-License-Identifier: Apache-2.0 */
/* cycle.h - which instructions of a graph lie on a cycle, and which can run at all. Pure. */
#ifndef WF_CYCLE_H
#define WF_CYCLE_H

#include "graph.h"

/* Set WF_MARK_CYCLE (Tarjan's strongly connected components, iterative). -ENOMEM. */
int wf_cycle_mark(struct wf_graph *graph);
/* Set WF_MARK_REACHED from the own parts and the entry. -ENOMEM. */
int wf_reach_mark(struct wf_graph *graph);

#endif
