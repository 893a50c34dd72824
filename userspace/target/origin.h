/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin.h - where the symbols of a binary come from, in order: its own tables, a separate debug
 * file, .gnu_debugdata, debuginfod. And what to say where they do not suffice. Control thread.
 */
#ifndef WF_ORIGIN_H
#define WF_ORIGIN_H

#include "debugfile.h"
#include "symbol.h"

struct wf_origin {
	size_t found[WF_SYM_DEBUGFILE + 1]; /* functions by source */
	int fetched;                        /* 0, or why debuginfod gave nothing: -errno */
	bool broken;                        /* a table could not be read */
	bool capped;                        /* a maximum was met */
};

/* Fill and finish the table. A broken source is noted and passed over. -ENOMEM. */
int wf_origin_load(const struct wf_debugfile_search *search, const struct wf_unwind *unwind,
		   struct wf_symbol_table *table, struct wf_origin *ret);

/* One line: what there is, and what brings more. */
void wf_origin_story(const struct wf_origin *origin, const struct wf_debugfile_search *search,
		     size_t probe_count, char *out, size_t size);

#endif
