/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - reads JSON texts, and tells a broken text from one that got no memory. */
#ifndef WF_BASE_JSON_H
#define WF_BASE_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "err.h"

/*
 * Any JSON value; a key that stands twice is an error. *ret is the caller's to json_decref().
 * -EINVAL with the place and what is wrong there, -ENOMEM.
 */
int wf_json_read(const char *text, size_t len, json_t **ret, struct wf_err *err);
/* The text under a key, the object's; "" where there is none. */
const char *wf_json_text_of(const json_t *object, const char *key);

#endif
