/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture.c - the values of one rule, read at each call: their paths are taken apart once, since
 * asking tuples for their items costs more than what most of the steps do.
 */
#include "agent.h"

struct capture {
	unsigned slot;
	uint32_t count;
	struct step *steps;
};

struct captures {
	struct py *kept; /* the tuple, which holds what the steps name */
	uint32_t count;
	struct capture list[];
};

static struct step *steps_make(struct py *path, uint32_t count)
{
	struct step *ret = PyMem_Malloc(count * sizeof(*ret) + 1);

	for (uint32_t i = 0; ret && i < count; i++)
		ret[i] = step_of(PyTuple_GetItem(path, i));
	return ret;
}

struct captures *captures_make(struct py *pairs)
{
	uint32_t count = (uint32_t)PyTuple_Size(pairs);
	struct captures *ret = PyMem_Malloc(sizeof(*ret) + count * sizeof(*ret->list));
	struct capture *capture;
	struct py *pair, *path;

	if (!ret)
		return NULL;
	Py_IncRef(pairs);
	ret->kept = pairs;
	for (ret->count = 0; ret->count < count; ret->count++) {
		capture = &ret->list[ret->count];
		pair = PyTuple_GetItem(pairs, ret->count);
		path = PyTuple_GetItem(pair, 1);
		capture->slot = (unsigned)PyLong_AsLong(PyTuple_GetItem(pair, 0));
		capture->count = (uint32_t)PyTuple_Size(path);
		capture->steps = steps_make(path, capture->count);
		if (!capture->steps) {
			captures_free(ret);
			return NULL;
		}
	}
	return ret;
}

void captures_free(struct captures *captures)
{
	if (!captures)
		return;
	for (uint32_t i = 0; i < captures->count; i++)
		PyMem_Free(captures->list[i].steps);
	py_drop(captures->kept);
	PyMem_Free(captures);
}

void captures_tag(const struct captures *captures, struct tags *tags, const struct source *source)
{
	const struct capture *capture = captures->list;
	struct py *value;

	for (uint32_t i = 0; i < captures->count; i++, capture++) {
		value = steps_follow(capture->steps, capture->count, source);
		if (value)
			value_tag(tags, capture->slot, value);
		py_drop(value);
	}
}
