/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.c - what wrapper code calls. The functions pretend to be ''.format and {}.get: when a
 * wrapper is pickled by value, which cloudpickle does with functions of a script, its copy in a
 * process without the agent calls those, which do nothing there.
 */
#include "agent.h"

static bool is_token(const struct py *object)
{
	return object->type == state.token_type;
}

/* enter(probe, values...): a token, or None */
static struct py *call_enter(struct py *self, struct py *const *args, py_ssize count)
{
	struct source source = {.values = args + 1, .count = count - 1};
	struct token *token;

	(void)self;
	if (!gate_open() || args[0]->type != state.probe_type)
		return py_none();
	if (state.rescan)
		gate_rescan();
	token = token_begin((struct probe *)args[0], &source);
	return token ? &token->head : py_none();
}

/* leave(token or None, exception or None, result, values...); the probe where `enter` was cut off
 */
static struct py *call_leave(struct py *self, struct py *const *args, py_ssize count)
{
	struct source source = {0};
	struct token *token = NULL;
	bool known;

	(void)self;
	if (args[0]->type == state.token_type)
		token = (struct token *)args[0];
	else if (args[0]->type == state.probe_type)
		token = token_inside((struct probe *)args[0]);
	if (!token)
		return py_none();
	if (count > 1 && !is_none(args[1]))
		source.exception = args[1];
	else if (count > 2)
		source.result = args[2];
	if (count > 3) {
		source.values = args + 3;
		source.count = count - 3;
	}
	known = (struct py *)token != args[0]; /* by the context alone */
	if (known)
		Py_IncRef(&token->head);
	token_end(token, &source);
	if (known)
		Py_DecRef(&token->head);
	return py_none();
}

static struct py *call_suspend(struct py *self, struct py *const *args, py_ssize count)
{
	(void)self;
	(void)count;
	if (is_token(args[0]))
		token_suspend((struct token *)args[0]);
	return py_none();
}

static struct py *call_resume(struct py *self, struct py *const *args, py_ssize count)
{
	(void)self;
	(void)count;
	if (is_token(args[0]))
		token_resume((struct token *)args[0]);
	return py_none();
}

/* drive(token or None, generator or coroutine): what to wait for instead of it */
static struct py *call_drive(struct py *self, struct py *const *args, py_ssize count)
{
	struct py *ret = NULL;

	(void)self;
	(void)count;
	if (is_token(args[0]))
		ret = drive_make((struct token *)args[0], args[1]);
	if (!ret) {
		PyErr_Clear();
		Py_IncRef(args[1]);
		ret = args[1];
	}
	return ret;
}

/* event(probe, values...): for rules that make no span */
static struct py *call_event(struct py *self, struct py *const *args, py_ssize count)
{
	struct source source = {.values = args + 1, .count = count - 1};

	(void)self;
	if (gate_open() && args[0]->type == state.probe_type)
		event_show((struct probe *)args[0], &source);
	return py_none();
}

static struct py_method disguised[] = {
	{"format", call_enter, PY_METH_FASTCALL, NULL},
	{"format", call_leave, PY_METH_FASTCALL, NULL},
	{"format", call_suspend, PY_METH_FASTCALL, NULL},
	{"format", call_resume, PY_METH_FASTCALL, NULL},
	{"format", call_event, PY_METH_FASTCALL, NULL},
	{"get", call_drive, PY_METH_FASTCALL, NULL},
};

static const char *const names[] = {"enter", "leave", "suspend", "resume", "event", "drive"};

int call_setup(struct py *module)
{
	struct py *text = PyUnicode_FromString(""), *dict = PyDict_New(), *function;
	int ret = 0;

	for (unsigned i = 0; text && dict && !ret && i < sizeof(names) / sizeof(*names); i++) {
		function = PyCFunction_NewEx(&disguised[i], i == 5 ? dict : text, NULL);
		ret = function ? PyModule_AddObject(module, names[i], function) : -1;
	}
	py_drop(text);
	py_drop(dict);
	return ret;
}
