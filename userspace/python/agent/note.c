/* SPDX-License-Identifier: Apache-2.0 */
/* note.c - records that are no calls: events, log lines, what was armed later. */
#include "agent.h"

struct note {
	struct wf_agent_record record;
	uint8_t bytes[WF_AGENT_BYTES_MAX - sizeof(struct wf_agent_record)];
};

static struct tags note_begin(struct note *note, enum wf_agent_kind kind)
{
	struct wf_agent_thread *thread;

	if (!state.page->alive)
		page_wake();
	thread = page_thread();
	__builtin_memset(&note->record, 0, sizeof(note->record));
	note->record.kind = (uint8_t)kind;
	note->record.start_ns = note->record.end_ns = clock_now();
	note->record.task_key = thread ? thread->task_key : 0;
	note->record.owner_tid = thread ? thread->tid : 0;
	return (struct tags){
		.record = &note->record,
		.bytes = note->bytes,
		.limit = sizeof(note->bytes),
	};
}

static void note_show(struct note *note)
{
	note->record.size = (uint16_t)(sizeof(note->record) + note->record.tag_bytes);
	page_count(WF_AGENT_CNT_NOTES);
	wf_site_note(&note->record, note->record.size);
}

static void belongs(struct note *note, const struct token *token)
{
	note->record.id = token->record.id;
	note->record.parent_id = token->record.parent_id;
	note->record.root_id = token->record.root_id;
	note->record.root_start_ns = token->record.root_start_ns;
	note->record.trace_hi = token->record.trace_hi;
	note->record.trace_lo = token->record.trace_lo;
}

/* The innermost open call, or that of one rule. */
static struct token *nearest(struct token *current, struct py *rule)
{
	struct token *token = current;

	for (unsigned i = 0; token && i < 256; i++, token = token->outer) {
		if (token->open && (!rule || (token->probe &&
					      token->probe->rule == (uint32_t)PyLong_AsLong(rule))))
			return token;
	}
	return NULL;
}

void event_show(struct probe *probe, const struct source *source)
{
	struct token *current = token_here(), *owner = nearest(current, probe->nearest);
	struct note note;
	struct tags tags;

	if (!probe->guards || guards_hold(probe, source)) {
		tags = note_begin(&note, WF_AGENT_EVENT);
		note.record.rule = probe->rule;
		note.record.function = probe->function;
		if (owner)
			belongs(&note, owner);
		if (probe->entry)
			captures_tag(probe->entry, &tags, source);
		note_show(&note);
	}
	py_drop(current);
}

/* note(kind, rule, function, text) */
static struct py *note_text(struct py *self, struct py *const *args, py_ssize count)
{
	struct note note;
	struct tags tags;

	(void)self;
	(void)count;
	if (!is_traced())
		return py_none();
	tags = note_begin(&note, (enum wf_agent_kind)PyLong_AsLong(args[0]));
	note.record.rule = (uint32_t)PyLong_AsLong(args[1]);
	note.record.function = (uint32_t)PyLong_AsLong(args[2]);
	value_tag(&tags, WF_AGENT_SLOT_TEXT, args[3]);
	PyErr_Clear();
	note_show(&note);
	return py_none();
}

/* log(rule, (slot, value, slot, value, ...), exception or None) */
static struct py *note_log(struct py *self, struct py *const *args, py_ssize count)
{
	struct token *current = token_here();
	struct note note;
	struct tags tags;

	(void)self;
	(void)count;
	if (is_traced()) {
		tags = note_begin(&note, WF_AGENT_LOG);
		note.record.rule = (uint32_t)PyLong_AsLong(args[0]);
		if (current)
			belongs(&note, current);
		for (py_ssize i = 0; i + 1 < PyTuple_Size(args[1]); i += 2)
			value_tag(&tags, (unsigned)PyLong_AsLong(PyTuple_GetItem(args[1], i)),
				  PyTuple_GetItem(args[1], i + 1));
		if (PyType_IsSubtype(args[2]->type, PyExc_BaseException)) {
			error_describe(&tags, args[2]);
			error_trace(&tags, args[2]);
		}
		note_show(&note);
	}
	PyErr_Clear();
	py_drop(current);
	return py_none();
}

struct py_method note_methods[] = {
	{"note", note_text, PY_METH_FASTCALL, NULL},
	{"log", note_log, PY_METH_FASTCALL, NULL},
	{0},
};
