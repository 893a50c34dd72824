/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help.h - --help and the manual's option section, made from the tables.
 *
 * Writes to the stream it is given; the caller checks the stream for errors.
 */
#ifndef WF_HELP_H
#define WF_HELP_H

#include <stdio.h>

/* Of one command, or of the program where topic is NULL. An unknown topic prints nothing. */
void wf_help_print(const char *topic, FILE *out);
/* The options in mdoc, for docs/wftrace.1. */
void wf_help_print_manual(FILE *out);

#endif
