/* SPDX-License-Identifier: Apache-2.0 */
/* probe.c - the object of an armed function. Wrapper code holds it as a constant, so it must
 * survive being pickled: in a process without the agent it is an empty string. */
#include "agent.h"

#define FIELDS 8 /* objects of struct probe */

static void probe_free(struct py *object)
{
	struct probe *probe = (struct probe *)object;
	struct py *type = object->type, **fields = &probe->guards;

	captures_free(probe->entry);
	captures_free(probe->exit);
	for (unsigned i = 0; i < FIELDS; i++)
		py_drop(fields[i]);
	PyObject_Free(object);
	Py_DecRef(type);
}

static struct py *reduce(struct py *self, struct py *const *args, py_ssize count)
{
	struct py *ret = PyTuple_New(2), *empty = PyTuple_New(0);

	(void)self;
	(void)args;
	(void)count;
	if (!ret || !empty) {
		py_drop(ret);
		py_drop(empty);
		return NULL;
	}
	Py_IncRef(&PyUnicode_Type);
	PyTuple_SetItem(ret, 0, &PyUnicode_Type);
	PyTuple_SetItem(ret, 1, empty);
	return ret;
}

/* False: no memory. */
static bool take_captures(struct captures **captures, struct py *pairs)
{
	*captures = is_none(pairs) ? NULL : captures_make(pairs);
	return *captures || is_none(pairs);
}

/* rule, function, options, then the fields of struct probe in order; None: without. */
struct py *probe_make(struct py *const *args, py_ssize count)
{
	struct probe *probe;
	struct py **fields;

	if (count != 5 + FIELDS) {
		PyErr_SetString(PyExc_TypeError, "probe: wrong number of arguments");
		return NULL;
	}
	probe = (struct probe *)_PyObject_New(state.probe_type);
	if (!probe)
		return NULL;
	probe->rule = (uint32_t)PyLong_AsLong(args[0]);
	probe->function = (uint32_t)PyLong_AsLong(args[1]);
	probe->options = (uint32_t)PyLong_AsLong(args[2]);
	fields = &probe->guards;
	for (unsigned i = 0; i < FIELDS; i++) {
		fields[i] = is_none(args[5 + i]) ? NULL : args[5 + i];
		if (fields[i])
			Py_IncRef(fields[i]);
	}
	probe->exit = NULL;
	if (!take_captures(&probe->entry, args[3]) || !take_captures(&probe->exit, args[4])) {
		Py_DecRef(&probe->head);
		return PyErr_NoMemory();
	}
	if (probe->suppress)
		state.suppressing = true;
	return &probe->head;
}

int probe_setup(void)
{
	static struct py_method methods[] = {
		{"__reduce__", reduce, PY_METH_FASTCALL, NULL},
		{0},
	};
	static struct py_slot slots[] = {
		{PY_TP_DEALLOC, probe_free},
		{PY_TP_METHODS, methods},
		{0, NULL},
	};
	static struct py_type_spec spec = {"wftrace.Probe", sizeof(struct probe), 0, 0, slots};

	state.probe_type = PyType_FromSpec(&spec);
	return state.probe_type ? 0 : -1;
}
