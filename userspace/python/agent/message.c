/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message.c - the text of an exception, as str() would have it, where that runs the interpreter's
 * own code on plain values only. Else as much of it as can be told so: of other values the type.
 */
#include "agent.h"

#define DEPTH_MAX   4    /* of lists in lists */
#define COST_MAX    4096 /* characters and items, of all that a text is made of */
#define PIECE_CHARS 256
#define PIECES_MAX  16

/* Whether repr() of a value runs no code of the target, and not for long. */
static bool is_simple(struct py *value, unsigned depth, long *cost);

static bool items_are_simple(struct py *value, unsigned depth, long *cost)
{
	bool tuple = value->type == &PyTuple_Type, simple = depth < DEPTH_MAX;
	struct py *key, *item;
	py_ssize position = 0;

	if (value->type == &PyDict_Type) {
		while (simple && PyDict_Next(value, &position, &key, &item))
			simple =
				is_simple(key, depth + 1, cost) && is_simple(item, depth + 1, cost);
		return simple;
	}
	for (; simple && position < (tuple ? PyTuple_Size(value) : PyList_Size(value)); position++)
		simple = is_simple(tuple ? PyTuple_GetItem(value, position)
					 : PyList_GetItem(value, position),
				   depth + 1, cost);
	return simple;
}

static bool is_simple(struct py *value, unsigned depth, long *cost)
{
	const struct py *type = value->type;
	char *bytes = NULL;
	py_ssize size = 1;
	bool fits = true;

	if (type == &PyUnicode_Type) {
		size += PyUnicode_GetLength(value);
	} else if (type == &PyBytes_Type) {
		fits = !PyBytes_AsStringAndSize(value, &bytes, &size);
	} else if (type == &PyLong_Type) {
		PyLong_AsDouble(value); /* its digits take long, where there are many */
		fits = !PyErr_Occurred();
	} else if (type == &PyTuple_Type || type == &PyList_Type || type == &PyDict_Type) {
		fits = items_are_simple(value, depth, cost);
	} else {
		fits = value_plain(value);
	}
	PyErr_Clear();
	*cost += size;
	return fits && *cost <= COST_MAX;
}

static struct py *looked_up(struct py *type, const char *name)
{
	struct py *text = PyUnicode_InternFromString(name), *ret;

	ret = text && _PyType_Lookup ? _PyType_Lookup(type, text) : NULL;
	py_drop(text);
	return ret;
}

struct py *error_field(struct py *exception, struct py *base, const char *name)
{
	struct py *found = looked_up(base, name), *text, *ret = NULL;

	if (found && _PyObject_GenericGetAttrWithDict &&
	    found == looked_up(exception->type, name)) {
		text = PyUnicode_InternFromString(name);
		ret = text ? _PyObject_GenericGetAttrWithDict(exception, text, NULL, 1) : NULL;
		py_drop(text);
	}
	PyErr_Clear();
	return ret;
}

/* What these types make their text of, besides their arguments. */
static const struct own {
	struct py **type;
	const char *fields[5];
} owns[] = {
	{&PyExc_OSError, {"errno", "strerror", "filename", "filename2"}},
	{&PyExc_SyntaxError, {"msg", "filename"}},
	{&PyExc_UnicodeEncodeError, {"encoding", "reason"}},
	{&PyExc_UnicodeDecodeError, {"encoding", "reason"}},
	{&PyExc_UnicodeTranslateError, {"reason"}},
	{&PyExc_BaseExceptionGroup, {"message"}},
};

static const struct own *own_of(struct py *type)
{
	for (unsigned i = 0; i < sizeof(owns) / sizeof(*owns); i++)
		if (owns[i].type && PyType_IsSubtype(type, *owns[i].type))
			return &owns[i];
	return NULL;
}

static bool fields_are_simple(struct py *exception, const struct own *own)
{
	bool simple = true;
	long cost = 0;

	for (const char *const *name = own->fields; simple && *name; name++) {
		struct py *field = error_field(exception, *own->type, *name);

		simple = field && is_simple(field, 0, &cost);
		py_drop(field);
	}
	return simple;
}

/* Whether str() of it is the interpreter's own doing, from plain values. */
static bool is_plain(struct py *exception, const struct own *own, struct py *args)
{
	bool reads_args = !own || *own->type == PyExc_OSError || *own->type == PyExc_SyntaxError;
	long cost = 0;

	return (!own || fields_are_simple(exception, own)) &&
	       (!reads_args || is_simple(args, 0, &cost));
}

/* Takes the reference to what is added. */
static void add(struct py **text, struct py *more)
{
	struct py *sum = *text && more ? PyUnicode_Concat(*text, more) : NULL;

	py_drop(*text);
	py_drop(more);
	*text = sum;
}

static struct py *cut_text(struct py *value)
{
	struct py *cut = PyUnicode_Substring(value, 0, PIECE_CHARS);
	struct py *ret = cut ? PyObject_Repr(cut) : NULL;

	py_drop(cut);
	add(&ret, PyUnicode_FromString("..."));
	return ret;
}

static struct py *piece(struct py *value, bool quoted)
{
	struct py *ret;
	long cost = COST_MAX - PIECE_CHARS;

	if (is_simple(value, 0, &cost))
		return quoted ? PyObject_Repr(value) : PyObject_Str(value);
	if (value->type == &PyUnicode_Type)
		return cut_text(value);
	ret = PyUnicode_FromString("<");
	add(&ret, type_text(value->type));
	add(&ret, PyUnicode_FromString(">"));
	return ret;
}

/* As a tuple is written. */
static struct py *joined(struct py *args)
{
	struct py *ret = PyUnicode_FromString("(");
	py_ssize size = PyTuple_Size(args);

	for (py_ssize i = 0; i < size && i < PIECES_MAX; i++) {
		if (i)
			add(&ret, PyUnicode_FromString(", "));
		add(&ret, piece(PyTuple_GetItem(args, i), true));
	}
	add(&ret, PyUnicode_FromString(size > PIECES_MAX ? ", ...)" : ")"));
	return ret;
}

/* [Errno 2] No such file or directory: 'a' -> 'b' */
static struct py *of_system(struct py *exception)
{
	static const struct {
		const char *field, *before, *after;
		bool quoted;
	} parts[] = {
		{"errno", "[Errno ", "] ", false},
		{"strerror", "", "", false},
		{"filename", ": ", "", true},
		{"filename2", " -> ", "", true},
	};
	struct py *ret = PyUnicode_FromString(""), *field;

	for (unsigned i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		field = error_field(exception, PyExc_OSError, parts[i].field);
		if (field && !is_none(field)) {
			add(&ret, PyUnicode_FromString(parts[i].before));
			add(&ret, piece(field, parts[i].quoted));
			add(&ret, PyUnicode_FromString(parts[i].after));
		}
		py_drop(field);
	}
	return ret;
}

static bool has_field(struct py *exception, struct py *base, const char *name)
{
	struct py *field = error_field(exception, base, name);
	bool ret = field && !is_none(field);

	py_drop(field);
	return ret;
}

static struct py *first_text(struct py *args)
{
	struct py *first = PyTuple_Size(args) ? PyTuple_GetItem(args, 0) : NULL;

	if (!first || first->type != &PyUnicode_Type)
		return NULL;
	Py_IncRef(first);
	return first;
}

struct py *error_message(struct py *exception)
{
	struct py *args = error_field(exception, PyExc_BaseException, "args"), *ret = NULL;
	struct py *method = looked_up(exception->type, "__str__");
	const struct own *own = own_of(exception->type);

	if (!args || args->type != &PyTuple_Type)
		ret = NULL;
	else if (!method || method->type != &PyWrapperDescr_Type) /* written in Python */
		ret = first_text(args);
	else if (is_plain(exception, own, args))
		ret = PyObject_Str(exception);
	else if (own && *own->type == PyExc_OSError &&
		 has_field(exception, PyExc_OSError, "strerror"))
		ret = of_system(exception);
	else if (own && *own->type != PyExc_OSError)
		ret = NULL;
	else if (PyTuple_Size(args) > 1)
		ret = joined(args);
	else
		ret = first_text(args);
	PyErr_Clear();
	py_drop(args);
	return ret;
}
