/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handshake.h - how text and image go into a target, and an answer comes back: an anonymous file
 * (memfd) that the target makes under a name only we know, and that we share by its descriptor. No
 * path and no limit of length is in the way. Control thread.
 *
 * The body is written first and its header last, since the target looks at the header. The
 * answer comes the same way. The target waits for a limited time, so that a tracer that dies
 * costs it no more than that.
 */
#ifndef WF_PYTHON_HANDSHAKE_H
#define WF_PYTHON_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "userspace/base/err.h"

#define WF_HANDSHAKE_ANSWER_MAX (8U << 20)
#define WF_HANDSHAKE_IMAGE_MAX  (8U << 20)
#define WF_HANDSHAKE_SCRIPT_MAX (8U << 20)

struct wf_handshake_body {
	const char *script; /* Python source that sets `result` */
	size_t script_bytes;
	const void *image; /* what `origin` names; 0 bytes: `origin` is "" */
	size_t image_bytes;
};

struct wf_handshake_manner {
	pid_t inner_pid; /* it does nothing in another process: a child that was forked meanwhile */
	unsigned wait_ms; /* that the target gives us to write to its side */
	bool quiet;
};

/*
 * The Python source that opens the target's side: for a pending call, where an exception may go
 * on to the program, or for a script file (`quiet`), where it would be printed.
 */
int wf_handshake_text(const char *nonce, const struct wf_handshake_manner *manner, char *out,
		      size_t size);

/* One side that the target opened. Its number may come again, its inode does not. */
struct wf_side {
	int number; /* of its descriptor there */
	uint64_t inode;
};

/*
 * The target's file of that name, as a descriptor of our own that shares it. -EAGAIN: not there
 * (yet); -ESRCH. `known` are sides to pass over.
 */
int wf_handshake_open(pid_t pid, const char *nonce, const struct wf_side *known, size_t known_count,
		      int *ret_fd, struct wf_side *ret_side);
/* Is it still open in the target? */
bool wf_handshake_is_open(pid_t pid, const struct wf_side *side);

/* Write everything but the header. -E2BIG, -EIO. */
int wf_handshake_fill(int fd, const struct wf_handshake_body *body, uint32_t *ret_body,
		      struct wf_err *err);
/* Write the header: the target goes on. */
int wf_handshake_go(int fd, uint32_t body);
/* Send the target away with nothing to do. */
int wf_handshake_dismiss(int fd);

/*
 * The answer, to be freed. -EAGAIN: not yet. ret_failed: it is "Type: text" of an exception and no
 * result. Not valid UTF-8 is made valid.
 */
int wf_handshake_answer(int fd, char **ret, bool *ret_failed, struct wf_err *err);

#endif
