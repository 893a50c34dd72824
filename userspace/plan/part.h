/* SPDX-License-Identifier: Apache-2.0 */
/* part.h - the ranges of code that a graph is made of, read and decoded. */
#ifndef WF_PART_H
#define WF_PART_H

#include "graph.h"

/*
 * Read and decode one more range. The graph's arrays may move. -ENOENT where the file has no such
 * bytes, -EILSEQ where they do not decode to their end, -E2BIG, -ENOMEM.
 */
int wf_part_add(struct wf_graph *graph, uint64_t address, uint64_t size, bool own);
/* Forget the last one. */
void wf_part_drop(struct wf_graph *graph);

#endif
