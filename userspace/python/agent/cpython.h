/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpython.h - the part of CPython's binary interface that the agent uses, declared by hand.
 *
 * Python.h is not used: its macros bake the layout of one version into the object, and one .so
 * serves 3.8 to 3.15. What is relied on is unchanged in all of them: the type pointer at +8 of an
 * object, and the shapes of PyMethodDef, PyModuleDef, PyType_Spec and PyType_Slot. References are
 * counted by calls only. Weak: not in every version, or private; without it a feature is lost.
 */
#ifndef WF_AGENT_CPYTHON_H
#define WF_AGENT_CPYTHON_H

#include <stddef.h>

typedef long py_ssize;

struct py {
	py_ssize refs;
	struct py *type;
};

#define PY_WEAK __attribute__((weak))

typedef struct py *(*py_fastcall)(struct py *self, struct py *const *args, py_ssize count);

typedef int (*py_visit)(struct py *object, void *context);

struct py_method {
	const char *name;
	py_fastcall call;
	int flags;
	const char *doc;
};

struct py_slot {
	int id;
	void *value;
};

struct py_type_spec {
	const char *name;
	int size, item_size;
	unsigned flags;
	struct py_slot *slots;
};

struct py_module_def {
	struct py head;
	void *init;
	py_ssize index;
	void *copy;
	const char *name, *doc;
	py_ssize size;
	struct py_method *methods;
	struct py_slot *slots;
	void *traverse, *clear, *free;
};

enum {
	PY_METH_VARARGS = 0x01,
	PY_METH_FASTCALL = 0x80,
	PY_MODULE_EXEC = 2,
	PY_TP_CLEAR = 51,
	PY_TP_DEALLOC = 52,
	PY_TP_ITER = 62,
	PY_TP_ITERNEXT = 63,
	PY_TP_METHODS = 64,
	PY_TP_TRAVERSE = 71,
	PY_AM_AWAIT = 77,
	PY_FLAG_GC = 1 << 14,
	PY_FLAG_LONG = 1 << 24,
	PY_FLAG_LIST = 1 << 25,
	PY_FLAG_TUPLE = 1 << 26,
	PY_FLAG_UNICODE = 1 << 28,
	PY_FLAG_DICT = 1 << 29,
	PY_FLAG_TYPE = 1U << 31,
};

extern struct py _Py_NoneStruct, _Py_TrueStruct, _Py_FalseStruct;
extern struct py PyType_Type, PyUnicode_Type, PyLong_Type, PyBool_Type, PyFloat_Type, PyBytes_Type;
extern struct py PyByteArray_Type, PyTuple_Type, PyList_Type, PyDict_Type, PySet_Type;
extern struct py PyFrozenSet_Type, PyWrapperDescr_Type, PyMemberDescr_Type, PyCell_Type,
	PyModule_Type;
extern struct py *PyExc_BaseException, *PyExc_GeneratorExit, *PyExc_StopIteration, *PyExc_OSError;
extern struct py *PyExc_SyntaxError, *PyExc_UnicodeEncodeError, *PyExc_UnicodeDecodeError;
extern struct py *PyExc_UnicodeTranslateError, *PyExc_BaseExceptionGroup PY_WEAK; /* 3.11 */

void Py_IncRef(struct py *object);
void Py_DecRef(struct py *object);
struct py *_PyObject_New(struct py *type);
struct py *PyObject_Init(struct py *memory, struct py *type);
void PyObject_Free(void *memory);
struct py *_PyObject_GC_New(struct py *type);
void PyObject_GC_Track(void *object);
void PyObject_GC_UnTrack(void *object);
void PyObject_GC_Del(void *object);
void *PyMem_Malloc(size_t bytes);
void PyMem_Free(void *memory);

struct py *PyModuleDef_Init(void *def);
struct py *PyType_FromSpec(void *spec);
unsigned long PyType_GetFlags(struct py *type);
int PyType_IsSubtype(struct py *type, struct py *base);
struct py *PyCFunction_NewEx(struct py_method *method, struct py *self, struct py *module);
int PyModule_AddObject(struct py *module, const char *name, struct py *value);

struct py *PyContextVar_New(const char *name, struct py *value);
int PyContextVar_Get(struct py *var, struct py *otherwise, struct py **ret);
struct py *PyContextVar_Set(struct py *var, struct py *value);
int PyContextVar_Reset(struct py *var, struct py *token);

struct py *PyErr_Occurred(void);
struct py *PyErr_NoMemory(void);
void PyErr_SetNone(struct py *type);
void PyErr_SetObject(struct py *type, struct py *value);
void PyErr_Clear(void);
void PyErr_Fetch(struct py **type, struct py **value, struct py **traceback);
void PyErr_Restore(struct py *type, struct py *value, struct py *traceback);
void PyErr_SetString(struct py *type, const char *text);
extern struct py *PyExc_TypeError;

const char *PyUnicode_AsUTF8AndSize(struct py *text, py_ssize *ret_bytes);
struct py *PyUnicode_FromString(const char *text);
struct py *PyUnicode_InternFromString(const char *text);
struct py *PyUnicode_Substring(struct py *text, py_ssize begin, py_ssize end);
struct py *PyUnicode_Concat(struct py *left, struct py *right);
py_ssize PyUnicode_GetLength(struct py *text);
struct py *PyUnicode_AsEncodedString(struct py *text, const char *coding, const char *errors);
int PyBytes_AsStringAndSize(struct py *bytes, char **ret, py_ssize *ret_bytes);
char *PyByteArray_AsString(struct py *bytes);
py_ssize PyByteArray_Size(struct py *bytes);
struct py *PyLong_FromLongLong(long long value);
struct py *PyLong_FromUnsignedLongLong(unsigned long long value);
unsigned long long PyLong_AsUnsignedLongLongMask(struct py *number);
long long PyLong_AsLongLongAndOverflow(struct py *number, int *ret_overflow);
long PyLong_AsLong(struct py *number);
double PyLong_AsDouble(struct py *number);
double PyFloat_AsDouble(struct py *number);
struct py *PyNumber_Rshift(struct py *left, struct py *right);
struct py *PyNumber_Add(struct py *left, struct py *right);
int PyObject_RichCompareBool(struct py *left, struct py *right, int op);
py_ssize PyObject_Size(struct py *object);
struct py *PyObject_Str(struct py *object);
struct py *PyObject_Repr(struct py *object);
struct py *PyObject_GetIter(struct py *object);
struct py *PyIter_Next(struct py *iterator);

struct py *PyTuple_New(py_ssize count);
py_ssize PyTuple_Size(struct py *tuple);
struct py *PyTuple_GetItem(struct py *tuple, py_ssize at);
int PyTuple_SetItem(struct py *tuple, py_ssize at, struct py *value);
struct py *PyList_New(py_ssize size);
int PyList_Append(struct py *list, struct py *value);
py_ssize PyList_Size(struct py *list);
struct py *PyList_GetItem(struct py *list, py_ssize at);
struct py *PyDict_New(void);
py_ssize PyDict_Size(struct py *dict);
struct py *PyDict_GetItemWithError(struct py *dict, struct py *key);
int PyDict_SetItem(struct py *dict, struct py *key, struct py *value);
int PyDict_DelItem(struct py *dict, struct py *key);
int PyDict_Next(struct py *dict, py_ssize *position, struct py **key, struct py **value);
py_ssize PySet_Size(struct py *set);
struct py *PyCell_Get(struct py *cell);

struct py *_PyType_Lookup(struct py *type, struct py *name) PY_WEAK;
struct py *_PyObject_GenericGetAttrWithDict(struct py *object, struct py *name, struct py *dict,
					    int quiet) PY_WEAK;
struct py *PyObject_GenericGetDict(struct py *object, void *context);
struct py *PyObject_GetAttr(struct py *object, struct py *name);
struct py *PyObject_GetAttrString(struct py *object, const char *name);
struct py *PyObject_CallFunctionObjArgs(struct py *callable, ...);
struct py *PyObject_CallMethodObjArgs(struct py *object, struct py *name, ...);
struct py *PyObject_CallObject(struct py *callable, struct py *args);

struct py *PyEval_GetFrame(void);
struct py *PyFrame_GetBack(struct py *frame) PY_WEAK;                 /* 3.9 */
struct py *PyFrame_GetCode(struct py *frame) PY_WEAK;                 /* 3.9 */
struct py *PyFrame_GetVar(struct py *frame, struct py *name) PY_WEAK; /* 3.12 */
void *PyThreadState_Get(void);
unsigned long long PyThreadState_GetID(void *state) PY_WEAK; /* 3.9 */
void *PyThread_tss_alloc(void);                              /* 3.7, as the next three */
int PyThread_tss_create(void *key);
int PyThread_tss_set(void *key, void *value);
void *PyThread_tss_get(void *key);
int PyIter_Send(struct py *iterator, struct py *value, struct py **ret) PY_WEAK; /* 3.10 */
struct py *_PyGen_Send(struct py *generator, struct py *value) PY_WEAK;          /* 3.8, 3.9 */

int clock_gettime(int clock, void *ret) PY_WEAK; /* of the libc that the process has */

#endif
