/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path.c - follows a compiled path to a value, without running code of the target.
 *
 * A path is a tuple of steps, a step is (operation, argument); the Python part has checked both.
 * Lookups go to the storage of objects, past overridden methods. Only the steps that the user
 * marked with `!` may run code.
 */
#include "agent.h"

enum root_operation {
	ROOT_VALUE,
	ROOT_FRAME,
	ROOT_RESULT,
	ROOT_EXCEPTION,
	ROOT_CALLER,
	ROOT_CONSTANT,
};

enum step_operation {
	STEP_ATTR = 10,
	STEP_ATTR_ANY,
	STEP_CALL,
	STEP_ITEM,
	STEP_LEN,
	STEP_TYPE,
	STEP_EACH,
	STEP_FIRST,
	STEP_ID,
	STEP_CELL,
};

static struct py *counted(struct py *borrowed)
{
	if (borrowed)
		Py_IncRef(borrowed);
	return borrowed;
}

static struct py *frame_value(struct py *frame, struct py *name)
{
	struct py *locals, *ret;

	if (PyFrame_GetVar)
		return PyFrame_GetVar(frame, name);
	locals = PyObject_GetAttrString(frame, "f_locals");
	ret = locals && locals->type == &PyDict_Type
		      ? counted(PyDict_GetItemWithError(locals, name))
		      : NULL;
	py_drop(locals);
	return ret;
}

static struct py *caller_value(struct py *name)
{
	struct py *frame = PyEval_GetFrame();
	struct py *back = frame ? PyObject_GetAttrString(frame, "f_back") : NULL, *ret = NULL;

	if (back && !is_none(back))
		ret = frame_value(back, name);
	py_drop(back);
	return ret;
}

struct step step_of(struct py *pair)
{
	struct step ret = {
		.operation = PyLong_AsLong(PyTuple_GetItem(pair, 0)),
		.argument = PyTuple_GetItem(pair, 1),
	};

	if (ret.operation == ROOT_VALUE)
		ret.index = PyLong_AsLong(ret.argument);
	return ret;
}

static struct py *root_value(const struct step *root, const struct source *source)
{
	struct py *argument = root->argument;

	switch (root->operation) {
	case ROOT_VALUE:
		return root->index >= 0 && root->index < source->count
			       ? counted(source->values[root->index])
			       : NULL;
	case ROOT_FRAME:
		return source->frame ? frame_value(source->frame, argument) : NULL;
	case ROOT_RESULT:
		return counted(source->result);
	case ROOT_EXCEPTION:
		return counted(source->exception);
	case ROOT_CALLER:
		return caller_value(argument);
	case ROOT_CONSTANT:
		return counted(argument);
	default:
		return NULL;
	}
}

static bool type_has(struct py *type, struct py *name)
{
	return _PyType_Lookup(type, name) != NULL;
}

static struct py *stored(struct py *object, struct py *name)
{
	struct py *dict = PyObject_GenericGetDict(object, NULL), *ret = NULL;

	if (dict && dict->type == &PyDict_Type)
		ret = counted(PyDict_GetItemWithError(dict, name));
	py_drop(dict);
	return ret;
}

/* args and the like of an exception: the interpreter's own getters. */
static bool of_exceptions(struct py *found, struct py *type, struct py *name)
{
	return PyType_IsSubtype(type, PyExc_BaseException) &&
	       found == _PyType_Lookup(PyExc_BaseException, name);
}

/* Slots and __dict__; attributes of the class that have no getter. Never a property. */
struct py *attribute_read(struct py *object, struct py *name)
{
	bool class = PyType_GetFlags(object->type) & PY_FLAG_TYPE;
	struct py *found, *ret = NULL;

	if (!_PyType_Lookup || !_PyObject_GenericGetAttrWithDict)
		return NULL;
	found = _PyType_Lookup(class ? object : object->type, name);
	if (class)
		ret = found && !type_has(found->type, state.get_name) ? counted(found) : NULL;
	else if (!found || found->type == &PyMemberDescr_Type ||
		 !type_has(found->type, state.get_name) || of_exceptions(found, object->type, name))
		ret = _PyObject_GenericGetAttrWithDict(object, name, NULL, 1);
	else if (!type_has(found->type, state.set_name) &&
		 !type_has(found->type, state.delete_name))
		ret = stored(object, name);
	if (!ret)
		PyErr_Clear();
	return ret;
}

static struct py *item_read(struct py *object, struct py *key)
{
	unsigned long flags = PyType_GetFlags(object->type);
	py_ssize at, size;

	if (flags & PY_FLAG_DICT)
		return counted(PyDict_GetItemWithError(object, key));
	if (!(flags & (PY_FLAG_LIST | PY_FLAG_TUPLE)) || key->type != &PyLong_Type)
		return NULL;
	at = PyLong_AsLong(key);
	size = flags & PY_FLAG_LIST ? PyList_Size(object) : PyTuple_Size(object);
	if (at < 0)
		at += size;
	if (at < 0 || at >= size)
		return NULL;
	return counted(flags & PY_FLAG_LIST ? PyList_GetItem(object, at)
					    : PyTuple_GetItem(object, at));
}

static struct py *length_of(struct py *object)
{
	struct py *method = _PyType_Lookup ? _PyType_Lookup(object->type, state.len_name) : NULL;
	py_ssize size;

	if (!method || method->type != &PyWrapperDescr_Type) /* written in Python */
		return NULL;
	size = PyObject_Size(object);
	return size < 0 ? NULL : PyLong_FromLongLong(size);
}

static struct py *steps_read(struct py *value, struct py *path, py_ssize from);

/* Items one by one; the list may change while we are at it. */
static struct py *nth(struct py *object, py_ssize at, struct py **iterator)
{
	unsigned long flags = PyType_GetFlags(object->type);

	if (flags & PY_FLAG_LIST)
		return at < PyList_Size(object) ? counted(PyList_GetItem(object, at)) : NULL;
	if (flags & PY_FLAG_TUPLE)
		return at < PyTuple_Size(object) ? counted(PyTuple_GetItem(object, at)) : NULL;
	if (!*iterator && (object->type == &PySet_Type || object->type == &PyFrozenSet_Type))
		*iterator = PyObject_GetIter(object);
	if (!*iterator && object->type == &PyDict_Type)
		*iterator = PyObject_CallMethodObjArgs(object, state.values_name, NULL);
	if (*iterator && !at && object->type == &PyDict_Type) {
		struct py *view = *iterator;

		*iterator = PyObject_GetIter(view);
		Py_DecRef(view);
	}
	return *iterator ? PyIter_Next(*iterator) : NULL;
}

enum aggregate { LIST_OF, COUNT_OF, SUM_OF, MIN_OF, MAX_OF, ANY_OF };

/* Takes the reference to item; *ret is the result so far. */
static void aggregate(long how, struct py **ret, struct py *item)
{
	enum { LESS, GREATER = 4 };
	struct py *sum;

	if (how == LIST_OF) {
		if (PyList_Size(*ret) < (py_ssize)state.items_max)
			PyList_Append(*ret, item);
	} else if (how == SUM_OF && item->type != &PyUnicode_Type && !is_none(item)) {
		sum = PyNumber_Add(*ret, item);
		if (sum) {
			Py_DecRef(*ret);
			*ret = counted(sum);
			Py_DecRef(sum);
		}
	} else if (how == MIN_OF || how == MAX_OF) {
		if (!*ret ||
		    PyObject_RichCompareBool(item, *ret, how == MIN_OF ? LESS : GREATER) == 1) {
			py_drop(*ret);
			*ret = counted(item);
		}
	}
	PyErr_Clear();
}

static struct py *first_result(long how)
{
	if (how == LIST_OF)
		return PyList_New(0);
	return how == SUM_OF ? PyLong_FromLongLong(0) : NULL;
}

#define ITEMS_SEEN_MAX 10000 /* a walk must end soon, whatever it walks on */

/* argument: (steps of an item, aggregate) */
static struct py *each_read(struct py *object, struct py *argument)
{
	struct py *steps = PyTuple_GetItem(argument, 0), *iterator = NULL, *item, *value, *ret;
	long how = PyLong_AsLong(PyTuple_GetItem(argument, 1)), count = 0, truth = 0;

	ret = first_result(how);
	for (py_ssize i = 0; i < ITEMS_SEEN_MAX && (item = nth(object, i, &iterator)); i++) {
		value = steps_read(item, steps, 0);
		if (value && (value_plain(value) || how == COUNT_OF)) {
			count++;
			truth |= value == &_Py_TrueStruct;
			aggregate(how, &ret, value);
		}
		PyErr_Clear();
		py_drop(value);
	}
	PyErr_Clear();
	py_drop(iterator);
	if (how == COUNT_OF)
		return PyLong_FromLongLong(count);
	if (how == ANY_OF)
		return counted(truth ? &_Py_TrueStruct : &_Py_FalseStruct);
	return ret;
}

/* argument: (steps of an item, relation, constant); the item for which it holds */
static struct py *first_read(struct py *object, struct py *argument)
{
	struct py *steps = PyTuple_GetItem(argument, 0), *iterator = NULL, *item, *value;
	struct py *constant = PyTuple_GetItem(argument, 2), *ret = NULL;
	long relation = PyLong_AsLong(PyTuple_GetItem(argument, 1));

	for (py_ssize i = 0; !ret && i < ITEMS_SEEN_MAX && (item = nth(object, i, &iterator));
	     i++) {
		Py_IncRef(item);
		value = steps_read(item, steps, 0);
		if (value && test_holds(value, relation, constant))
			ret = counted(item);
		py_drop(value);
		Py_DecRef(item);
		PyErr_Clear();
	}
	PyErr_Clear();
	py_drop(iterator);
	return ret;
}

static struct py *cell_read(struct py *cell)
{
	return cell->type == &PyCell_Type ? PyCell_Get(cell) : NULL;
}

static struct py *step(long operation, struct py *argument, struct py *value)
{
	switch (operation) {
	case STEP_ATTR:
		return attribute_read(value, argument);
	case STEP_ATTR_ANY:
		return PyObject_GetAttr(value, argument);
	case STEP_CALL:
		return PyObject_CallObject(value, NULL);
	case STEP_ITEM:
		return item_read(value, argument);
	case STEP_LEN:
		return length_of(value);
	case STEP_TYPE:
		return counted(value->type);
	case STEP_EACH:
		return each_read(value, argument);
	case STEP_FIRST:
		return first_read(value, argument);
	case STEP_ID:
		return PyLong_FromUnsignedLongLong((uint64_t)value);
	case STEP_CELL:
		return cell_read(value);
	default:
		return NULL;
	}
}

/* Takes the reference to value. */
static struct py *steps_read(struct py *value, struct py *path, py_ssize from)
{
	py_ssize count = PyTuple_Size(path);
	struct py *pair, *next;

	for (py_ssize i = from; value && i < count; i++) {
		pair = PyTuple_GetItem(path, i);
		next = step(PyLong_AsLong(PyTuple_GetItem(pair, 0)), PyTuple_GetItem(pair, 1),
			    value);
		Py_DecRef(value);
		value = next;
	}
	if (!value)
		PyErr_Clear();
	return value;
}

struct py *steps_follow(const struct step *steps, uint32_t count, const struct source *source)
{
	struct py *value = root_value(&steps[0], source), *next;

	for (uint32_t i = 1; value && i < count; i++) {
		next = step(steps[i].operation, steps[i].argument, value);
		Py_DecRef(value);
		value = next;
	}
	if (!value)
		PyErr_Clear();
	return value;
}

struct py *path_read(struct py *path, const struct source *source)
{
	struct step root = step_of(PyTuple_GetItem(path, 0));
	struct py *value = root_value(&root, source);

	if (!value)
		PyErr_Clear();
	return steps_read(value, path, 1);
}
