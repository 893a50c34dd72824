/* SPDX-License-Identifier: Apache-2.0 */
#include "console.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "json_sink.h"
#include "open.h"
#include "status.h"
#include "stream.h"
#include "table.h"

#define TREES_PER_S 20
#define WINDOW_NS   50000000ull
#define SECOND_NS   1000000000ull
#define HOLD_NS     30000000000ull
#define RETRY_NS    10000000ull
#define STATUS_NS   500000000ull
#define HELD_BYTES  (64u << 20)
#define TREE_SPANS  10000
#define OPEN_MAX    1000
#define NAMES_MAX   1000
#define TABLE_ROWS  100
#define WAITING_MAX (4u << 20) /* text that a slow terminal may leave waiting */

/* Trees that a window may show; those beyond are given up at once. */
#define CANDIDATES_MAX 64

struct candidate {
	struct wf_node *root;
	bool early;
};

struct console {
	struct wf_sink base;
	struct wf_stream stream;
	struct wf_console_options options;
	struct wf_forest *forest;
	struct wf_table *table;
	struct wf_open *open;
	struct candidate candidates[CANDIDATES_MAX];
	unsigned candidate_count;
	uint64_t now_ns;      /* of the last work() */
	uint64_t window_ns;   /* when the window of the candidates ends; 0 = none is open */
	uint64_t credit_ns;   /* trees that may be shown, in ns of the rate */
	uint64_t credited_ns; /* when credit was last given */
	uint64_t note_ns;     /* when the next line about what is hidden may come */
	uint64_t hidden_trees, hidden_spans, hidden_failed;
	uint64_t trees, failed_trees;
	uint64_t began_ns, status_ns; /* first work(); when the status line is due again */
	bool status_shown;            /* it is the last thing on the screen */
};

/* Where text goes; the status line makes room for it. */
static struct wf_buf *out(struct console *console)
{
	if (console->status_shown)
		wf_buf_puts(&console->stream.text, WF_STATUS_ERASE);
	console->status_shown = false;
	return &console->stream.text;
}

static uint64_t duration(const struct candidate *candidate)
{
	return candidate->root->span->end_ns - candidate->root->span->start_ns;
}

static bool failed(const struct candidate *candidate)
{
	return candidate->root->span->status == WF_STATUS_ERROR;
}

/* The failed first, then the slowest. */
static int by_interest(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	if (failed(a) != failed(b))
		return failed(a) ? -1 : 1;
	if (duration(a) != duration(b))
		return duration(a) > duration(b) ? -1 : 1;
	return 0;
}

static bool is_log(const struct wf_span *span)
{
	return wf_span_is(span, WF_SIGNAL_LOGS);
}

static void hide(struct console *console, struct candidate *candidate)
{
	console->hidden_trees += !is_log(candidate->root->span);
	console->hidden_spans += candidate->root->spans;
	console->hidden_failed += failed(candidate);
	wf_forest_release(console->forest, candidate->root);
}

static void on_tree(void *owner, struct wf_node *root, bool early)
{
	struct console *console = owner;

	if (console->candidate_count == CANDIDATES_MAX) {
		qsort(console->candidates, CANDIDATES_MAX, sizeof(*console->candidates),
		      by_interest);
		while (console->candidate_count > CANDIDATES_MAX / 2)
			hide(console, &console->candidates[--console->candidate_count]);
	}
	console->candidates[console->candidate_count] = (struct candidate){root, early};
	console->trees += !is_log(root->span);
	console->failed_trees += failed(&console->candidates[console->candidate_count++]);
}

static void on_span(void *owner, const struct wf_node *node)
{
	struct console *console = owner;
	const struct wf_span *span = node->span;
	uint64_t ns = span->end_ns - span->start_ns;

	if (is_log(span)) {
		console->base.counters.logs_in++;
		*(console->base.failed ? &console->base.counters.logs_lost
				       : &console->base.counters.logs_exported) += 1;
		return;
	}
	wf_open_end(console->open, span);
	wf_table_add(console->table, span->name, ns,
		     ns > node->children_ns ? ns - node->children_ns : 0,
		     span->status == WF_STATUS_ERROR);
	console->base.counters.spans_in++;
	if (console->base.failed)
		console->base.counters.lost_write++;
	else
		console->base.counters.exported++;
}

static const struct wf_forest_ops forest_ops = {.on_span = on_span, .on_tree = on_tree};

static void push(struct wf_sink *base, struct wf_batch *batch)
{
	struct console *console = (struct console *)base;
	uint32_t i;

	for (i = 0; i < batch->count; i++) {
		const struct wf_span *span = &batch->spans[i];

		if (span->state == WF_SPAN_OPEN &&
		    wf_open_add(console->open, span, console->now_ns) &&
		    wf_stream_room(&console->stream))
			wf_render_open(&console->options.style, span, span->end_ns - span->start_ns,
				       out(console));
	}
	wf_forest_add(console->forest, batch, console->now_ns);
}

/* One tree costs a second / trees_per_s; a second's worth can be saved up. */
static void credit_add(struct console *console)
{
	uint64_t passed = console->now_ns - console->credited_ns;

	console->credited_ns = console->now_ns;
	console->credit_ns += passed < SECOND_NS ? passed : SECOND_NS;
	if (console->credit_ns > SECOND_NS)
		console->credit_ns = SECOND_NS;
}

static void window_close(struct console *console)
{
	uint64_t price = SECOND_NS / console->options.trees_per_s;
	unsigned i;

	console->window_ns = 0;
	credit_add(console);
	qsort(console->candidates, console->candidate_count, sizeof(*console->candidates),
	      by_interest);
	for (i = 0; i < console->candidate_count; i++) {
		struct candidate *candidate = &console->candidates[i];

		if (console->credit_ns < price || !wf_stream_room(&console->stream)) {
			hide(console, candidate);
			continue;
		}
		console->credit_ns -= price;
		wf_render_tree(&console->options.style, candidate->root, candidate->early,
			       out(console));
		wf_forest_release(console->forest, candidate->root);
	}
	console->candidate_count = 0;
}

static void note_hidden(struct console *console)
{
	char text[160];

	if (!console->hidden_trees)
		return;
	snprintf(text, sizeof(text),
		 "... not shown: %" PRIu64 " more tree%s with %" PRIu64 " span%s",
		 console->hidden_trees, console->hidden_trees == 1 ? "" : "s",
		 console->hidden_spans, console->hidden_spans == 1 ? "" : "s");
	if (console->hidden_failed)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), ", %" PRIu64 " failed",
			 console->hidden_failed);
	if (wf_stream_room(&console->stream))
		wf_render_note(&console->options.style, text, out(console));
	console->hidden_trees = console->hidden_spans = console->hidden_failed = 0;
	console->note_ns = console->now_ns + SECOND_NS;
}

/* Say again which calls run; returns when the next is due. */
static uint64_t say_open(struct console *console)
{
	const struct wf_span *call;
	uint64_t age, next;

	while ((call = wf_open_due(console->open, console->now_ns, &age, &next)))
		if (wf_stream_room(&console->stream))
			wf_render_open(&console->options.style, call, age, out(console));
	return next;
}

/* Returns when it is due again. */
static uint64_t say_status(struct console *console)
{
	const struct wf_span *oldest;
	struct wf_status status = {
		.passed_ns = console->now_ns - console->began_ns,
		.spans = console->base.counters.spans_in,
		.traces = console->trees,
		.failed = console->failed_trees,
		.hidden = console->hidden_trees,
	};

	if (!console->options.live)
		return UINT64_MAX;
	if ((console->status_shown && console->now_ns < console->status_ns) ||
	    !wf_stream_room(&console->stream))
		return console->status_ns;
	oldest = wf_open_oldest(console->open, console->now_ns, &status.oldest_ns, &status.open);
	status.oldest = oldest ? oldest->name : NULL;
	wf_status_put(&console->options.style, &status, out(console));
	console->status_shown = true;
	console->status_ns = console->now_ns + STATUS_NS;
	return console->status_ns;
}

/* The terminal is gone or its text broke the limit: nothing is rendered any more. */
static bool flush(struct console *console)
{
	if (console->base.failed || console->stream.text.failed) {
		wf_buf_reset(&console->stream.text);
		console->stream.sent = 0;
	}
	return wf_stream_flush(&console->stream, &console->base);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t work(struct wf_sink *base, uint64_t now_ns)
{
	struct console *console = (struct console *)base;
	bool say_hidden;
	uint64_t next;

	console->now_ns = now_ns;
	if (!console->began_ns)
		console->began_ns = now_ns;
	next = earlier(say_open(console), wf_forest_expire(console->forest, now_ns));
	if (console->candidate_count && !console->window_ns)
		console->window_ns = now_ns + WINDOW_NS;
	if (console->window_ns && console->window_ns <= now_ns)
		window_close(console);
	say_hidden = console->hidden_trees && !console->options.live;
	if (say_hidden && !console->window_ns && console->note_ns <= now_ns)
		note_hidden(console);
	if (console->window_ns)
		next = earlier(next, console->window_ns);
	if (say_hidden)
		next = earlier(next, console->note_ns);
	next = earlier(next, say_status(console));
	return flush(console) ? next : earlier(next, now_ns + RETRY_NS);
}

static bool drain(struct wf_sink *base, uint64_t now_ns, uint64_t deadline_ns)
{
	struct console *console = (struct console *)base;

	console->now_ns = now_ns;
	wf_forest_finish(console->forest);
	window_close(console);
	note_hidden(console);
	(void)out(console); /* the status line goes */
	if (now_ns >= deadline_ns)
		wf_stream_abandon(&console->stream, base);
	return flush(console);
}

static void sink_free(struct wf_sink *base)
{
	struct console *console = (struct console *)base;

	if (!console)
		return;
	while (console->candidate_count)
		hide(console, &console->candidates[--console->candidate_count]);
	wf_forest_free(console->forest);
	wf_table_free(console->table);
	wf_open_free(console->open);
	wf_stream_done(&console->stream);
	free(console);
}

static void sink_freep(struct console **console)
{
	if (*console)
		sink_free(&(*console)->base);
}

static const struct wf_sink_ops console_ops = {
	.kind = "console",
	.push = push,
	.work = work,
	.drain = drain,
	.free = sink_free,
};

int wf_console_new(const char *name, const struct wf_console_options *options, struct wf_sink **ret,
		   struct wf_err *err)
{
	wf_auto(sink_freep) struct console *console = NULL;
	struct wf_forest_limits limits = {
		.tree_spans = options->tree_spans ? options->tree_spans : TREE_SPANS,
		.bytes = options->held_bytes ? options->held_bytes : HELD_BYTES,
		.hold_ns = HOLD_NS,
	};

	if (options->json)
		return wf_json_sink_new(name, options->fd, options->held_bytes, ret, err);
	console = calloc(1, sizeof(*console));
	if (!console)
		return wf_err_set(err, ENOMEM, "out of memory");
	console->base.ops = &console_ops;
	console->base.name = name;
	console->options = *options;
	console->credit_ns = SECOND_NS;
	if (!options->trees_per_s)
		console->options.trees_per_s = TREES_PER_S;
	wf_stream_init(&console->stream, options->fd, WAITING_MAX);
	console->forest = wf_forest_new(&limits, &forest_ops, console);
	console->table = wf_table_new(NAMES_MAX);
	console->open = wf_open_new(OPEN_MAX);
	if (!console->forest || !console->table || !console->open)
		return wf_err_set(err, ENOMEM, "out of memory");
	*ret = &wf_take(console)->base;
	return 0;
}

void wf_console_summary(const struct wf_sink *sink, FILE *file)
{
	const struct console *console = (const struct console *)sink;
	struct wf_buf text;

	if (sink->ops != &console_ops)
		return;
	wf_buf_init(&text, 1u << 20);
	wf_table_print(console->table, console->options.style.width, TABLE_ROWS, &text);
	if (text.data)
		fputs(text.data, file);
	wf_buf_done(&text);
}

static bool has_utf8(wf_env_lookup lookup, void *context)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	unsigned i;

	for (i = 0; i < 3; i++) {
		const char *value = lookup(context, names[i]);

		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

void wf_console_detect(int fd, wf_env_lookup lookup, void *context, struct wf_console_options *ret)
{
	const char *term = lookup(context, "TERM"), *plain = lookup(context, "NO_COLOR");
	struct winsize size;

	*ret = (struct wf_console_options){.fd = fd, .json = !isatty(fd)};
	ret->style.utf8 = has_utf8(lookup, context);
	if (ret->json)
		return;
	ret->live = term && *term && strcmp(term, "dumb");
	ret->style.colour = ret->live && !(plain && *plain);
	if (ioctl(fd, TIOCGWINSZ, &size) == 0)
		ret->style.width = size.ws_col;
}
