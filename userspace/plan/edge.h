/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge.h - where the branches of a graph lead: to an instruction of it, by a table to many, or
 * away. Ranges that they lead into become parts of the graph.
 */
#ifndef WF_EDGE_H
#define WF_EDGE_H

#include "graph.h"

/*
 * Link the branches from this instruction on, those of parts that are added on the way as well.
 * Errors as of wf_part_add, and -EILSEQ where one leads into the middle of an instruction.
 */
int wf_edge_link(struct wf_graph *graph, uint32_t from);
/* When all is linked: which direct branches lead to each instruction. -ENOMEM. */
int wf_edge_index(struct wf_graph *graph);

#endif
