/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

/* The library goes on with a shortened text where it gets no memory for all of it. */
static _Thread_local bool starved;

static void *allocate(size_t bytes)
{
	void *memory = malloc(bytes);

	starved |= !memory;
	return memory;
}

int wf_json_read(const char *text, size_t len, json_t **ret, struct wf_err *err)
{
	json_error_t problem;
	json_t *value;

	starved = false;
	json_set_alloc_funcs(allocate, free);
	value = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
	if (starved) {
		json_decref(value);
		return wf_err_set(err, ENOMEM, "out of memory");
	}
	if (!value)
		return wf_err_set(err, EINVAL, "line %d: %s", problem.line, problem.text);
	*ret = value;
	return 0;
}

const char *wf_json_text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}
