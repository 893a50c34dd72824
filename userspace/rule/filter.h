/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter.h - what stands after '|' in an expression: one value in, one value out. Pure.
 *
 * Results that need memory go to the arena; when it is full, the result is absent.
 */
#ifndef WF_FILTER_H
#define WF_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/span/span.h"

/* Static types of expressions. */
enum wf_type {
	WF_TYPE_ANY,
	WF_TYPE_BOOL,
	WF_TYPE_INT,
	WF_TYPE_UINT, /* 64 bits unsigned: the bits lie in wf_value.integer */
	WF_TYPE_REAL,
	WF_TYPE_STRING,
	WF_TYPE_POINTER,
	WF_TYPE_DURATION, /* nanoseconds */
};

#define WF_TYPE_BIT(type) (1u << (type))
#define WF_TYPES_NUMBER                                                                            \
	(WF_TYPE_BIT(WF_TYPE_INT) | WF_TYPE_BIT(WF_TYPE_UINT) | WF_TYPE_BIT(WF_TYPE_REAL))

enum wf_filter_shape {
	WF_FILTER_PLAIN,   /* lower */
	WF_FILTER_COUNT,   /* truncate(80) */
	WF_FILTER_TEXT,    /* strip_suffix('Handler') */
	WF_FILTER_NUMBERS, /* bucket(10, 100) */
	WF_FILTER_MAP,     /* map({0: 'idle', 1: 'busy'}) */
	WF_FILTER_PART,    /* url or url(host) */
	WF_FILTER_EXPR,    /* first(COND), any('x'): lists, which a later version has */
};

struct wf_filter_args {
	const struct wf_value *keys;   /* MAP */
	const struct wf_value *values; /* MAP, NUMBERS, TEXT, COUNT; PART: enum wf_url_part */
	uint32_t count;
};

struct wf_filter_call {
	struct wf_value value; /* never absent */
	uint8_t type;          /* enum wf_type of value */
	const struct wf_filter_args *args;
	struct wf_arena *arena;
};

struct wf_filter {
	const char *name;
	uint8_t shape;     /* enum wf_filter_shape */
	uint8_t type;      /* of the result; ANY = by the arguments */
	uint16_t takes;    /* WF_TYPE_BITs */
	bool many;         /* as many results as inputs: not for a span name */
	const char *later; /* why this version refuses it, or NULL */
	struct wf_value (*apply)(const struct wf_filter_call *call);
};

/* NULL where there is none. */
const struct wf_filter *wf_filter_find(const char *name);
/* The nearest name, or NULL. */
const char *wf_filter_nearest(const char *name);

#endif
