/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module.c - the .so as a module that the Python part loads without importing it.
 *
 * It is loaded once in the life of a process and never taken out: code of ours may be running in
 * any thread. A second tracer finds it, and uses it again.
 */
#include "agent.h"

static struct py *integers(const __u64 *values, unsigned count)
{
	struct py *ret = PyTuple_New(count), *number;

	for (unsigned i = 0; ret && i < count; i++) {
		number = PyLong_FromUnsignedLongLong(values[i]);
		if (!number) {
			Py_DecRef(ret);
			return NULL;
		}
		PyTuple_SetItem(ret, i, number);
	}
	return ret;
}

static struct py *current(struct py *self, struct py *const *args, py_ssize count)
{
	struct token *token = token_here();

	(void)self;
	(void)args;
	(void)count;
	return token ? &token->head : py_none();
}

/* adopt(token or None): it becomes the current one of this context */
static struct py *adopt(struct py *self, struct py *const *args, py_ssize count)
{
	(void)self;
	(void)count;
	token_set(args[0]->type == state.token_type ? (struct token *)args[0] : NULL);
	return py_none();
}

/* ids(token): plain numbers for another process, as foreign() takes them */
static struct py *ids(struct py *self, struct py *const *args, py_ssize count)
{
	const struct wf_agent_record *record;

	(void)self;
	(void)count;
	if (args[0]->type != state.token_type)
		return py_none();
	record = &((struct token *)args[0])->record;
	return integers((__u64[]){record->id, record->start_ns, record->root_id,
				  record->root_start_ns, record->trace_hi, record->trace_lo},
			6);
}

static struct py *foreign(struct py *self, struct py *const *args, py_ssize count)
{
	struct wf_agent_record ids = {0};
	__u64 values[6];
	struct token *token;

	(void)self;
	if (count != 6)
		return py_none();
	if (!state.page->alive)
		page_wake();
	for (unsigned i = 0; i < 6; i++)
		values[i] = PyLong_AsUnsignedLongLongMask(args[i]);
	PyErr_Clear();
	ids.id = values[0];
	ids.start_ns = values[1];
	ids.root_id = values[2];
	ids.root_start_ns = values[3];
	ids.trace_hi = values[4];
	ids.trace_lo = values[5];
	token = ids.id ? token_foreign(&ids) : NULL;
	return token ? &token->head : py_none();
}

static struct py *make_probe(struct py *self, struct py *const *args, py_ssize count)
{
	(void)self;
	return probe_make(args, count);
}

static struct py *gate(struct py *self, struct py *const *args, py_ssize count)
{
	(void)self;
	(void)args;
	(void)count;
	return PyLong_FromLongLong(wf_agent_gate);
}

static struct py *traced(struct py *self, struct py *const *args, py_ssize count)
{
	struct py *ret = is_traced() ? &_Py_TrueStruct : &_Py_FalseStruct;

	(void)self;
	(void)args;
	(void)count;
	Py_IncRef(ret);
	return ret;
}

static struct py *counters(struct py *self, struct py *const *args, py_ssize count)
{
	(void)self;
	(void)args;
	(void)count;
	return integers(state.page->counters, WF_AGENT_COUNTERS);
}

/* A number of its own in each process of a fork tree. */
static struct py *process(struct py *self, struct py *const *args, py_ssize count)
{
	(void)self;
	(void)args;
	(void)count;
	if (!state.page->alive)
		page_wake();
	return PyLong_FromUnsignedLongLong(state.page->alive);
}

/* running(calls): those that were there before their functions were armed, this time */
static struct py *running(struct py *self, struct py *const *args, py_ssize count)
{
	(void)self;
	(void)count;
	state.page->counters[WF_AGENT_CNT_RUNNING] = (uint64_t)PyLong_AsLong(args[0]);
	return py_none();
}

static void keep(struct py **place, struct py *value)
{
	struct py *old = *place;

	*place = is_none(value) ? NULL : value;
	if (*place)
		Py_IncRef(*place);
	py_drop(old);
}

/* callables(restore, rescan, iso text): None takes one away */
static struct py *callables(struct py *self, struct py *const *args, py_ssize count)
{
	(void)self;
	(void)count;
	keep(&state.restore, args[0]);
	keep(&state.rescan, args[1]);
	keep(&state.iso_text, args[2]);
	state.rescan_ns = 0;
	return py_none();
}

/* standard({type: how}, EnumMeta or None): types of the standard library that are loaded */
static struct py *standard(struct py *self, struct py *const *args, py_ssize count)
{
	(void)self;
	(void)count;
	keep(&state.converters, args[0]);
	keep(&state.enum_type, args[1]);
	return py_none();
}

/* sdk(ContextVar or None, key): where the SDK keeps its context, and its span in there */
static struct py *sdk(struct py *self, struct py *const *args, py_ssize count)
{
	(void)self;
	(void)count;
	keep(&state.sdk_var, args[0]);
	keep(&state.sdk_key, args[1]);
	return py_none();
}

/* settings(string bytes, list items, idle ns, publish threads) */
static struct py *settings(struct py *self, struct py *const *args, py_ssize count)
{
	(void)self;
	(void)count;
	state.string_max = (uint32_t)PyLong_AsLong(args[0]);
	state.items_max = (uint32_t)PyLong_AsLong(args[1]);
	state.idle_max_ns = (uint64_t)PyLong_AsLong(args[2]);
	state.context = PyLong_AsLong(args[3]) != 0;
	state.idle_since_ns = 0;
	return py_none();
}

/* owned(nonce, pid, armed functions): for the tracer to read from outside */
static struct py *owned(struct py *self, struct py *const *args, py_ssize count)
{
	(void)self;
	(void)count;
	if (!PyLong_AsLong(args[2]))
		open_tell();
	wf_agent_anchor.owner = PyLong_AsUnsignedLongLongMask(args[0]);
	wf_agent_anchor.owner_pid = (uint32_t)PyLong_AsLong(args[1]);
	wf_agent_anchor.armed = (uint32_t)PyLong_AsLong(args[2]);
	if (!wf_agent_anchor.armed) {
		keep(&state.sdk_var, &_Py_NoneStruct);
		keep(&state.sdk_key, &_Py_NoneStruct);
		py_drop(state.queues);
		state.queues = PyDict_New();
		state.suppressing = false;
		state.session++;
		token_free_spares();
	}
	return py_none();
}

static struct py_method methods[] = {
	{"current", current, PY_METH_FASTCALL, NULL},
	{"adopt", adopt, PY_METH_FASTCALL, NULL},
	{"ids", ids, PY_METH_FASTCALL, NULL},
	{"foreign", foreign, PY_METH_FASTCALL, NULL},
	{"probe", make_probe, PY_METH_FASTCALL, NULL},
	{"gate", gate, PY_METH_FASTCALL, NULL},
	{"traced", traced, PY_METH_FASTCALL, NULL},
	{"counters", counters, PY_METH_FASTCALL, NULL},
	{"process", process, PY_METH_FASTCALL, NULL},
	{"running", running, PY_METH_FASTCALL, NULL},
	{"callables", callables, PY_METH_FASTCALL, NULL},
	{"standard", standard, PY_METH_FASTCALL, NULL},
	{"sdk", sdk, PY_METH_FASTCALL, NULL},
	{"settings", settings, PY_METH_FASTCALL, NULL},
	{"owned", owned, PY_METH_FASTCALL, NULL},
	{0},
};

/* The getter of a field that every type has, bound: a metaclass cannot come between. */
static struct py *type_getter(const char *name)
{
	struct py *text = PyUnicode_InternFromString(name), *ret = NULL;
	struct py *descriptor = text && _PyType_Lookup ? _PyType_Lookup(&PyType_Type, text) : NULL;

	if (descriptor)
		ret = PyObject_GetAttrString(descriptor, "__get__");
	py_drop(text);
	return ret;
}

static bool names_setup(void)
{
	state.value_name = PyUnicode_InternFromString("_value_");
	state.get_name = PyUnicode_InternFromString("__get__");
	state.set_name = PyUnicode_InternFromString("__set__");
	state.delete_name = PyUnicode_InternFromString("__delete__");
	state.len_name = PyUnicode_InternFromString("__len__");
	state.values_name = PyUnicode_InternFromString("values");
	state.sdk_context = PyUnicode_InternFromString("_context");
	return state.value_name && state.get_name && state.set_name && state.delete_name &&
	       state.len_name && state.values_name && state.sdk_context;
}

static int method_setup(struct py *module, struct py_method *method)
{
	struct py *function;

	for (; method->name; method++) {
		function = PyCFunction_NewEx(method, NULL, NULL);
		if (!function || PyModule_AddObject(module, method->name, function))
			return -1;
	}
	return 0;
}

static int execute(struct py *module)
{
	if (page_start()) {
		PyErr_SetString(PyExc_TypeError, "no memory that a fork wipes (Linux 4.14)");
		return -1;
	}
	if (!state.var) {
		state.string_max = 2048;
		state.items_max = 32;
		state.idle_max_ns = 10000000000;
		state.types_are_visited = PyThreadState_GetID != NULL;
		state.queues = PyDict_New();
		state.module_of = type_getter("__module__");
		state.name_of = type_getter("__qualname__");
		if (!state.queues || !names_setup() || probe_setup() || drive_setup() ||
		    token_setup())
			return -1;
	}
	return call_setup(module) || method_setup(module, methods) ||
			       method_setup(module, monitor_methods) ||
			       method_setup(module, note_methods)
		       ? -1
		       : 0;
}

__attribute__((visibility("default"))) struct py *PyInit__wftrace(void);

__attribute__((visibility("default"))) struct py *PyInit__wftrace(void)
{
	static struct py_slot slots[] = {{PY_MODULE_EXEC, execute}, {0, NULL}};
	static struct py_module_def def = {.head.refs = 1, .name = "_wftrace", .slots = slots};

	return PyModuleDef_Init(&def);
}
