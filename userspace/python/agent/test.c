/* SPDX-License-Identifier: Apache-2.0 */
/* test.c - compares that decide at entry whether a call becomes a span. Only plain values compare,
 * an absent one fails. */
#include "agent.h"

enum { OPERATOR_EQ = 2, OPERATOR_NE = 3, OPERATOR_IN = 6 }; /* 0..5 as the interpreter counts */

static bool number(const struct py *value)
{
	return value->type == &PyLong_Type || value->type == &PyFloat_Type ||
	       value->type == &PyBool_Type;
}

static bool comparable(const struct py *left, const struct py *right, long relation)
{
	if (!value_plain(left) || !value_plain(right))
		return false;
	if (relation == OPERATOR_EQ || relation == OPERATOR_NE)
		return true;
	return (number(left) && number(right)) ||
	       (left->type == &PyUnicode_Type && right->type == &PyUnicode_Type);
}

bool test_holds(struct py *value, long relation, struct py *constant)
{
	bool holds = false;

	if (relation == OPERATOR_IN) {
		for (py_ssize i = 0; !holds && i < PyTuple_Size(constant); i++)
			holds = test_holds(value, OPERATOR_EQ, PyTuple_GetItem(constant, i));
		return holds;
	}
	if (!comparable(value, constant, relation))
		return false;
	holds = PyObject_RichCompareBool(value, constant, (int)relation) == 1;
	PyErr_Clear();
	return holds;
}

bool guards_hold(const struct probe *probe, const struct source *source)
{
	bool any = probe->options & PROBE_GUARD_ANY, holds = true;
	struct py *test, *value;

	for (py_ssize i = 0; i < PyTuple_Size(probe->guards); i++) {
		test = PyTuple_GetItem(probe->guards, i);
		value = path_read(PyTuple_GetItem(test, 0), source);
		holds = value && test_holds(value, PyLong_AsLong(PyTuple_GetItem(test, 1)),
					    PyTuple_GetItem(test, 2));
		py_drop(value);
		if (holds == any)
			break;
	}
	return holds;
}
