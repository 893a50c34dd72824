/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - text to a pipe or terminal that may be slow, stopped or gone, without ever blocking.
 *
 * Text is appended to `text` and committed with the spans it stands for; flush writes what the
 * reader takes. Spans count as exported when all text is out, as lost_write when the reader is
 * gone. stdout is shared with others, so it is not made non-blocking: a terminal is opened once
 * more, and to a pipe pieces are written only when poll says that there is room. The process must
 * ignore SIGPIPE.
 */
#ifndef WF_STREAM_H
#define WF_STREAM_H

#include "sink.h"
#include "userspace/base/buf.h"

struct wf_stream {
	int fd;
	size_t piece; /* the longest write that cannot block once poll said yes */
	struct wf_buf text;
	size_t sent;     /* of text */
	uint64_t spans;  /* committed, not yet out */
	uint64_t logs;   /* the same */
	size_t slack;    /* text beyond which nothing more is taken */
	int terminal_fd; /* the same terminal, opened again, non-blocking; -1 = none */
	bool file_owned; /* close the fd at the end */
};

/* max_bytes: text that may wait for the reader. */
void wf_stream_init(struct wf_stream *stream, int fd, size_t max_bytes);
void wf_stream_done(struct wf_stream *stream);

/* False while too much waits; then what is new is dropped and counted by the caller. */
bool wf_stream_room(const struct wf_stream *stream);
/* The text appended since the last commit stands for that many spans and logs; flushes. */
void wf_stream_commit(struct wf_stream *stream, struct wf_sink *sink, uint64_t spans,
		      uint64_t logs);
/* Write what can be written. True when nothing is left, or never will be (sink->failed is set). */
bool wf_stream_flush(struct wf_stream *stream, struct wf_sink *sink);
/* Give up what is left. */
void wf_stream_abandon(struct wf_stream *stream, struct wf_sink *sink);

#endif
