/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "json.h"
#include "line.h"
#include "text.h"
#include "userspace/base/str.h"

#define LINES_MAX        200
#define DEPTH_MAX        64
#define VALUE_COLUMNS    60
#define RUN_MIN          6 /* siblings of one name, without children: more are put in one line */
#define RUN_SHOWN        2
#define DURATION_COLUMNS 7
#define NARROW           80 /* a terminal that has no room to say which process */
#define BRANCH_COLUMNS   3
#define ALIGN_MAX        44 /* columns of branch and name, beyond which nothing is aligned */
#define KEY_VALUE_MIN    8  /* a value is shown if so much of it has room */

#define BOLD   "\033[1m"
#define DIM    "\033[2m"
#define RED    "\033[31m"
#define YELLOW "\033[33m"
#define CYAN   "\033[36m"
#define PLAIN  "\033[0m"

/* One line under way. */
struct line {
	const struct wf_style *style;
	struct wf_buf *out;
	unsigned room; /* columns left */
	unsigned full; /* columns there were */
};

struct tree {
	const struct wf_style *style;
	struct wf_buf *out;
	unsigned lines_left;
	unsigned column;      /* where the durations of children begin */
	uint32_t shown;       /* spans, those in folded lines too */
	bool last[DEPTH_MAX]; /* by depth: no sibling follows */
};

static struct line line_begin(const struct wf_style *style, struct wf_buf *out)
{
	unsigned full = style->width ? style->width : 1u << 20;

	return (struct line){style, out, full, full};
}

static void put_text(struct line *line, const char *colour, const char *text, size_t len)
{
	if (!line->room)
		return;
	if (line->style->colour)
		wf_buf_puts(line->out, colour);
	line->room -= wf_text_put(line->out, text, len, line->room, false);
	if (line->style->colour && *colour)
		wf_buf_puts(line->out, PLAIN);
}

static void put(struct line *line, const char *colour, const char *text)
{
	put_text(line, colour, text, strlen(text));
}

static void put_duration(struct line *line, const char *colour, uint64_t ns)
{
	char text[32];

	wf_format_duration(ns, text, sizeof(text));
	put(line, colour, text);
}

/* Attributes that say where code is and not what happened. */
static bool is_dull(const char *key)
{
	static const char *const dull[] = {"code.",      "thread.",    "process.",
					   "exception.", "error.type", "wftrace."};
	unsigned i;

	for (i = 0; i < sizeof(dull) / sizeof(*dull); i++)
		if (strncmp(key, dull[i], strlen(dull[i])) == 0)
			return true;
	return false;
}

static void value_text(const struct wf_value *value, struct wf_buf *text)
{
	wf_buf_init(text, 1u << 20);
	if (value->kind == WF_VALUE_STRING)
		wf_buf_append(text, value->string, value->count);
	else
		wf_json_value(text, value);
}

static bool same_value(const struct wf_value *a, const struct wf_value *b)
{
	struct wf_buf left, right;
	bool same;

	if (a->kind != b->kind)
		return false;
	value_text(a, &left);
	value_text(b, &right);
	same = left.len == right.len && (!left.len || !memcmp(left.data, right.data, left.len));
	wf_buf_done(&left);
	wf_buf_done(&right);
	return same;
}

/* What stands in the line above already. */
static bool is_inherited(const struct wf_attribute *attribute, const struct wf_attributes *above)
{
	for (uint32_t i = 0; above && i < above->count; i++)
		if (!strcmp(above->items[i].key, attribute->key))
			return same_value(&above->items[i].value, &attribute->value);
	return false;
}

/* "  key=value", or two dots where too little of it has room; false then. */
static bool put_attribute(struct line *line, const struct wf_attribute *attribute)
{
	unsigned key = wf_text_columns(attribute->key, strlen(attribute->key), line->room);
	struct wf_buf text;
	bool fits;

	value_text(&attribute->value, &text);
	fits = 2 + key + 1 + wf_text_columns(text.data ? text.data : "", text.len, KEY_VALUE_MIN) <=
	       line->room;
	put(line, "", "  ");
	if (fits) {
		unsigned columns;

		put(line, DIM, attribute->key);
		put(line, DIM, "=");
		columns = line->room < VALUE_COLUMNS ? line->room : VALUE_COLUMNS;
		if (text.data)
			line->room -= wf_text_put(line->out, text.data, text.len, columns, false);
	} else {
		put(line, DIM, "..");
	}
	wf_buf_done(&text);
	return fits;
}

static void put_attributes(struct line *line, const struct wf_attributes *attributes,
			   const struct wf_attributes *above)
{
	uint32_t i;

	for (i = 0; i < attributes->count && line->room > 4; i++) {
		const struct wf_attribute *attribute = &attributes->items[i];

		if (attribute->value.kind == WF_VALUE_NONE || is_dull(attribute->key) ||
		    is_inherited(attribute, above))
			continue;
		if (!put_attribute(line, attribute))
			return;
	}
}

static const struct wf_value *event_value(const struct wf_event *event, const char *key)
{
	uint32_t i;

	for (i = 0; i < event->attributes.count; i++)
		if (event->attributes.items[i].value.kind == WF_VALUE_STRING &&
		    strcmp(event->attributes.items[i].key, key) == 0)
			return &event->attributes.items[i].value;
	return NULL;
}

/* Type and message of the last exception, else the status message. */
static void put_error(struct line *line, const struct wf_span *span)
{
	const struct wf_value *type = NULL, *message = NULL;
	uint32_t i;

	for (i = 0; i < span->event_count; i++) {
		if (strcmp(span->events[i].name, "exception"))
			continue;
		type = event_value(&span->events[i], "exception.type");
		message = event_value(&span->events[i], "exception.message");
	}
	put(line, "", "  ");
	put(line, RED, line->style->utf8 ? "\u2717 " : "! ");
	if (type)
		put_text(line, RED, type->string, type->count);
	if (type && message)
		put(line, RED, ": ");
	if (message)
		put_text(line, RED, message->string, message->count);
	else if (!type)
		put(line, RED, span->status_message ? span->status_message : "error");
}

/* Fill up to where the durations of the tree begin. */
static void put_pad(struct line *line, unsigned column)
{
	while (line->room && line->full - line->room < column)
		put(line, "", " ");
}

/* above: the parent, NULL for a root; column: where the duration begins, 0 = after the name. */
static void put_span(struct line *line, const struct wf_node *node, const struct wf_span *above,
		     unsigned column)
{
	const struct wf_span *span = node->span;
	char text[64];

	put(line, span->status == WF_STATUS_ERROR ? BOLD RED : BOLD, span->name);
	put_pad(line, column);
	put(line, "", "  ");
	wf_format_duration(span->end_ns - span->start_ns, text, sizeof(text));
	put_pad(line, column ? column + 2 + DURATION_COLUMNS - (unsigned)strlen(text) : 0);
	put(line, CYAN, text);
	if (span->state == WF_SPAN_UNFINISHED)
		put(line, YELLOW, "  ~ unfinished");
	if (span->status == WF_STATUS_ERROR)
		put_error(line, span);
	put_attributes(line, &span->attributes, above ? &above->attributes : NULL);
	if (node->before) {
		snprintf(text, sizeof(text), "  (+ %" PRIu32 " spans shown or counted before)",
			 node->before);
		put(line, DIM, text);
	}
	wf_buf_putc(line->out, '\n');
}

#define SEVERITY_WARN  13 /* numbers of OTLP */
#define SEVERITY_ERROR 17

/* "WARNING  shelf 3 is empty  kiosk.desk" */
static void put_log(struct line *line, const struct wf_span *log)
{
	const char *colour = log->severity >= SEVERITY_ERROR  ? RED
			     : log->severity >= SEVERITY_WARN ? YELLOW
							      : DIM;

	put(line, colour, log->severity_text ? log->severity_text : "log");
	put(line, "", "  ");
	put(line, "", log->name);
	put(line, "", "  ");
	put(line, DIM, log->scope ? log->scope : "");
	wf_buf_putc(line->out, '\n');
}

/* The branch in front of a child at that depth (1 = child of the root). */
static void put_branch(struct line *line, const struct tree *tree, unsigned depth)
{
	bool utf8 = tree->style->utf8;
	unsigned i;

	for (i = 1; i < depth; i++)
		put(line, DIM, tree->last[i] ? "   " : utf8 ? "\u2502  " : "|  ");
	if (tree->last[depth])
		put(line, DIM, utf8 ? "\u2514\u2500 " : "`- ");
	else
		put(line, DIM, utf8 ? "\u251c\u2500 " : "|- ");
}

/* Siblings from `node` on that have its name and no children. */
static uint32_t run_length(const struct wf_node *node)
{
	const struct wf_node *at;
	uint32_t count = 0;

	for (at = node; at && !at->first && !wf_span_is(at->span, WF_SIGNAL_LOGS) &&
			strcmp(at->span->name, node->span->name) == 0;
	     at = at->next)
		count++;
	return count;
}

/* One line for a run of siblings; returns the one after it. */
static const struct wf_node *put_run(struct tree *tree, const struct wf_node *node, uint32_t count,
				     unsigned depth)
{
	struct line line = line_begin(tree->style, tree->out);
	uint64_t total = 0, longest = 0, ns;
	uint32_t failed = 0, i;
	char text[64];
	const char *name = node->span->name;

	for (i = 0; i < count; i++, node = node->next) {
		ns = node->span->end_ns - node->span->start_ns;
		total += ns;
		longest = ns > longest ? ns : longest;
		failed += node->span->status == WF_STATUS_ERROR;
	}
	tree->last[depth] = !node;
	put_branch(&line, tree, depth);
	snprintf(text, sizeof(text), "%" PRIu32 " more ", count);
	put(&line, DIM, text);
	put(&line, BOLD, name);
	put(&line, DIM, "  total ");
	put_duration(&line, CYAN, total);
	put(&line, DIM, ", longest ");
	put_duration(&line, CYAN, longest);
	if (failed) {
		snprintf(text, sizeof(text), ", %" PRIu32 " failed", failed);
		put(&line, RED, text);
	}
	wf_buf_putc(tree->out, '\n');
	tree->shown += count;
	tree->lines_left--;
	return node;
}

static void put_children(struct tree *tree, const struct wf_node *parent, unsigned depth);

static void put_child(struct tree *tree, const struct wf_node *node, const struct wf_node *parent,
		      unsigned depth)
{
	struct line line = line_begin(tree->style, tree->out);

	tree->last[depth] = !node->next;
	put_branch(&line, tree, depth);
	tree->lines_left--;
	if (wf_span_is(node->span, WF_SIGNAL_LOGS)) {
		put_log(&line, node->span);
		return;
	}
	put_span(&line, node, parent->span, tree->column);
	tree->shown++;
	put_children(tree, node, depth + 1);
}

static void put_children(struct tree *tree, const struct wf_node *parent, unsigned depth)
{
	const struct wf_node *node = parent->first;
	uint32_t run, i;

	if (depth >= DEPTH_MAX)
		return;
	while (node && tree->lines_left) {
		run = run_length(node);
		for (i = 0; i < (run < RUN_MIN ? 1 : RUN_SHOWN) && tree->lines_left; i++) {
			put_child(tree, node, parent, depth);
			node = node->next;
		}
		if (run >= RUN_MIN && tree->lines_left)
			node = put_run(tree, node, run - RUN_SHOWN, depth);
	}
}

static void put_origin(struct line *line, const struct wf_span *span)
{
	const char *service = wf_span_service(span);
	time_t seconds = (time_t)(span->start_ns / 1000000000u);
	char text[64];
	struct tm tm;

	if (localtime_r(&seconds, &tm)) {
		snprintf(text, sizeof(text), "%02d:%02d:%02d.%03u ", tm.tm_hour, tm.tm_min,
			 tm.tm_sec, (unsigned)(span->start_ns / 1000000u % 1000u));
		put(line, DIM, text);
	}
	if (line->full < NARROW)
		return;
	if (service)
		put(line, DIM, service);
	snprintf(text, sizeof(text), "[%" PRIu32 "/%" PRIu32 "] ", span->tgid, span->tid);
	put(line, DIM, text);
}

static unsigned align_max(const struct wf_style *style)
{
	return style->width && style->width / 2 < ALIGN_MAX ? style->width / 2 : ALIGN_MAX;
}

/* Branch and name of the widest child that is not wider than the limit. */
static unsigned align_column(const struct wf_node *parent, unsigned depth, unsigned limit)
{
	unsigned widest = 0, column;

	for (const struct wf_node *node = parent->first; node && depth < DEPTH_MAX;
	     node = node->next) {
		const char *name = node->span->name;

		if (wf_span_is(node->span, WF_SIGNAL_LOGS))
			continue;
		column = BRANCH_COLUMNS * depth + wf_text_columns(name, strlen(name), limit);
		if (column > widest && column <= limit)
			widest = column;
		column = align_column(node, depth + 1, limit);
		widest = column > widest ? column : widest;
	}
	return widest;
}

void wf_render_tree(const struct wf_style *style, const struct wf_node *root, bool early,
		    struct wf_buf *out)
{
	struct tree tree = {.style = style, .out = out, .shown = 1};
	struct line line = line_begin(style, out);
	char text[64];

	tree.lines_left = (style->lines_max ? style->lines_max : LINES_MAX) - 1;
	put_origin(&line, root->span);
	if (early)
		put(&line, YELLOW, "(inside an open call) ");
	if (wf_span_is(root->span, WF_SIGNAL_LOGS)) {
		put_log(&line, root->span);
		return;
	}
	put_span(&line, root, NULL, 0);
	tree.column = align_column(root, 1, align_max(style));
	put_children(&tree, root, 1);
	if (tree.shown < root->spans) {
		snprintf(text, sizeof(text), "... and %" PRIu32 " more spans in this tree",
			 root->spans - tree.shown);
		wf_render_note(style, text, out);
	}
}

void wf_render_open(const struct wf_style *style, const struct wf_span *span, uint64_t age_ns,
		    struct wf_buf *out)
{
	struct line line = line_begin(style, out);

	put(&line, YELLOW, "~ open ");
	put_duration(&line, YELLOW, age_ns);
	put(&line, "", "  ");
	put(&line, BOLD, span->name);
	put(&line, "", "  ");
	put_origin(&line, span);
	put_attributes(&line, &span->attributes, NULL);
	wf_buf_putc(out, '\n');
}

void wf_render_note(const struct wf_style *style, const char *text, struct wf_buf *out)
{
	struct line line = line_begin(style, out);

	put(&line, DIM, text);
	wf_buf_putc(out, '\n');
}
