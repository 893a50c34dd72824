/* SPDX-License-Identifier: Apache-2.0 */
#include "yaml_tree.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "userspace/base/str.h"

#define NODES_MAX   100000
#define ENTRIES_MAX 2000 /* of one mapping: doubles are sought one by one */

struct builder {
	yaml_parser_t parser;
	yaml_event_t event; /* the current one, released by next_event */
	struct wf_arena *arena;
	const char *file, *text;
	size_t len;
	uint32_t nodes;
	struct wf_err *err;
};

static int fail_at(struct builder *builder, size_t line, size_t column, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int fail_at(struct builder *builder, size_t line, size_t column, const char *fmt, ...)
{
	char what[320];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	return wf_err_set(builder->err, EINVAL, "%s:%zu:%zu: %s", builder->file, line + 1,
			  column + 1, what);
}

static int fail_mark(struct builder *builder, const char *what)
{
	yaml_mark_t mark = builder->event.start_mark;

	return fail_at(builder, mark.line, mark.column, "%s", what);
}

/* The reader of libyaml names a byte offset only. */
static int fail_offset(struct builder *builder, size_t offset, const char *what)
{
	size_t line = 0, start = 0;

	for (size_t i = 0; i < offset && i < builder->len; i++) {
		if (builder->text[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	return fail_at(builder, line, offset - start, "%s", what);
}

static bool tab_in_indent(const struct builder *builder, size_t line)
{
	const char *at = builder->text, *end = at + builder->len;

	for (; line > 0 && at; line--) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	while (at && at < end && *at == ' ')
		at++;
	return at && at < end && *at == '\t';
}

static int fail_syntax(struct builder *builder)
{
	const yaml_parser_t *parser = &builder->parser;
	const char *problem = parser->problem ? parser->problem : "broken";

	if (parser->error == YAML_MEMORY_ERROR)
		return wf_err_set(builder->err, ENOMEM, "out of memory");
	if (parser->error == YAML_READER_ERROR)
		return fail_offset(builder, parser->problem_offset,
				   strstr(problem, "control") ? "a control character"
							      : "not valid UTF-8");
	if (tab_in_indent(builder, parser->problem_mark.line))
		return fail_at(builder, parser->problem_mark.line, parser->problem_mark.column,
			       "a tab cannot indent; use spaces");
	return fail_at(builder, parser->problem_mark.line, parser->problem_mark.column,
		       "not valid YAML: %s", problem);
}

static int next_event(struct builder *builder)
{
	yaml_event_delete(&builder->event);
	memset(&builder->event, 0, sizeof(builder->event));
	if (!yaml_parser_parse(&builder->parser, &builder->event))
		return fail_syntax(builder);
	return 0;
}

static uint32_t characters(const char *text, size_t len)
{
	uint32_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

/* Offsets in a scalar are columns in the file if nothing was folded or unescaped. */
static void place_scalar(const struct builder *builder, struct wf_yaml *node, size_t len)
{
	const yaml_event_t *event = &builder->event;
	bool one_line = event->start_mark.line == event->end_mark.line;
	uint32_t quotes = node->plain ? 0 : 2;
	size_t width = event->end_mark.column - event->start_mark.column;

	node->place.text = node->text;
	node->place.exact = one_line && width == characters(node->text, len) + quotes;
	if (node->place.exact)
		node->place.column += quotes / 2;
}

static int make_scalar(struct builder *builder, struct wf_yaml *node)
{
	const char *text = (const char *)builder->event.data.scalar.value;
	size_t len = builder->event.data.scalar.length;

	if (memchr(text, '\0', len))
		return fail_mark(builder, "a text holds no NUL");
	node->kind = WF_YAML_SCALAR;
	node->plain = builder->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->text = wf_arena_strndup(builder->arena, text, len);
	if (!node->text)
		return wf_err_set(builder->err, ENOMEM, "%s: out of memory", builder->file);
	place_scalar(builder, node, len);
	return 0;
}

/* What makes YAML expensive or surprising. */
static int refuse_extras(struct builder *builder)
{
	const yaml_event_t *event = &builder->event;
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return fail_mark(builder, "aliases (*name) are not allowed");
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
		break;
	default:
		break;
	}
	if (anchor)
		return fail_mark(builder, "anchors (&name) are not allowed");
	if (tag)
		return fail_mark(builder, "tags (!name) are not allowed; quote the text");
	return 0;
}

static int read_node(struct builder *builder, unsigned depth, struct wf_yaml **ret);

static int read_list(struct builder *builder, unsigned depth, struct wf_yaml *list)
{
	const struct wf_yaml **tail = &list->first;
	int rc = next_event(builder);

	list->kind = WF_YAML_LIST;
	while (rc == 0 && builder->event.type != YAML_SEQUENCE_END_EVENT) {
		struct wf_yaml *item;

		rc = read_node(builder, depth, &item);
		if (rc < 0)
			return rc;
		*tail = item;
		tail = &item->next;
		list->count++;
		rc = next_event(builder);
	}
	return rc;
}

static int read_key(struct builder *builder, unsigned depth, const struct wf_yaml *mapping,
		    struct wf_yaml **ret)
{
	int rc = 0;

	if (builder->event.type != YAML_SCALAR_EVENT)
		rc = fail_mark(builder, "a key is a plain word");
	if (rc == 0 && mapping->count == ENTRIES_MAX)
		rc = fail_mark(builder, "this mapping has too many entries");
	if (rc == 0)
		rc = read_node(builder, depth, ret);
	if (rc < 0)
		return rc;
	for (const struct wf_yaml *other = mapping->first; other; other = other->next) {
		if (strcmp(other->key->text, (*ret)->text) == 0)
			return wf_yaml_fail(*ret, builder->err,
					    "key '%.80s' is there twice (first in line %u)",
					    (*ret)->text, other->key->place.line);
	}
	return 0;
}

static int read_mapping(struct builder *builder, unsigned depth, struct wf_yaml *mapping)
{
	const struct wf_yaml **tail = &mapping->first;
	int rc = next_event(builder);

	mapping->kind = WF_YAML_MAPPING;
	while (rc == 0 && builder->event.type != YAML_MAPPING_END_EVENT) {
		struct wf_yaml *key, *value;

		rc = read_key(builder, depth, mapping, &key);
		if (rc == 0)
			rc = next_event(builder);
		if (rc == 0)
			rc = read_node(builder, depth, &value);
		if (rc < 0)
			return rc;
		value->key = key;
		*tail = value;
		tail = &value->next;
		mapping->count++;
		rc = next_event(builder);
	}
	return rc;
}

/* The node whose first event is the current one; its last event is current afterwards. */
static int read_node(struct builder *builder, unsigned depth, struct wf_yaml **ret)
{
	struct wf_yaml *node;
	int rc = refuse_extras(builder);

	if (rc < 0)
		return rc;
	if (depth == 0)
		return fail_mark(builder, "nested too deep");
	if (++builder->nodes > NODES_MAX)
		return fail_mark(builder, "too many values for a profile");
	node = wf_arena_alloc(builder->arena, sizeof(*node));
	if (!node)
		return wf_err_set(builder->err, ENOMEM, "%s: out of memory", builder->file);
	node->place.file = builder->file;
	node->place.line = (uint32_t)builder->event.start_mark.line + 1;
	node->place.column = (uint32_t)builder->event.start_mark.column + 1;
	*ret = node;
	if (builder->event.type == YAML_SCALAR_EVENT)
		return make_scalar(builder, node);
	if (builder->event.type == YAML_SEQUENCE_START_EVENT)
		return read_list(builder, depth - 1, node);
	return read_mapping(builder, depth - 1, node);
}

static int read_document(struct builder *builder, struct wf_yaml **ret)
{
	int rc = next_event(builder); /* start of the stream */

	if (rc == 0)
		rc = next_event(builder);
	if (rc < 0)
		return rc;
	if (builder->event.type == YAML_STREAM_END_EVENT)
		return fail_mark(builder, "the file is empty");
	rc = next_event(builder);
	if (rc == 0)
		rc = read_node(builder, WF_YAML_DEPTH_MAX, ret);
	if (rc == 0)
		rc = next_event(builder); /* end of the document */
	if (rc == 0)
		rc = next_event(builder);
	if (rc == 0 && builder->event.type != YAML_STREAM_END_EVENT)
		return fail_mark(builder, "a profile is one document");
	return rc;
}

int wf_yaml_parse(struct wf_arena *arena, const char *file, const char *text, size_t len,
		  const struct wf_yaml **ret, struct wf_err *err)
{
	struct builder builder = {
		.arena = arena, .file = file, .text = text, .len = len, .err = err};
	struct wf_yaml *root = NULL;
	int rc;

	if (len > WF_YAML_BYTES_MAX)
		return wf_err_set(err, EFBIG, "%s: a profile has at most %u bytes", file,
				  WF_YAML_BYTES_MAX);
	if (!yaml_parser_initialize(&builder.parser))
		return wf_err_set(err, ENOMEM, "out of memory");
	yaml_parser_set_encoding(&builder.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&builder.parser, (const unsigned char *)text, len);
	rc = read_document(&builder, &root);
	yaml_event_delete(&builder.event);
	yaml_parser_delete(&builder.parser);
	if (rc == 0)
		*ret = root;
	return rc;
}

const struct wf_yaml *wf_yaml_get(const struct wf_yaml *mapping, const char *key)
{
	if (!mapping || mapping->kind != WF_YAML_MAPPING)
		return NULL;
	for (const struct wf_yaml *entry = mapping->first; entry; entry = entry->next) {
		if (strcmp(entry->key->text, key) == 0)
			return entry;
	}
	return NULL;
}

int wf_yaml_fail(const struct wf_yaml *node, struct wf_err *err, const char *fmt, ...)
{
	char what[320];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	return wf_place_err(&node->place, 0, err, EINVAL, "%s", what);
}
