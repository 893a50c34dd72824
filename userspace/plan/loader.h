/* SPDX-License-Identifier: Apache-2.0 */
/* loader.h - fill a graph with a function: its code, where its branches lead, its cycles. */
#ifndef WF_LOADER_H
#define WF_LOADER_H

#include "graph.h"

/*
 * Load the function at `address`; `size` counts where no unwind entry covers it. -EILSEQ where it
 * does not decode to its end, -E2BIG over the limits, -ENOENT where the file has no such bytes.
 */
int wf_graph_load(struct wf_graph *graph, uint64_t address, uint64_t size, struct wf_err *err);

#endif
