/* SPDX-License-Identifier: Apache-2.0 */
#include "remote.h"

#include <errno.h>
#include <string.h>

#define PLEASE_STOP 32U /* bit of the breaker: look at the debugger's request */
#define THREADS_MAX 65536
#define DEPTH_MIN   64 /* calls that must be left; without one, the interpreter prints an error */

/* A request of a tracer that was killed: "/dev/shm/wf" and 16 digits. Nobody else comes by so. */
static bool is_left_over(const char *path)
{
	const char *name = strrchr(path, '/');

	return name && strncmp(name, "/wf", 3) == 0 && strspn(name + 3, "0123456789abcdef") == 16 &&
	       name[19] == '\0';
}

static bool is_ours(const struct wf_python *python, uint64_t thread, const struct wf_script *script,
		    bool *ret_other)
{
	char path[WF_SCRIPT_PATH_MAX] = "";
	uint32_t pending = 0;

	*ret_other = false;
	if (wf_memory_read_u32(python->pid, thread + python->offsets.pending, &pending) < 0 ||
	    !pending)
		return false;
	if (wf_memory_read(python->pid, thread + python->offsets.path, path, sizeof(path)) < 0)
		return false;
	path[sizeof(path) - 1] = '\0';
	*ret_other = !is_left_over(path);
	return strcmp(path, script->path) == 0;
}

static int ask(const struct wf_python *python, uint64_t thread, const struct wf_script *script)
{
	const struct wf_offsets *offsets = &python->offsets;
	uint32_t one = 1;
	uint64_t word = 0;
	bool other;
	int rc;

	is_ours(python, thread, script, &other);
	if (other)
		return -EAGAIN;
	rc = wf_memory_write(python->pid, thread + offsets->path, script->path,
			     strlen(script->path) + 1);
	if (rc == 0)
		rc = wf_memory_write(python->pid, thread + offsets->pending, &one, sizeof(one));
	if (rc == 0)
		rc = wf_memory_read_u64(python->pid, thread + offsets->breaker, &word);
	word |= PLEASE_STOP;
	return rc == 0 ? wf_memory_write(python->pid, thread + offsets->breaker, &word,
					 sizeof(word))
		       : rc;
}

/* Near its recursion limit a thread could not run the script, and would say so. */
static bool is_deep(const struct wf_python *python, uint64_t thread)
{
	int32_t depth[2]; /* left, allowed */

	return wf_memory_read(python->pid, thread + python->offsets.thread_depth, depth,
			      sizeof(depth)) == 0 &&
	       depth[0] < DEPTH_MIN && depth[1] > 0;
}

int wf_remote_put(const struct wf_python *python, const struct wf_state *state,
		  const struct wf_script *script, uint32_t *ret_asked, struct wf_err *err)
{
	uint64_t thread = state->threads;
	int rc = 0;

	*ret_asked = 0;
	if (strlen(script->path) >= python->offsets.path_bytes)
		return wf_err_set(err, ENOTSUP, "the path of the request is too long");
	while (thread && rc == 0) {
		if (!is_deep(python, thread)) {
			rc = ask(python, thread, script);
			*ret_asked += rc == 0;
		}
		if (rc == 0)
			rc = wf_state_next(python, state->interp, thread, &thread);
	}
	if (rc == 0 && *ret_asked)
		return 0;
	if (rc == 0)
		return wf_err_set(err, EAGAIN,
				  "each thread of process %d is at its recursion limit",
				  (int)python->pid);
	wf_remote_withdraw(python, script);
	if (rc == -EAGAIN)
		return wf_err_set(err, EAGAIN, "another debugger asks process %d just now",
				  (int)python->pid);
	return wf_err_set(err, ENOTSUP, "the threads of process %d cannot be asked",
			  (int)python->pid);
}

/* Count the requests that nobody has begun; with `forget`, take them back. */
static int count(const struct wf_python *python, const struct wf_script *script, bool forget)
{
	const struct wf_offsets *offsets = &python->offsets;
	uint64_t interp, thread, next;
	const uint32_t zero = 0;
	int waiting = 0, rc;
	bool other;

	rc = wf_python_main(python, &interp);
	if (rc == 0)
		rc = wf_memory_read_u64(python->pid, interp + offsets->threads_head, &thread);
	if (rc < 0)
		return rc == -ESRCH ? rc : -EBADMSG;
	for (uint32_t i = 0; thread && i < THREADS_MAX; i++) {
		if (is_ours(python, thread, script, &other)) {
			waiting++;
			if (forget)
				wf_memory_write(python->pid, thread + offsets->pending, &zero,
						sizeof(zero));
		}
		if (wf_state_next(python, interp, thread, &next) < 0)
			return -EBADMSG;
		thread = next;
	}
	return waiting;
}

int wf_remote_waits(const struct wf_python *python, const struct wf_script *script)
{
	return count(python, script, false);
}

int wf_remote_withdraw(const struct wf_python *python, const struct wf_script *script)
{
	return count(python, script, true);
}
