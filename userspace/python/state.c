/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include <errno.h>

#include "hook.h"

#define THREADS_MAX 65536

/* Offsets within a thread's state, from whichever table the version has. */
struct links {
	uint32_t previous, next, interp;
};

static struct links links_of(const struct wf_python *python)
{
	if (python->layout)
		return (struct links){python->layout->thread_previous, python->layout->thread_next,
				      python->layout->thread_interp};
	return (struct links){python->offsets.thread_previous, python->offsets.thread_next,
			      python->offsets.thread_interp};
}

int wf_state_next(const struct wf_python *python, uint64_t interp, uint64_t thread,
		  uint64_t *ret_next)
{
	struct links links = links_of(python);
	uint64_t owner, next, back;

	if (wf_memory_read_u64(python->pid, thread + links.interp, &owner) < 0 || owner != interp ||
	    wf_memory_read_u64(python->pid, thread + links.next, &next) < 0)
		return -EBADMSG;
	if (next &&
	    (next % 8 || wf_memory_read_u64(python->pid, next + links.previous, &back) < 0 ||
	     back != thread))
		return -EBADMSG;
	*ret_next = next;
	return 0;
}

static int odd(const struct wf_python *python, const char *what, struct wf_err *err)
{
	return wf_err_set(err, ENOTSUP,
			  "the Python of process %d is not laid out as 3.%u is (%s): a patched "
			  "build, left alone",
			  (int)python->pid, python->minor, what);
}

static int check_threads(const struct wf_python *python, struct wf_state *state, struct wf_err *err)
{
	struct links links = links_of(python);
	uint64_t thread = state->threads, back;

	if (!thread || thread % 8 ||
	    wf_memory_read_u64(python->pid, thread + links.previous, &back) < 0 || back)
		return odd(python, "its list of threads", err);
	while (thread) {
		if (++state->thread_count > THREADS_MAX ||
		    wf_state_next(python, state->interp, thread, &thread) < 0)
			return odd(python, "its list of threads", err);
	}
	return 0;
}

static bool is_thread(const struct wf_halt *halt, uint64_t value)
{
	const struct wf_halt_thread *threads;
	size_t count;

	threads = wf_halt_threads(halt, &count);
	for (size_t i = 0; i < count; i++) {
		if (threads[i].thread == value)
			return true;
	}
	return false;
}

static int check_runtime(const struct wf_python *python, const struct wf_halt *halt,
			 uint64_t *ret_interp, struct wf_err *err)
{
	const struct wf_layout *layout = python->layout;
	uint64_t finalizing, main_thread, interp;
	uint32_t initialized;
	pid_t pid = python->pid;

	if (wf_memory_read_u32(pid, python->runtime + layout->runtime_initialized, &initialized) ||
	    wf_memory_read_u64(pid, python->runtime + layout->runtime_finalizing, &finalizing) ||
	    wf_memory_read_u64(pid, python->runtime + layout->runtime_main, &interp) ||
	    wf_memory_read_u64(pid, python->runtime + layout->runtime_main_thread, &main_thread))
		return odd(python, "_PyRuntime", err);
	if (!initialized || finalizing || !interp)
		return wf_err_set(err, EAGAIN, "the Python of process %d starts or ends just now",
				  (int)pid);
	if (initialized != 1 || interp % 8)
		return odd(python, "_PyRuntime", err);
	if (!is_thread(halt, main_thread))
		return odd(python, "its main thread", err);
	*ret_interp = interp;
	return 0;
}

static int check_interp(const struct wf_python *python, uint64_t interp, uint64_t *ret_threads,
			struct wf_err *err)
{
	const struct wf_layout *layout = python->layout;
	uint64_t id;
	uint32_t finalizing = 0;

	if (wf_memory_read_u64(python->pid, interp + layout->interp_id, &id) < 0 || id ||
	    wf_memory_read_u64(python->pid, interp + layout->interp_threads, ret_threads) < 0)
		return odd(python, "its interpreter", err);
	if (layout->interp_finalizing != WF_NO_OFFSET &&
	    wf_memory_read_u32(python->pid, interp + layout->interp_finalizing, &finalizing) < 0)
		return odd(python, "its interpreter", err);
	if (finalizing)
		return wf_err_set(err, EAGAIN, "the Python of process %d ends just now",
				  (int)python->pid);
	return 0;
}

/* 3.14 on: the interpreter's own table says where things are. */
static int check_published(const struct wf_python *python, struct wf_state *state,
			   struct wf_err *err)
{
	const struct wf_offsets *offsets = &python->offsets;
	uint32_t enabled, initialized;
	uint64_t finalizing;

	if (wf_memory_read_u64(python->pid, python->runtime + offsets->finalizing, &finalizing) ||
	    wf_memory_read_u32(python->pid, python->runtime + offsets->initialized, &initialized) ||
	    initialized > 1)
		return odd(python, "_PyRuntime", err);
	if (!initialized || finalizing || wf_python_main(python, &state->interp) < 0)
		return wf_err_set(err, EAGAIN, "the Python of process %d starts or ends just now",
				  (int)python->pid);
	if (wf_memory_read_u32(python->pid, state->interp + offsets->enabled, &enabled) ||
	    enabled != 1 ||
	    wf_memory_read_u64(python->pid, state->interp + offsets->threads_head, &state->threads))
		return odd(python, "its interpreter", err);
	return 0;
}

int wf_state_check(const struct wf_python *python, const struct wf_halt *halt, bool hooks_too,
		   struct wf_state *ret, struct wf_err *err)
{
	int rc;

	*ret = (struct wf_state){0};
	if (python->layout) {
		rc = check_runtime(python, halt, &ret->interp, err);
		if (rc == 0)
			rc = check_interp(python, ret->interp, &ret->threads, err);
	} else {
		rc = check_published(python, ret, err);
	}
	if (rc == 0)
		rc = check_threads(python, ret, err);
	if (rc == 0 && !hooks_too)
		rc = wf_hook_check(python, ret->interp, err);
	return rc;
}
