/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option.h - the one table of options. The parser, --help, the manual's option section and the
 * shell completions are all made from it.
 *
 * Pure and immutable.
 */
#ifndef WF_OPTION_H
#define WF_OPTION_H

#include <stddef.h>

#include "config.h"

/* The type says how the text is read and which member of struct wf_config lies at `offset`. */
enum wf_option_type {
	WF_OPTION_ACTION,   /* nothing is stored: help, version */
	WF_OPTION_FLAG,     /* bool */
	WF_OPTION_NUMBER,   /* uint32_t, at least 1 */
	WF_OPTION_DURATION, /* uint64_t, nanoseconds, more than 0 */
	WF_OPTION_TEXT,     /* const char *, the last one counts */
	WF_OPTION_TEXTS,    /* struct wf_strings */
	WF_OPTION_PAIRS,    /* struct wf_strings of KEY=VALUE */
	WF_OPTION_PIDS,     /* struct wf_pids, comma list */
	WF_OPTION_DRY_RUN,  /* struct wf_dry_run, an optional duration may follow */
};

/* What a shell offers for the argument. */
enum wf_option_hint {
	WF_HINT_NONE,
	WF_HINT_FILE,
	WF_HINT_DIRECTORY,
	WF_HINT_PID,
	WF_HINT_PROCESS,
	WF_HINT_PROFILE,
	WF_HINT_DESTINATION,
	WF_HINT_USER,
	WF_HINT_DURATION,
};

struct wf_option {
	const char *name;
	char letter; /* 0 = none */
	char order;  /* work order that brings it: 'A' is here, a later letter is refused */
	enum wf_option_type type;
	enum wf_option_hint hint;
	uint32_t commands; /* 1 << enum wf_command */
	size_t offset;
	const char *argument; /* NULL = takes none */
	const char *fallback; /* what holds without it, for the manual; NULL = nothing to say */
	const char *help;     /* at most 48 characters */
	const char *manual;   /* further sentences, *bold*; may be NULL */
};

extern const struct wf_option wf_options[];
extern const unsigned wf_option_count;

const struct wf_option *wf_option_find(const char *name, size_t len);
const struct wf_option *wf_option_letter(char letter);
bool wf_option_takes(const struct wf_option *option, enum wf_command command);
/* The option of this command whose name is nearest, or NULL where none is near. */
const struct wf_option *wf_option_near(const char *name, enum wf_command command);

/* Store a value; text is NULL for an option without argument. -EINVAL with what was expected. */
int wf_option_set(const struct wf_option *option, const char *text, struct wf_config *config,
		  struct wf_err *err);

#endif
