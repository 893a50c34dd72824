/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console.h - spans on a terminal: whole trees as they end, open calls with their age, a table at
 * the end. In a pipe, or when asked for, one flat JSON object per span (json_sink.h). Export
 * thread; nothing blocks on a slow or stopped terminal. The process must ignore SIGPIPE: the
 * reader's leaving shows as `failed` = EPIPE.
 *
 * At most trees_per_s trees a second are shown; of those that end within 50 ms the failed and
 * then the slowest are taken. The others are counted in the status line, and all are in the table.
 */
#ifndef WF_CONSOLE_H
#define WF_CONSOLE_H

#include <stdio.h>

#include "env.h"
#include "render.h"
#include "sink.h"

struct wf_console_options {
	int fd;
	bool json;
	bool live; /* a status line is kept below what is printed; else a line tells what is not
		    * shown
		    */
	struct wf_style style;
	unsigned trees_per_s; /* 0 = 20 */
	size_t held_bytes;   /* batches kept for unfinished trees; 0 = 64 MiB. JSON: waiting text */
	uint32_t tree_spans; /* of a held tree; 0 = 10,000 */
};

/* What suits the fd: JSON if it is no terminal; colour and UTF-8 by NO_COLOR, TERM and the locale.
 */
void wf_console_detect(int fd, wf_env_lookup lookup, void *context, struct wf_console_options *ret);

/* name is borrowed, the fd too. */
int wf_console_new(const char *name, const struct wf_console_options *options, struct wf_sink **ret,
		   struct wf_err *err);
/* The closing table, once the sink is drained. Nothing for any other sink, or in JSON mode. */
void wf_console_summary(const struct wf_sink *sink, FILE *file);

#endif
