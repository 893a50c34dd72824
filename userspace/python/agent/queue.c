/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue.c - hand-off by a key: the call that puts a job somewhere, found again by the call that
 * takes it. Keys are plain values; the oldest of too many is forgotten.
 */
#include "agent.h"

#define QUEUED_MAX 10000

/* (name of the queue, key), or NULL. */
static struct py *key_of(struct py *rule, const struct source *source)
{
	struct py *value = path_read(PyTuple_GetItem(rule, 1), source), *name, *ret = NULL;

	if (value && value_plain(value) && !is_none(value))
		ret = PyTuple_New(2);
	if (ret) {
		name = PyTuple_GetItem(rule, 0);
		Py_IncRef(name);
		Py_IncRef(value);
		PyTuple_SetItem(ret, 0, name);
		PyTuple_SetItem(ret, 1, value);
	}
	PyErr_Clear();
	py_drop(value);
	return ret;
}

static void forget_oldest(void)
{
	struct py *key = NULL, *value;
	py_ssize position = 0;

	if (!PyDict_Next(state.queues, &position, &key, &value))
		return;
	Py_IncRef(key);
	PyDict_DelItem(state.queues, key);
	Py_DecRef(key);
}

void queue_give(struct py *rule, const struct source *source, struct token *token)
{
	struct py *key = key_of(rule, source);

	if (!key)
		return;
	if (PyDict_Size(state.queues) >= QUEUED_MAX)
		forget_oldest();
	PyDict_SetItem(state.queues, key, &token->head);
	PyErr_Clear();
	Py_DecRef(key);
}

struct token *queue_take(struct py *rule, const struct source *source)
{
	struct py *key = key_of(rule, source), *ret;

	if (!key)
		return NULL;
	ret = PyDict_GetItemWithError(state.queues, key);
	if (ret) {
		Py_IncRef(ret);
		PyDict_DelItem(state.queues, key);
	}
	PyErr_Clear();
	Py_DecRef(key);
	return (struct token *)ret;
}
