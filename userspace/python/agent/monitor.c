/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor.c - callbacks of sys.monitoring, from 3.12 on, for functions and coroutines.
 *
 * The token of a plain function is found in the chain of its context, that of a coroutine under its
 * frame.
 */
#include "agent.h"

static struct table probes;

static struct probe *probe_of(struct py *code)
{
	return table_get(&probes, code);
}

/* Making the frame's object costs a call that nothing is read of more than all the rest here. */
static bool reads_frame(const struct probe *probe)
{
	return probe->entry || probe->guards || probe->object || probe->remote || probe->give ||
	       probe->take || (probe->options & PROBE_ASYNC);
}

static struct py *on_start(struct py *self, struct py *const *args, py_ssize count)
{
	struct probe *probe = probe_of(args[0]);
	struct source source = {0};
	struct token *token, *inside;

	(void)self;
	(void)count;
	if (!probe || !gate_open())
		return py_none();
	if (state.rescan)
		gate_rescan();
	if (reads_frame(probe))
		source.frame = PyEval_GetFrame();
	if (probe->options & PROBE_EVENT) {
		event_show(probe, &source);
		return py_none();
	}
	token = token_begin(probe, &source);
	if (token && (probe->options & PROBE_ASYNC))
		frame_put(token, source.frame);
	if (!token && !(probe->options & PROBE_ASYNC)) {
		inside = token_inside(probe);
		if (inside)
			inside->skip++;
	}
	py_drop(token);
	return py_none();
}

/* A new reference; `take`: the call is over. */
static struct token *open_token(const struct probe *probe, bool take)
{
	struct token *token;
	void *frame;

	if (!(probe->options & PROBE_ASYNC)) {
		token = token_inside(probe);
		if (token && token->skip) {
			token->skip--;
			return NULL;
		}
		if (token)
			Py_IncRef(&token->head);
		else if (frame_any_ran())
			token = frame_take(PyEval_GetFrame());
		return token;
	}
	frame = PyEval_GetFrame();
	if (take)
		return frame_take(frame);
	token = frame_token(frame);
	if (token)
		Py_IncRef(&token->head);
	return token;
}

static struct py *leave(struct py *code, struct py *result, struct py *exception)
{
	struct probe *probe = probe_of(code);
	struct source source = {.result = result, .exception = exception};
	struct token *token;

	if (!probe || (probe->options & PROBE_EVENT))
		return py_none();
	token = open_token(probe, true);
	if (!token)
		return py_none();
	source.frame = probe->exit || probe->options & PROBE_GIVE_END ? PyEval_GetFrame() : NULL;
	token_end(token, &source);
	Py_DecRef(&token->head);
	return py_none();
}

static struct py *on_return(struct py *self, struct py *const *args, py_ssize count)
{
	(void)self;
	return leave(args[0], count > 2 ? args[2] : NULL, NULL);
}

/* Of every frame that an exception leaves, so code that is not armed is sent away at once. */
static struct py *on_unwind(struct py *self, struct py *const *args, py_ssize count)
{
	(void)self;
	if (!probe_of(args[0]))
		return &_Py_NoneStruct; /* immortal, where there is sys.monitoring */
	return leave(args[0], NULL, count > 2 ? args[2] : NULL);
}

static struct py *moved(struct py *code, void (*how)(struct token *token))
{
	struct probe *probe = probe_of(code);
	struct token *token;

	if (!probe || !(probe->options & PROBE_ASYNC) || (probe->options & PROBE_EVENT))
		return py_none();
	token = open_token(probe, false);
	if (token)
		how(token);
	py_drop(token);
	return py_none();
}

static struct py *on_yield(struct py *self, struct py *const *args, py_ssize count)
{
	(void)self;
	(void)count;
	return moved(args[0], token_suspend);
}

static struct py *on_resume(struct py *self, struct py *const *args, py_ssize count)
{
	(void)self;
	(void)count;
	return moved(args[0], token_resume);
}

/*
 * watch({code: probe}, sys._current_frames, tasks): instead of all before; open coroutines stay
 * known. The first time, calls that go on already are marked at once, before any of them can end.
 */
static struct py *watch(struct py *self, struct py *const *args, py_ssize count)
{
	struct table made = {0}, earlier = probes;
	struct py *code, *probe;
	py_ssize position = 0;

	(void)self;
	(void)count;
	while (PyDict_Next(args[0], &position, &code, &probe)) {
		if (!table_grow(&made, UINT32_MAX)) {
			table_empty(&made, true);
			return PyErr_NoMemory();
		}
		Py_IncRef(code);
		Py_IncRef(probe);
		*table_slot(&made, code) = (struct slot){code, probe};
		made.used++;
	}
	probes = made;
	if (!probes.used)
		frame_forget();
	else if (!earlier.used)
		frame_mark(args[1], args[2], probe_of);
	table_empty(&earlier, true);
	return py_none();
}

struct py_method monitor_methods[] = {
	{"on_start", on_start, PY_METH_FASTCALL, NULL},
	{"on_return", on_return, PY_METH_FASTCALL, NULL},
	{"on_unwind", on_unwind, PY_METH_FASTCALL, NULL},
	{"on_yield", on_yield, PY_METH_FASTCALL, NULL},
	{"on_resume", on_resume, PY_METH_FASTCALL, NULL},
	{"watch", watch, PY_METH_FASTCALL, NULL},
	{0},
};
