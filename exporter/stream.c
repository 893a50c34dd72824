/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"

/* A pipe that polls writable takes 4096 bytes (one page); a terminal may take few. */
#define PIECE_PIPE     4096
#define PIECE_TERMINAL 16
#define PIECE_FILE     (1u << 20)

/* One batch may be appended when there is room, so the buffer is larger than what may wait. */
#define BATCH_TEXT_MAX (64u << 20)

/*
 * A terminal that is stopped (Ctrl-S) must not hold us up. Its descriptor is shared with the shell
 * and the traced program, so they must not see O_NONBLOCK: it is opened once more.
 */
static void terminal_reopen(struct wf_stream *stream)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", stream->fd);
	stream->terminal_fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	stream->piece = stream->terminal_fd < 0 ? PIECE_TERMINAL : PIECE_PIPE;
}

void wf_stream_init(struct wf_stream *stream, int fd, size_t max_bytes)
{
	struct stat st;

	*stream = (struct wf_stream){
		.fd = fd, .slack = max_bytes, .piece = PIECE_PIPE, .terminal_fd = -1};
	wf_buf_init(&stream->text, max_bytes + BATCH_TEXT_MAX);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		stream->piece = PIECE_FILE;
	else if (isatty(fd))
		terminal_reopen(stream);
}

void wf_stream_done(struct wf_stream *stream)
{
	wf_buf_done(&stream->text);
	wf_closep(&stream->terminal_fd);
	if (stream->file_owned)
		close(stream->fd);
}

bool wf_stream_room(const struct wf_stream *stream)
{
	return stream->text.len - stream->sent <= stream->slack;
}

void wf_stream_abandon(struct wf_stream *stream, struct wf_sink *sink)
{
	sink->counters.lost_write += stream->spans;
	sink->counters.logs_lost += stream->logs;
	stream->spans = stream->logs = 0;
	stream->sent = 0;
	wf_buf_reset(&stream->text);
}

/* > 0 written, 0 would block, -errno. */
static ssize_t piece_write(struct wf_stream *stream)
{
	int fd = stream->terminal_fd < 0 ? stream->fd : stream->terminal_fd;
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	size_t left = stream->text.len - stream->sent;
	ssize_t n;

	if (stream->piece != PIECE_FILE && poll(&ready, 1, 0) <= 0)
		return 0;
	n = write(fd, stream->text.data + stream->sent,
		  left < stream->piece ? left : stream->piece);
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

/* Room at the front is given back once it is most of the buffer. */
static void compact(struct wf_stream *stream)
{
	if (stream->sent < stream->text.len / 2)
		return;
	stream->text.len -= stream->sent;
	memmove(stream->text.data, stream->text.data + stream->sent, stream->text.len);
	stream->sent = 0;
}

bool wf_stream_flush(struct wf_stream *stream, struct wf_sink *sink)
{
	ssize_t n;

	while (stream->sent < stream->text.len) {
		n = piece_write(stream);
		if (n == 0) {
			compact(stream);
			return false;
		}
		if (n < 0) {
			sink->failed = (int)-n;
			wf_stream_abandon(stream, sink);
			return true;
		}
		stream->sent += (size_t)n;
		sink->counters.bytes_sent += (uint64_t)n;
	}
	sink->counters.exported += stream->spans;
	sink->counters.logs_exported += stream->logs;
	stream->spans = stream->logs = 0;
	stream->sent = 0;
	wf_buf_reset(&stream->text);
	return true;
}

void wf_stream_commit(struct wf_stream *stream, struct wf_sink *sink, uint64_t spans, uint64_t logs)
{
	stream->spans += spans;
	stream->logs += logs;
	wf_stream_flush(stream, sink);
}
