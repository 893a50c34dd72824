/* SPDX-License-Identifier: Apache-2.0 */
/*
 * function.h - the FUNCTION part of a rule: native globs, static probes, Python names. Inside the
 * rule and profile modules.
 */
#ifndef WF_FUNCTION_H
#define WF_FUNCTION_H

#include "parser.h"

enum wf_function_form {
	WF_FUNCTION_NATIVE,
	WF_FUNCTION_PROBE,      /* usdt:PROVIDER:NAME */
	WF_FUNCTION_PROBE_PAIR, /* usdt:PROVIDER:OPEN..CLOSE */
	WF_FUNCTION_PYTHON,     /* all of it in at.function, as the agent wants it */
};

struct wf_function {
	enum wf_function_form form;
	struct wf_where at;    /* opening site of a pair */
	struct wf_where close; /* PROBE_PAIR */
	size_t start, end;     /* offsets in the text */
};

/* Read one FUNCTION at an offset of the parser's text; it ends at a blank or at '('. */
int wf_function_parse(struct wf_parser *parser, size_t offset, struct wf_function *ret);
/* The same, and nothing may follow. */
int wf_function_parse_all(struct wf_parser *parser, struct wf_function *ret);
/* Name of a pair without a name of its own: what OPEN and CLOSE begin with, or OPEN. */
const char *wf_function_pair_name(struct wf_arena *arena, const struct wf_function *function);

#endif
