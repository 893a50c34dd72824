/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drive.c - stands between a wrapper and the generator or coroutine that it wraps, and sees each
 * suspension: `yield from drive(token, generator)`, `await drive(token, coroutine)`.
 */
#include "agent.h"

struct drive {
	struct py head;
	struct token *token;
	struct py *inner;
};

/* Tasks and their coroutines hold each other, so the interpreter must see through this one. */
static int drive_visit(struct py *object, py_visit visit, void *context)
{
	struct drive *drive = (struct drive *)object;
	int ret = drive->inner ? visit(drive->inner, context) : 0;

	if (!ret && state.types_are_visited)
		ret = visit(object->type, context);
	return ret;
}

static int drive_clear(struct py *object)
{
	struct drive *drive = (struct drive *)object;
	struct py *inner = drive->inner;

	drive->inner = NULL;
	py_drop(inner);
	return 0;
}

static void drive_free(struct py *object)
{
	struct drive *drive = (struct drive *)object;
	struct py *type = object->type;

	PyObject_GC_UnTrack(object);
	drive_clear(object);
	py_drop(drive->token);
	PyObject_GC_Del(object);
	Py_DecRef(type);
}

static struct py *itself(struct py *self)
{
	Py_IncRef(self);
	return self;
}

/* Suspended only where it gave a value: on return or exception the wrapper ends the span. */
static struct py *stepped(struct drive *drive, struct py *ret)
{
	if (ret)
		token_suspend(drive->token);
	return ret;
}

/* As an instance, since a tuple alone would be taken for arguments. */
static void stop_with(struct py *value)
{
	struct py *stop = PyObject_CallFunctionObjArgs(PyExc_StopIteration, value, NULL);

	if (stop)
		PyErr_SetObject(PyExc_StopIteration, stop);
	py_drop(stop);
}

static struct py *step(struct drive *drive, struct py *value)
{
	struct py *ret = NULL;

	if (!drive->inner)
		return NULL;
	token_resume(drive->token);
	if (!PyIter_Send)
		return stepped(drive, _PyGen_Send ? _PyGen_Send(drive->inner, value) : NULL);
	if (PyIter_Send(drive->inner, value, &ret) == 1)
		return stepped(drive, ret);
	if (ret) { /* returned: as an iterator says it */
		if (!is_none(ret))
			stop_with(ret);
		Py_DecRef(ret);
	}
	return NULL;
}

static struct py *drive_next(struct py *self)
{
	return step((struct drive *)self, &_Py_NoneStruct);
}

static struct py *drive_send(struct py *self, struct py *const *args, py_ssize count)
{
	struct py *ret = step((struct drive *)self, count ? args[0] : &_Py_NoneStruct);

	if (!ret && !PyErr_Occurred())
		PyErr_SetNone(PyExc_StopIteration);
	return ret;
}

static struct py *forward(struct drive *drive, const char *name, struct py *args)
{
	struct py *method, *ret;

	if (!drive->inner)
		return py_none();
	token_resume(drive->token);
	method = PyObject_GetAttrString(drive->inner, name);
	ret = method ? PyObject_CallObject(method, args) : NULL;
	py_drop(method);
	return ret;
}

static struct py *drive_throw(struct py *self, struct py *args)
{
	struct drive *drive = (struct drive *)self;

	return stepped(drive, forward(drive, "throw", args));
}

static struct py *drive_close(struct py *self, struct py *args)
{
	return forward((struct drive *)self, "close", args);
}

struct py *drive_make(struct token *token, struct py *inner)
{
	struct drive *drive = (struct drive *)_PyObject_GC_New(state.drive_type);

	if (!drive)
		return NULL;
	Py_IncRef(&token->head);
	Py_IncRef(inner);
	drive->token = token;
	drive->inner = inner;
	PyObject_GC_Track(drive);
	return &drive->head;
}

int drive_setup(void)
{
	static struct py_method methods[] = {
		{"send", drive_send, PY_METH_FASTCALL, NULL},
		{"throw", (py_fastcall)(void *)drive_throw, PY_METH_VARARGS, NULL},
		{"close", (py_fastcall)(void *)drive_close, PY_METH_VARARGS, NULL},
		{0},
	};
	static struct py_slot slots[] = {
		{PY_TP_DEALLOC, drive_free},   {PY_TP_ITER, itself},
		{PY_TP_ITERNEXT, drive_next},  {PY_TP_METHODS, methods},
		{PY_TP_TRAVERSE, drive_visit}, {PY_TP_CLEAR, drive_clear},
		{PY_AM_AWAIT, itself},         {0, NULL},
	};
	static struct py_type_spec spec = {"wftrace.Drive", sizeof(struct drive), 0, PY_FLAG_GC,
					   slots};

	state.drive_type = PyType_FromSpec(&spec);
	return state.drive_type ? 0 : -1;
}
