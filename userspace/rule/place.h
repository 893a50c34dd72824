/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.h - where a piece of rule text stands in what the user wrote, for messages.
 *
 * Every parser of the language works on one text at a time and names errors by byte offset; the
 * place turns an offset into "FILE:LINE:COLUMN: " or "-f 'TEXT': column N: ". Plain data.
 */
#ifndef WF_PLACE_H
#define WF_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/base/err.h"

struct wf_place {
	const char *file;      /* NULL: an -f rule */
	const char *rule;      /* the whole -f rule, for messages */
	const char *text;      /* what offsets count in */
	uint32_t line, column; /* of offset 0, from 1 */
	bool exact;            /* false: the text was folded, so every offset is shown as 0 */
};

/* Set the first cause: what is wrong at this offset. Returns -code. */
int wf_place_err(const struct wf_place *place, size_t offset, struct wf_err *err, int code,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* The candidate nearest to `word`, or NULL where none is near. The list ends with NULL. */
const char *wf_nearest_word(const char *word, const char *const *candidates);

#endif
