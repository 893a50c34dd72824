/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile_schema.h - the keys of a profile as data: where each may stand, what it takes, and
 * whether this version does it. profile_check.c walks a file along it.
 */
#ifndef WF_PROFILE_SCHEMA_H
#define WF_PROFILE_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

enum wf_key_shape {
	WF_KEY_TEXT,
	WF_KEY_NAME, /* letters, digits and _ - . */
	WF_KEY_WORD, /* one of `words` */
	WF_KEY_BOOL,
	WF_KEY_INTEGER,  /* from 0 */
	WF_KEY_DURATION, /* 500ms */
	WF_KEY_VERSION,  /* ">=2.0,<3" */
	WF_KEY_FUNCTION,
	WF_KEY_FUNCTIONS, /* one or a list */
	WF_KEY_VALUE,     /* an expression */
	WF_KEY_CONDITION,
	WF_KEY_ERROR,    /* a condition, or what only errors know */
	WF_KEY_TEMPLATE, /* a span name */
	WF_KEY_PARENT,   /* context, root, remote(EXPR), key(EXPR), nearest(RULE) */
	WF_KEY_NEAREST,  /* nearest(RULE) */
	WF_KEY_AGAIN,    /* nest, join, next, after(RULE) */
	WF_KEY_VALUES,   /* a mapping of names to expressions */
	WF_KEY_TEXTS,    /* one text or a list */
	WF_KEY_NUMBERS,  /* a growing list */
	WF_KEY_MAPPING,  /* by `keys` */
	WF_KEY_MAPPINGS, /* a list of them */
	WF_KEY_ONE_OR_MAPPINGS,
	WF_KEY_OTEL,   /* join, ignore or {yield_to: [...]} */
	WF_KEY_BUDGET, /* a duration or a mapping */
};

struct wf_key {
	const char *name;
	uint8_t shape; /* enum wf_key_shape */
	bool required;
	bool later;                /* checked, then refused by name */
	const struct wf_key *keys; /* of a mapping; ends with a NULL name */
	const char *const *words;  /* WORD; ends with NULL */
	const char *plain;         /* the one word or `false` that a `later` key may have */
};

extern const struct wf_key wf_profile_keys[];

#endif
