/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error.c - what an exception that leaves a call says about itself: type, message, traceback.
 *
 * The traceback is told by the innermost span that the exception leaves.
 */
#include "agent.h"

#define TRACE_BYTES  2560
#define TRACE_FRAMES 40

static bool type_is(struct py *type, const char *wanted)
{
	struct py *text = type_text(type);
	py_ssize len = 0;
	const char *have = text ? PyUnicode_AsUTF8AndSize(text, &len) : NULL;
	bool same = have != NULL;

	for (; same && *wanted; wanted++, have++)
		same = *have == *wanted;
	same = same && !*have;
	py_drop(text);
	return same;
}

static bool cancelled(struct py *exception)
{
	return PyType_IsSubtype(exception->type, PyExc_GeneratorExit) ||
	       type_is(exception->type, "asyncio.exceptions:CancelledError") ||
	       type_is(exception->type, "concurrent.futures._base:CancelledError");
}

struct trace {
	char text[TRACE_BYTES];
	size_t len;
};

static void add(struct trace *trace, const char *text, size_t len)
{
	for (size_t i = 0; i < len && trace->len < sizeof(trace->text); i++)
		trace->text[trace->len++] = text[i];
}

static void add_string(struct trace *trace, const char *text)
{
	size_t len = 0;

	while (text[len])
		len++;
	add(trace, text, len);
}

static void add_object(struct trace *trace, struct py *text)
{
	py_ssize len = 0;
	const char *utf8 =
		text && text->type == &PyUnicode_Type ? PyUnicode_AsUTF8AndSize(text, &len) : NULL;

	if (utf8)
		add(trace, utf8, len > 300 ? 300 : (size_t)len);
	PyErr_Clear();
}

static void add_number(struct trace *trace, long number)
{
	char digits[24];
	int at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0 && at > 0);
	add(trace, digits + at, sizeof(digits) - (size_t)at);
}

/* The entry of a wrapper is followed by that of the function it stands for: one call, one line. */
struct entry {
	struct py *code, *name, *file;
	long line, first;
};

static long number_of(struct py *object, const char *name)
{
	struct py *number = object ? PyObject_GetAttrString(object, name) : NULL;
	long ret = number ? PyLong_AsLong(number) : 0;

	PyErr_Clear();
	py_drop(number);
	return ret;
}

static struct entry entry_of(struct py *traceback)
{
	struct py *frame = PyObject_GetAttrString(traceback, "tb_frame");
	struct entry ret = {0};

	ret.code = frame ? PyObject_GetAttrString(frame, "f_code") : NULL;
	ret.name = ret.code ? PyObject_GetAttrString(ret.code, "co_name") : NULL;
	ret.file = ret.code ? PyObject_GetAttrString(ret.code, "co_filename") : NULL;
	ret.line = number_of(traceback, "tb_lineno");
	ret.first = number_of(ret.code, "co_firstlineno");
	PyErr_Clear();
	py_drop(frame);
	return ret;
}

static void entry_drop(struct entry *entry)
{
	py_drop(entry->code);
	py_drop(entry->name);
	py_drop(entry->file);
}

static bool wraps(const struct entry *outer, const struct entry *inner)
{
	return outer->line == outer->first && outer->first == inner->first && outer->file &&
	       outer->file == inner->file && outer->code != inner->code;
}

static void add_entry(struct trace *trace, const struct entry *entry)
{
	add_string(trace, "  File \"");
	add_object(trace, entry->file);
	add_string(trace, "\", line ");
	add_number(trace, entry->line);
	add_string(trace, ", in ");
	add_object(trace, entry->name);
	add_string(trace, "\n");
}

static struct py *next_of(struct py *traceback)
{
	struct py *next = PyObject_GetAttrString(traceback, "tb_next");

	if (next && is_none(next)) {
		Py_DecRef(next);
		next = NULL;
	}
	PyErr_Clear();
	return next;
}

/* Whether the traceback goes through this code: an exception may have the address of an old one. */
static bool goes_through(struct py *traceback, struct py *code)
{
	struct py *next;
	struct entry entry;
	bool found = false;

	Py_IncRef(traceback);
	for (unsigned i = 0; traceback && !found && i < TRACE_FRAMES * 4; i++) {
		entry = entry_of(traceback);
		found = entry.code == code;
		entry_drop(&entry);
		next = next_of(traceback);
		Py_DecRef(traceback);
		traceback = next;
	}
	py_drop(traceback);
	return found;
}

static void trace_tag(struct tags *tags, struct py *traceback)
{
	struct trace trace = {.len = 0};
	struct entry last = {0}, entry;
	struct py *next;

	Py_IncRef(traceback);
	for (unsigned i = 0; traceback && i < TRACE_FRAMES; i++) {
		entry = entry_of(traceback);
		if (last.code && !wraps(&last, &entry))
			add_entry(&trace, &last);
		entry_drop(&last);
		last = entry;
		next = next_of(traceback);
		Py_DecRef(traceback);
		traceback = next;
	}
	if (last.code)
		add_entry(&trace, &last);
	entry_drop(&last);
	if (traceback)
		add_string(&trace, "  ...\n");
	py_drop(traceback);
	tags_text(tags, WF_AGENT_SLOT_TRACEBACK, WF_VAL_STRING, trace.text, trace.len, trace.len);
}

void error_describe(struct tags *tags, struct py *exception)
{
	struct py *type = type_text(exception->type), *message;

	if (type)
		value_tag(tags, WF_AGENT_SLOT_TYPE, type);
	py_drop(type);
	message = error_message(exception);
	if (message)
		value_tag(tags, WF_AGENT_SLOT_MESSAGE, message);
	py_drop(message);
}

void error_trace(struct tags *tags, struct py *exception)
{
	struct py *traceback = error_field(exception, PyExc_BaseException, "__traceback__");

	if (traceback && !is_none(traceback))
		trace_tag(tags, traceback);
	py_drop(traceback);
}

void error_tag(struct tags *tags, struct token *token, struct py *exception)
{
	struct py *traceback = error_field(exception, PyExc_BaseException, "__traceback__");
	struct token *outer = token->outer;
	bool quiet = token->told == (uint64_t)exception && token->told_by && traceback &&
		     !is_none(traceback) && goes_through(traceback, token->told_by);

	tags->record->status = cancelled(exception) ? WF_AGENT_CANCELLED : WF_AGENT_RAISED;
	error_describe(tags, exception);
	if (quiet)
		tags->record->flags |= WF_AGENT_QUIET;
	else if (tags->record->status == WF_AGENT_RAISED && traceback && !is_none(traceback))
		trace_tag(tags, traceback);
	if (outer && outer->open) {
		outer->told = (uint64_t)exception;
		outer->told_by = token->probe->code;
	}
	py_drop(traceback);
}
