/* SPDX-License-Identifier: Apache-2.0 */
#include "file_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "group.h"
#include "otlp_json.h"
#include "stream.h"
#include "userspace/base/log.h"

#define WAITING_MAX   (16u << 20)
#define SCRATCH_BYTES (64u << 20)
#define LINE_SPANS    512
#define RETRY_NS      10000000u

struct file_sink {
	struct wf_sink base;
	struct wf_stream stream;
	struct wf_arena *scratch;
	off_t whole;  /* bytes of the file that are whole lines */
	bool regular; /* can be cut back */
	bool said;
};

static void sink_free(struct wf_sink *base)
{
	struct file_sink *sink = (struct file_sink *)base;

	if (!sink)
		return;
	wf_stream_done(&sink->stream);
	wf_arena_free(sink->scratch);
	free(sink);
}

static void sink_freep(struct file_sink **sink)
{
	if (*sink)
		sink_free(&(*sink)->base);
}

static void say(struct file_sink *sink, int code)
{
	if (sink->said)
		return;
	sink->said = true;
	wf_log(WF_LOG_ERROR, "file",
	       "%s: %s; it holds %" PRIu64 " spans, what does not fit is lost", sink->base.name,
	       strerror(code), sink->base.counters.exported);
}

/* What a line holds. */
struct content {
	enum wf_signal signal;
	uint64_t count;
};

static void count_in(struct file_sink *sink, struct content content)
{
	struct wf_sink_counters *counters = &sink->base.counters;

	*(content.signal == WF_SIGNAL_LOGS ? &counters->logs_in : &counters->spans_in) +=
		content.count;
}

static void count_lost(struct file_sink *sink, struct content content, uint64_t *lost)
{
	*(content.signal == WF_SIGNAL_LOGS ? &sink->base.counters.logs_lost : lost) +=
		content.count;
}

/* The whole text to a regular file, or none of it. */
static void regular_write(struct file_sink *sink, struct content content)
{
	struct wf_sink_counters *counters = &sink->base.counters;
	struct wf_buf *text = &sink->stream.text;
	size_t done = 0;
	ssize_t n = 0;

	while (done < text->len) {
		n = write(sink->stream.fd, text->data + done, text->len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (done == text->len) {
		sink->whole += (off_t)done;
		*(content.signal == WF_SIGNAL_LOGS ? &counters->logs_exported
						   : &counters->exported) += content.count;
		counters->bytes_sent += done;
		return;
	}
	say(sink, n < 0 ? errno : ENOSPC);
	count_lost(sink, content, &counters->lost_write);
	if (done && (ftruncate(sink->stream.fd, sink->whole) < 0 ||
		     lseek(sink->stream.fd, sink->whole, SEEK_SET) < 0))
		wf_log(WF_LOG_ERROR, "file", "%s: ends with half a line: %s", sink->base.name,
		       strerror(errno));
}

static void text_out(struct file_sink *sink, struct content content)
{
	bool logs = content.signal == WF_SIGNAL_LOGS;
	int failed = sink->base.failed;

	if (sink->regular) {
		regular_write(sink, content);
		wf_buf_reset(&sink->stream.text);
		return;
	}
	wf_stream_commit(&sink->stream, &sink->base, logs ? 0 : content.count,
			 logs ? content.count : 0);
	if (!failed && sink->base.failed && sink->base.failed != EPIPE)
		say(sink, sink->base.failed);
}

/* One line; text of a line that cannot be made is taken back. */
static void line_add(struct file_sink *sink, const struct wf_batch *batch, uint32_t from,
		     uint32_t to, struct content content)
{
	struct wf_buf *text = &sink->stream.text;
	size_t before = text->len;

	wf_arena_reset(sink->scratch);
	if (wf_otlp_json_encode(sink->scratch, batch, from, to, content.signal, text) == 0 &&
	    wf_buf_putc(text, '\n') == 0) {
		text_out(sink, content);
		return;
	}
	text->len = before;
	text->failed = false;
	count_lost(sink, content, &sink->base.counters.lost_encode);
}

static void push_signal(struct file_sink *sink, const struct wf_batch *batch, enum wf_signal signal)
{
	struct wf_sink_counters *counters = &sink->base.counters;
	struct content content = {.signal = signal};
	uint32_t from, to;

	for (from = 0; from < batch->count; from = to) {
		to = batch->count - from > LINE_SPANS ? from + LINE_SPANS : batch->count;
		content.count = wf_group_count(batch, from, to, signal);
		count_in(sink, content);
		if (sink->base.failed)
			count_lost(sink, content, &counters->lost_write);
		else if (!wf_stream_room(&sink->stream))
			count_lost(sink, content, &counters->lost_queue_full);
		else if (content.count)
			line_add(sink, batch, from, to, content);
	}
}

static void push(struct wf_sink *base, struct wf_batch *batch)
{
	struct file_sink *sink = (struct file_sink *)base;

	push_signal(sink, batch, WF_SIGNAL_SPANS);
	push_signal(sink, batch, WF_SIGNAL_LOGS);
}

static uint64_t work(struct wf_sink *base, uint64_t now_ns)
{
	struct file_sink *sink = (struct file_sink *)base;

	return wf_stream_flush(&sink->stream, base) ? UINT64_MAX : now_ns + RETRY_NS;
}

static bool drain(struct wf_sink *base, uint64_t now_ns, uint64_t deadline_ns)
{
	struct file_sink *sink = (struct file_sink *)base;

	if (now_ns >= deadline_ns)
		wf_stream_abandon(&sink->stream, base);
	return wf_stream_flush(&sink->stream, base);
}

static const struct wf_sink_ops file_ops = {
	.kind = "file",
	.push = push,
	.work = work,
	.drain = drain,
	.free = sink_free,
};

/* O_NONBLOCK: a FIFO without a reader is an error and not a wait. */
static int file_open(struct file_sink *sink, const char *path, struct wf_err *err)
{
	struct stat st;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);

	if (fd < 0 && errno == ENXIO)
		return wf_err_set(err, ENXIO, "cannot write '%s': nobody reads this pipe", path);
	if (fd < 0)
		return wf_err_set(err, errno, "cannot write '%s': %s", path, strerror(errno));
	wf_stream_init(&sink->stream, fd, WAITING_MAX);
	sink->stream.file_owned = true;
	sink->regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	return 0;
}

int wf_file_sink_new(const char *name, const char *path, struct wf_sink **ret, struct wf_err *err)
{
	wf_auto(sink_freep) struct file_sink *sink = calloc(1, sizeof(*sink));
	int rc = 0;

	if (!sink)
		return wf_err_set(err, ENOMEM, "out of memory");
	sink->base.ops = &file_ops;
	sink->base.name = name;
	sink->scratch = wf_arena_new(SCRATCH_BYTES);
	if (!sink->scratch)
		return wf_err_set(err, ENOMEM, "out of memory");
	if (strcmp(path, "-") == 0)
		wf_stream_init(&sink->stream, STDOUT_FILENO, WAITING_MAX);
	else
		rc = file_open(sink, path, err);
	if (rc < 0)
		return rc;
	*ret = &wf_take(sink)->base;
	return 0;
}
