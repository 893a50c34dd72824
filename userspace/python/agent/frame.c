/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.c - open calls by their frame: coroutines, which may be resumed in another context than
 * they began in, and calls that ran already when their function was armed.
 *
 * Of the latter nobody has seen the beginning, and no context holds a token of theirs. One becomes
 * the current one when an armed function is called below it in a context that has none. The end of
 * such a call is announced like that of any other, since its code is watched by then.
 */
#include "agent.h"

#define TOKENS_MAX  65536 /* open coroutines; more make no span */
#define STACK_MAX   1000  /* frames of one stack looked at */
#define NESTED_MAX  64    /* armed calls on it */
#define THREADS_MAX 64

static struct table frames;
static uint32_t running;              /* of them ran already */
static uint64_t threads[THREADS_MAX]; /* where such calls go on; none where that is not known */
static uint32_t thread_count;
static bool anywhere;

/* A frame that died without an event left its token behind: it is abandoned when seen again. */
bool frame_put(struct token *token, void *frame)
{
	struct slot *slot;
	struct py *old;

	if (!table_grow(&frames, TOKENS_MAX))
		return false;
	slot = table_slot(&frames, frame);
	old = slot->key ? slot->value : NULL;
	frames.used += !slot->key;
	Py_IncRef(&token->head);
	*slot = (struct slot){frame, token};
	py_drop(old);
	return true;
}

struct token *frame_take(void *frame)
{
	struct token *token = table_take(&frames, frame);

	if (token && token_ran_before(token) && running)
		running--;
	return token;
}

struct token *frame_token(void *frame)
{
	return table_get(&frames, frame);
}

void frame_forget(void)
{
	table_empty(&frames, false);
	running = thread_count = 0;
	anywhere = false;
}

bool frame_any_ran(void)
{
	return running != 0;
}

static bool in_thread(uint64_t pointer)
{
	bool here = anywhere;

	for (uint32_t i = 0; !here && i < thread_count; i++)
		here = threads[i] == pointer;
	return here;
}

/* A child of a fork knows its parent's calls only if somebody has heard of them. */
static bool can_be_parent(const struct token *token)
{
	return token && token->open && token_ran_before(token) &&
	       (token->settled || token->alive == state.page->alive);
}

struct token *frame_running(void)
{
	struct py *frame, *back;
	struct token *token = NULL;

	if (!running || !PyFrame_GetBack || !in_thread(machine_thread()))
		return NULL;
	frame = PyEval_GetFrame();
	if (!frame)
		return NULL;
	Py_IncRef(frame);
	for (unsigned i = 0; frame && i < STACK_MAX; i++) {
		token = frame_token(frame);
		if (can_be_parent(token))
			break;
		token = NULL;
		back = PyFrame_GetBack(frame);
		Py_DecRef(frame);
		frame = back;
	}
	py_drop(frame);
	if (token)
		Py_IncRef(&token->head);
	return token;
}

static void note_thread(uint64_t pointer)
{
	if (in_thread(pointer))
		return;
	if (!pointer || thread_count == THREADS_MAX)
		anywhere = true;
	else
		threads[thread_count++] = pointer;
}

/* One call, from the outermost on: a new reference to what the next is below. */
static struct token *mark(struct probe *probe, struct py *frame, struct token *around,
			  uint64_t thread)
{
	struct token *token = frame_token(frame);

	if (!token) {
		token = token_found(probe, frame, around);
		if (token && frame_put(token, frame)) {
			running++;
			note_thread(thread);
		}
	} else {
		Py_IncRef(&token->head);
	}
	if (token)
		py_drop(around);
	return token ? token : around;
}

static struct probe *probe_at(struct py *frame, frame_probe *probe_of)
{
	struct py *code = PyFrame_GetCode(frame);
	struct probe *probe = code ? probe_of(code) : NULL;

	if (probe && (probe->options & PROBE_EVENT))
		probe = NULL;
	py_drop(code);
	return probe;
}

static void mark_stack(struct py *frame, uint64_t thread, frame_probe *probe_of)
{
	struct {
		struct py *frame;
		struct probe *probe;
	} found[NESTED_MAX];
	struct token *around = NULL;
	unsigned count = 0;
	struct py *back;

	Py_IncRef(frame);
	for (unsigned i = 0; frame && i < STACK_MAX && count < NESTED_MAX; i++) {
		found[count].frame = frame;
		found[count].probe = probe_at(frame, probe_of);
		count += found[count].probe != NULL;
		back = PyFrame_GetBack(frame);
		Py_DecRef(frame); /* a frame that is on a stack stays */
		frame = back;
	}
	py_drop(frame);
	while (count-- > 0)
		around = mark(found[count].probe, found[count].frame, around, thread);
	py_drop(around);
}

/* Those of one task, the outermost first. */
static void mark_coroutines(struct py *chain, frame_probe *probe_of)
{
	struct token *around = NULL;
	struct py *frame;
	struct probe *probe;

	for (py_ssize i = 0; i < PyTuple_Size(chain); i++) {
		frame = PyObject_GetAttrString(PyTuple_GetItem(chain, i), "cr_frame");
		probe = frame && !is_none(frame) ? probe_at(frame, probe_of) : NULL;
		if (probe)
			around = mark(probe, frame, around, 0);
		py_drop(frame);
	}
	PyErr_Clear();
	py_drop(around);
}

void frame_mark(struct py *current_frames, struct py *tasks, frame_probe *probe_of)
{
	struct py *stacks, *ident, *frame;
	py_ssize position = 0;

	if (!PyFrame_GetBack || !PyFrame_GetCode)
		return;
	stacks = PyObject_CallObject(current_frames, NULL);
	while (stacks && PyDict_Next(stacks, &position, &ident, &frame))
		mark_stack(frame, PyLong_AsUnsignedLongLongMask(ident), probe_of);
	for (py_ssize i = 0; i < PyTuple_Size(tasks); i++)
		mark_coroutines(PyTuple_GetItem(tasks, i), probe_of);
	PyErr_Clear();
	py_drop(stacks);
}
