/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value.c - from a Python object to a value in a record, without running code of the target.
 *
 * Exact built-in types are taken as they are, subclasses of str and int by their content, a few
 * types of the standard library by their text. Of everything else only the type's name is told.
 */
#include "agent.h"

enum { CONVERT_STR = 1, CONVERT_ISO = 2 };

bool value_plain(const struct py *value)
{
	const struct py *type = value->type;

	return type == &PyUnicode_Type || type == &PyLong_Type || type == &PyFloat_Type ||
	       type == &PyBool_Type || is_none(value);
}

static void text_tag(struct tags *tags, unsigned slot, unsigned type, struct py *text)
{
	py_ssize chars = PyUnicode_GetLength(text), bytes = 0;
	struct py *cut = NULL, *coded = NULL;
	const char *utf8;

	if (chars > (py_ssize)state.string_max) {
		cut = PyUnicode_Substring(text, 0, state.string_max);
		text = cut;
	}
	utf8 = text ? PyUnicode_AsUTF8AndSize(text, &bytes) : NULL;
	if (!utf8 && text) {
		PyErr_Clear(); /* lone surrogates */
		coded = PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
		if (coded && PyBytes_AsStringAndSize(coded, (char **)&utf8, &bytes))
			utf8 = NULL;
	}
	if (utf8)
		tags_text(tags, slot, type, utf8, (size_t)bytes,
			  cut ? (size_t)chars : (size_t)bytes);
	else
		tags_lost(tags);
	if (!utf8 || coded)
		PyErr_Clear();
	py_drop(coded);
	py_drop(cut);
}

/* An int whose digits are few enough to be written out quickly. */
static void big_tag(struct tags *tags, unsigned slot, struct py *number)
{
	struct py *text;

	PyLong_AsDouble(number);
	text = PyErr_Occurred() ? NULL : PyObject_Str(number);
	PyErr_Clear();
	if (text)
		text_tag(tags, slot, WF_AGENT_VAL_BIG, text);
	else
		tags_lost(tags);
	py_drop(text);
}

static void long_tag(struct tags *tags, unsigned slot, struct py *number)
{
	int overflow = 0;
	long long value = PyLong_AsLongLongAndOverflow(number, &overflow);

	if (!overflow)
		tags_number(tags, slot, WF_VAL_I64, (uint64_t)value);
	else if (number->type == &PyLong_Type)
		big_tag(tags, slot, number);
	else
		tags_lost(tags);
	PyErr_Clear();
}

static bool plain_tag(struct tags *tags, unsigned slot, struct py *value)
{
	const struct py *type = value->type;
	double number;
	uint64_t bits;

	if (type == &PyUnicode_Type) {
		text_tag(tags, slot, WF_VAL_STRING, value);
	} else if (type == &PyLong_Type) {
		long_tag(tags, slot, value);
	} else if (type == &PyBool_Type) {
		tags_number(tags, slot, WF_VAL_BOOL, value == &_Py_TrueStruct);
	} else if (type == &PyFloat_Type) {
		number = PyFloat_AsDouble(value);
		__builtin_memcpy(&bits, &number, sizeof(bits));
		tags_number(tags, slot, WF_VAL_F64, bits);
	} else if (is_none(value)) {
		tags_none(tags, slot);
	} else {
		return false;
	}
	return true;
}

static void set_tags(struct tags *tags, unsigned slot, struct py *set)
{
	struct py *iterator = PyObject_GetIter(set), *item;
	uint32_t count = 0;

	while (iterator && count < state.items_max && (item = PyIter_Next(iterator))) {
		if (plain_tag(tags, slot, item))
			count++;
		py_drop(item);
	}
	PyErr_Clear();
	py_drop(iterator);
}

/* A sequence is read by index, since the collector of the interpreter may run code meanwhile. */
static void item_tags(struct tags *tags, unsigned slot, struct py *value)
{
	bool tuple = value->type == &PyTuple_Type;
	struct py *item;
	py_ssize size;

	for (py_ssize i = 0; i < (py_ssize)state.items_max; i++) {
		size = tuple ? PyTuple_Size(value) : PyList_Size(value);
		if (i >= size)
			break;
		item = tuple ? PyTuple_GetItem(value, i) : PyList_GetItem(value, i);
		if (!item)
			break;
		Py_IncRef(item);
		plain_tag(tags, slot, item);
		Py_DecRef(item);
	}
	PyErr_Clear();
}

static bool list_tag(struct tags *tags, unsigned slot, struct py *value)
{
	const struct py *type = value->type;
	uint32_t at;
	py_ssize size;

	if (type == &PyTuple_Type)
		size = PyTuple_Size(value);
	else if (type == &PyList_Type)
		size = PyList_Size(value);
	else if (type == &PySet_Type || type == &PyFrozenSet_Type)
		size = PySet_Size(value);
	else
		return false;
	if (!tags_open(tags, slot, &at))
		return true;
	if (type == &PyTuple_Type || type == &PyList_Type)
		item_tags(tags, slot, value);
	else
		set_tags(tags, slot, value);
	tags_close(tags, at, (size_t)size);
	return true;
}

static struct py *name_part(struct py *getter, struct py *type)
{
	struct py *ret = getter ? PyObject_CallFunctionObjArgs(getter, type, NULL) : NULL;

	if (!ret)
		PyErr_Clear();
	if (ret && ret->type != &PyUnicode_Type) {
		Py_DecRef(ret);
		ret = NULL;
	}
	return ret;
}

struct py *type_text(struct py *type)
{
	struct py *module = name_part(state.module_of, type),
		  *name = name_part(state.name_of, type);
	struct py *colon = PyUnicode_FromString(":"), *ret = NULL, *head;

	if (module && name && colon) {
		head = PyUnicode_Concat(module, colon);
		ret = head ? PyUnicode_Concat(head, name) : NULL;
		py_drop(head);
	}
	PyErr_Clear();
	py_drop(colon);
	py_drop(name);
	py_drop(module);
	return ret;
}

static void type_tag(struct tags *tags, unsigned slot, struct py *type)
{
	struct py *text = type_text(type);

	if (text)
		text_tag(tags, slot, WF_AGENT_VAL_TYPE, text);
	else
		tags_lost(tags);
	py_drop(text);
}

static struct py *converted(struct py *value, long how)
{
	struct py *text = NULL;

	if (how == CONVERT_STR)
		text = PyObject_Str(value);
	else if (how == CONVERT_ISO)
		text = PyObject_CallFunctionObjArgs(state.iso_text, value, NULL);
	if (text && text->type != &PyUnicode_Type) {
		Py_DecRef(text);
		text = NULL;
	}
	PyErr_Clear();
	return text;
}

static void converted_tag(struct tags *tags, unsigned slot, struct py *value, long how)
{
	struct py *text = converted(value, how);

	if (text)
		text_tag(tags, slot, WF_VAL_STRING, text);
	else
		type_tag(tags, slot, value->type);
	PyErr_Clear();
	py_drop(text);
}

static bool bytes_tag(struct tags *tags, unsigned slot, struct py *value)
{
	py_ssize bytes = 0;
	char *at = NULL;

	if (value->type == &PyBytes_Type) {
		PyBytes_AsStringAndSize(value, &at, &bytes);
	} else if (value->type == &PyByteArray_Type) {
		at = PyByteArray_AsString(value);
		bytes = PyByteArray_Size(value);
	} else {
		return false;
	}
	if (at)
		tags_text(tags, slot, WF_AGENT_VAL_BYTES, at, (size_t)bytes, (size_t)bytes);
	return true;
}

static void enum_tag(struct tags *tags, unsigned slot, struct py *value)
{
	struct py *inner = attribute_read(value, state.value_name);

	if (!inner || !plain_tag(tags, slot, inner))
		type_tag(tags, slot, value->type);
	py_drop(inner);
}

/* A metaclass of the target could have a __hash__ of its own: its classes are not looked up. */
static struct py *converter_of(struct py *type)
{
	if (!state.converters || type->type != &PyType_Type)
		return NULL;
	return PyDict_GetItemWithError(state.converters, type);
}

struct py *value_text(struct py *value)
{
	struct py *how = converter_of(value->type);

	return how ? converted(value, PyLong_AsLong(how)) : NULL;
}

void value_tag(struct tags *tags, unsigned slot, struct py *value)
{
	unsigned long flags;
	struct py *how;

	if (plain_tag(tags, slot, value) || bytes_tag(tags, slot, value) ||
	    list_tag(tags, slot, value))
		return;
	how = converter_of(value->type);
	flags = PyType_GetFlags(value->type);
	if (how)
		converted_tag(tags, slot, value, PyLong_AsLong(how));
	else if (state.enum_type && PyType_IsSubtype(value->type->type, state.enum_type))
		enum_tag(tags, slot, value);
	else if (flags & PY_FLAG_UNICODE)
		text_tag(tags, slot, WF_VAL_STRING, value);
	else if (flags & PY_FLAG_LONG)
		long_tag(tags, slot, value);
	else
		type_tag(tags, slot, flags & PY_FLAG_TYPE ? value : value->type);
	PyErr_Clear();
}
