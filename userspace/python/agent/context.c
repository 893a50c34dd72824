/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context.c - parents that come from outside of the agent: the trace context of an incoming request
 * (W3C traceparent), and the current span of an OpenTelemetry SDK in the process.
 */
#include "agent.h"

#define PARENT_CHARS 55 /* 00-<32 hex>-<16 hex>-<2 hex> */

static const char *text_of(struct py *value, py_ssize *ret_bytes)
{
	char *bytes = NULL;
	const char *text = NULL;

	if (value->type == &PyUnicode_Type)
		text = PyUnicode_AsUTF8AndSize(value, ret_bytes);
	else if (value->type == &PyBytes_Type && !PyBytes_AsStringAndSize(value, &bytes, ret_bytes))
		text = bytes;
	PyErr_Clear();
	return text;
}

static bool hex(const char *text, unsigned digits, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < digits; i++) {
		char c = text[i];

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*ret = value;
	return true;
}

static bool shaped(const char *text, py_ssize len)
{
	if (!text || len < PARENT_CHARS || text[2] != '-' || text[35] != '-' || text[52] != '-')
		return false;
	return len == PARENT_CHARS || text[0] != '0' || text[1] != '0'; /* later versions may add */
}

static bool parse(struct token *token, struct py *value)
{
	struct wf_agent_record *record = &token->record;
	uint64_t version, hi, lo, parent, flags;
	py_ssize len = 0;
	const char *text = text_of(value, &len);

	if (!shaped(text, len))
		return false;
	if (!hex(text, 2, &version) || !hex(text + 3, 16, &hi) || !hex(text + 19, 16, &lo) ||
	    !hex(text + 36, 16, &parent) || !hex(text + 53, 2, &flags))
		return false;
	if (version == 0xff || !(hi | lo) || !parent)
		return false;
	record->trace_hi = hi;
	record->trace_lo = lo;
	record->parent_id = parent;
	record->flags |= WF_AGENT_REMOTE | (flags & 1 ? WF_AGENT_SAMPLED : 0);
	return true;
}

static bool named(struct py *key, const char *name)
{
	py_ssize len = 0;
	const char *text = text_of(key, &len);

	for (; text && len && *name; len--, text++, name++) {
		if ((*text | 0x20) != *name)
			return false;
	}
	return text && !len && !*name;
}

/* From a list or tuple of pairs, as servers keep headers, or an exact dict; a new reference. */
static struct py *header(struct py *headers, const char *name)
{
	unsigned long flags = PyType_GetFlags(headers->type);
	struct py *key, *value = NULL, *pair;
	py_ssize position = 0, size;

	if (flags & PY_FLAG_DICT) {
		while (PyDict_Next(headers, &position, &key, &value)) {
			if (named(key, name)) {
				Py_IncRef(value);
				return value;
			}
		}
		return NULL;
	}
	if (!(flags & (PY_FLAG_LIST | PY_FLAG_TUPLE)))
		return NULL;
	size = flags & PY_FLAG_LIST ? PyList_Size(headers) : PyTuple_Size(headers);
	for (py_ssize i = 0; i < size; i++) {
		pair = flags & PY_FLAG_LIST ? PyList_GetItem(headers, i)
					    : PyTuple_GetItem(headers, i);
		if (!pair || !(PyType_GetFlags(pair->type) & PY_FLAG_TUPLE) ||
		    PyTuple_Size(pair) != 2 || !named(PyTuple_GetItem(pair, 0), name))
			continue;
		value = PyTuple_GetItem(pair, 1);
		Py_IncRef(value);
		return value;
	}
	return NULL;
}

static void take_state(struct token *token, struct py *headers)
{
	struct py *value = header(headers, "tracestate");
	struct tags tags;
	py_ssize len = 0;
	const char *text = value ? text_of(value, &len) : NULL;

	tags = token_tags(token);
	if (text)
		tags_text(&tags, WF_AGENT_SLOT_TRACESTATE, WF_VAL_STRING, text, (size_t)len,
			  (size_t)len);
	py_drop(value);
}

static void join_remote(struct token *token, const struct source *source)
{
	struct py *value = path_read(token->probe->remote, source), *found;

	if (!value)
		return;
	found = header(value, "traceparent");
	if (parse(token, found ? found : value) && found)
		take_state(token, value);
	py_drop(found);
	PyErr_Clear();
	Py_DecRef(value);
}

/* The SpanContext of the SDK's current span: a tuple (trace id, span id, ...), or NULL. */
static struct py *sdk_span(void)
{
	struct py *context = NULL, *span, *ret = NULL;

	if (PyContextVar_Get(state.sdk_var, NULL, &context) || !context) {
		PyErr_Clear();
		return NULL;
	}
	span = PyType_GetFlags(context->type) & PY_FLAG_DICT
		       ? PyDict_GetItemWithError(context, state.sdk_key)
		       : NULL;
	if (span) {
		Py_IncRef(span);
		ret = attribute_read(span, state.sdk_context);
		Py_DecRef(span);
	}
	PyErr_Clear();
	Py_DecRef(context);
	if (ret && !(PyType_GetFlags(ret->type) & PY_FLAG_TUPLE)) {
		Py_DecRef(ret);
		ret = NULL;
	}
	return ret;
}

static uint64_t high_half(struct py *number)
{
	struct py *bits = PyLong_FromLongLong(64);
	struct py *high = bits ? PyNumber_Rshift(number, bits) : NULL;
	uint64_t ret = high ? PyLong_AsUnsignedLongLongMask(high) : 0;

	py_drop(high);
	py_drop(bits);
	return ret;
}

/* A span of the SDK that was not there when the call around began is nearer than that call. */
static void join_sdk(struct token *token, const struct token *around)
{
	struct wf_agent_record *record = &token->record;
	struct py *span = sdk_span(), *trace, *id;

	if (!span)
		return;
	trace = PyTuple_Size(span) > 1 ? PyTuple_GetItem(span, 0) : NULL;
	id = PyTuple_Size(span) > 1 ? PyTuple_GetItem(span, 1) : NULL;
	if (trace && id && trace->type == &PyLong_Type && id->type == &PyLong_Type) {
		token->sdk_seen = PyLong_AsUnsignedLongLongMask(id);
		if (token->sdk_seen && (!around || token->sdk_seen != around->sdk_seen)) {
			record->flags =
				(record->flags & ~(WF_AGENT_LINK | WF_AGENT_HANDED)) | WF_AGENT_SDK;
			record->parent_id = token->sdk_seen;
			record->parent_start_ns = record->root_id = record->root_start_ns = 0;
			record->link_id = record->link_root_id = 0;
			record->trace_hi = high_half(trace);
			record->trace_lo = PyLong_AsUnsignedLongLongMask(trace);
			py_drop(token->root);
			token->root = NULL;
		}
	}
	PyErr_Clear();
	Py_DecRef(span);
}

void context_join(struct token *token, const struct token *around, const struct source *source)
{
	const struct token *parent = token->record.parent_id ? around : NULL;

	if (token->probe->remote)
		join_remote(token, source);
	else if (state.sdk_var && !(token->probe->options & PROBE_ROOT))
		join_sdk(token, parent);
}
