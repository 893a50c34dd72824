/* SPDX-License-Identifier: Apache-2.0 */
/*
 * destination.h - where spans go: the DEST of --to, or the OTEL_ variables. Pure; no connection is
 * made. What belongs to a later version is refused by its name (EOPNOTSUPP).
 *
 *   console                          the terminal, or JSON lines in a pipe
 *   file:PATH, file:-                OTLP JSON lines
 *   http(s)://HOST[:4318][/v1/traces]
 *
 * An address with a path and no port is a whole URL, and keeps the port of its scheme.
 */
#ifndef WF_DESTINATION_H
#define WF_DESTINATION_H

#include "env.h"
#include "header.h"

#define WF_DESTINATIONS_MAX 8

enum wf_destination_kind { WF_DESTINATION_CONSOLE, WF_DESTINATION_FILE, WF_DESTINATION_OTLP };

struct wf_destination {
	enum wf_destination_kind kind;
	char *name;                /* for people, without user info and query */
	char *target;              /* path, or the whole URL; NULL for the console */
	char *logs;                /* OTLP: URL of logs; NULL = it takes none */
	struct wf_headers headers; /* of this destination only */
};

struct wf_destinations {
	struct wf_destination items[WF_DESTINATIONS_MAX];
	unsigned count;
	char note[240]; /* what was ignored, to be shown as a warning; "" = nothing */
};

int wf_destination_parse(const char *text, struct wf_destination *ret, struct wf_err *err);
void wf_destination_done(struct wf_destination *destination);

/*
 * Without --to: OTEL_TRACES_EXPORTER (otlp, console, none; a list), else an OTLP endpoint
 * variable, else the console. count 0 = "none".
 */
int wf_destinations_from_env(wf_env_lookup lookup, void *context, struct wf_destinations *ret,
			     struct wf_err *err);
void wf_destinations_done(struct wf_destinations *destinations);

#endif
