/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue.c - hand-off by a key: the call that puts a job somewhere, found again by the call that
 * takes it. Keys are plain values; the oldest of too many are forgotten.
 */
#include "agent.h"

#define QUEUED_MAX 10000
#define FORGOTTEN  64 /* at a time, as the oldest stand behind places that are empty by now */

/* Short ones only, since they are held; an int of which an address is made as it is. */
static bool short_enough(struct py *value)
{
	bool fits = true;

	if (value->type == &PyUnicode_Type) {
		fits = PyUnicode_GetLength(value) <= (py_ssize)state.string_max;
	} else if (value->type == &PyLong_Type) {
		PyLong_AsDouble(value);
		fits = !PyErr_Occurred();
	}
	PyErr_Clear();
	return fits;
}

/* A new reference to what a dict can look up without running code of the target, or NULL. */
static struct py *plain_key(struct py *rule, const struct source *source)
{
	struct py *value = path_read(PyTuple_GetItem(rule, 1), source), *text;

	if (value && !value_plain(value)) {
		text = value_text(value);
		Py_DecRef(value);
		value = text;
	}
	if (value && (is_none(value) || !short_enough(value))) {
		Py_DecRef(value);
		value = NULL;
	}
	return value;
}

/* (name of the queue, key), or NULL. */
static struct py *key_of(struct py *rule, const struct source *source)
{
	struct py *value = plain_key(rule, source), *name, *ret;

	ret = value ? PyTuple_New(2) : NULL;
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
	struct py *keys[FORGOTTEN], *value;
	py_ssize position = 0;
	unsigned count = 0;

	while (count < FORGOTTEN && PyDict_Next(state.queues, &position, &keys[count], &value))
		Py_IncRef(keys[count++]);
	for (unsigned i = 0; i < count; i++) {
		PyDict_DelItem(state.queues, keys[i]);
		page_count(WF_AGENT_CNT_FORGOTTEN);
		Py_DecRef(keys[i]);
	}
}

/* A key that is given again names the newer call, and is as young as that. */
void queue_give(struct py *rule, const struct source *source, struct token *token)
{
	struct py *key = key_of(rule, source);

	if (!key)
		return;
	if (PyDict_GetItemWithError(state.queues, key))
		PyDict_DelItem(state.queues, key);
	else if (PyDict_Size(state.queues) >= QUEUED_MAX)
		forget_oldest();
	PyErr_Clear();
	PyDict_SetItem(state.queues, key, &token->head);
	PyErr_Clear();
	Py_DecRef(key);
}

struct token *queue_take(struct py *rule, const struct source *source, bool keep)
{
	struct py *key = key_of(rule, source), *ret;

	if (!key)
		return NULL;
	ret = PyDict_GetItemWithError(state.queues, key);
	if (ret) {
		Py_IncRef(ret);
		if (!keep)
			PyDict_DelItem(state.queues, key);
	}
	PyErr_Clear();
	Py_DecRef(key);
	return (struct token *)ret;
}
