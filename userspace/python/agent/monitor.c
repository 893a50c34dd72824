/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor.c - callbacks of sys.monitoring, from 3.12 on, for functions and coroutines.
 *
 * The token of a plain function is found in the chain of its context. A coroutine may be resumed in
 * another context than it began in, so its token stands in a table under its frame. Exceptions are
 * announced for every frame of the process: code that is not armed leaves at once.
 */
#include "agent.h"

#define TOKENS_MAX 65536 /* open coroutines; more make no span */
#define CHAIN_MAX  256

struct slot {
	void *key;
	void *value;
};

struct table {
	struct slot *slots;
	uint32_t mask, used;
};

static struct table probes, frames;

static uint32_t place(const struct table *table, const void *key)
{
	return (uint32_t)(((uint64_t)key >> 4) * 0x9E3779B97F4A7C15ULL >> 32) & table->mask;
}

static struct slot *slot_of(const struct table *table, const void *key)
{
	uint32_t at = place(table, key);

	while (table->slots[at].key && table->slots[at].key != key)
		at = (at + 1) & table->mask;
	return &table->slots[at];
}

static bool table_make(struct table *table, uint32_t size)
{
	struct table made = {.mask = size - 1};
	struct slot *slot;

	made.slots = PyMem_Malloc(size * sizeof(struct slot));
	if (!made.slots)
		return false;
	__builtin_memset(made.slots, 0, size * sizeof(struct slot));
	for (uint32_t i = 0; table->slots && i <= table->mask; i++) {
		if (!table->slots[i].key)
			continue;
		slot = slot_of(&made, table->slots[i].key);
		*slot = table->slots[i];
		made.used++;
	}
	if (table->slots)
		PyMem_Free(table->slots);
	*table = made;
	return true;
}

/* Room for one more, at most half full. */
static bool table_grow(struct table *table, uint32_t max)
{
	if (table->slots && table->used * 2 < table->mask)
		return true;
	if (table->used >= max)
		return false;
	return table_make(table, table->slots ? (table->mask + 1) * 2 : 256);
}

/* The entries behind a removed one move up, so that no mark stays. */
static void *table_take(struct table *table, const void *key)
{
	struct slot *slot = table->slots ? slot_of(table, key) : NULL;
	uint32_t hole, at, home;
	void *ret;

	if (!slot || !slot->key)
		return NULL;
	ret = slot->value;
	hole = (uint32_t)(slot - table->slots);
	for (at = (hole + 1) & table->mask; table->slots[at].key; at = (at + 1) & table->mask) {
		home = place(table, table->slots[at].key);
		if (((at - home) & table->mask) < ((at - hole) & table->mask))
			continue;
		table->slots[hole] = table->slots[at];
		hole = at;
	}
	table->slots[hole] = (struct slot){0};
	table->used--;
	return ret;
}

static struct probe *probe_of(struct py *code)
{
	return probes.slots ? slot_of(&probes, code)->value : NULL;
}

/* A frame that died without an event left its token behind: it is abandoned when seen again. */
static void frame_put(struct token *token, void *frame)
{
	struct slot *slot;
	struct py *old;

	if (!table_grow(&frames, TOKENS_MAX))
		return;
	slot = slot_of(&frames, frame);
	old = slot->key ? slot->value : NULL;
	frames.used += !slot->key;
	Py_IncRef(&token->head);
	*slot = (struct slot){frame, token};
	py_drop(old);
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
	struct slot *slot;
	void *frame;

	if (!(probe->options & PROBE_ASYNC)) {
		token = token_inside(probe);
		if (token && token->skip) {
			token->skip--;
			return NULL;
		}
		if (token)
			Py_IncRef(&token->head);
		return token;
	}
	frame = PyEval_GetFrame();
	if (take)
		return table_take(&frames, frame);
	slot = frames.slots ? slot_of(&frames, frame) : NULL;
	if (!slot || !slot->key)
		return NULL;
	token = slot->value;
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

static struct py *on_unwind(struct py *self, struct py *const *args, py_ssize count)
{
	(void)self;
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

static void table_empty(struct table *table, bool keys)
{
	struct table old = *table;

	*table = (struct table){0};
	for (uint32_t i = 0; old.slots && i <= old.mask; i++) {
		if (keys)
			py_drop(old.slots[i].key);
		py_drop(old.slots[i].value);
	}
	if (old.slots)
		PyMem_Free(old.slots);
}

/* watch({code: probe}): instead of all before; open coroutines stay known */
static struct py *watch(struct py *self, struct py *const *args, py_ssize count)
{
	struct table made = {0}, old = probes;
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
		*slot_of(&made, code) = (struct slot){code, probe};
		made.used++;
	}
	probes = made;
	table_empty(&old, true);
	if (!probes.used)
		table_empty(&frames, false);
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
