/* SPDX-License-Identifier: Apache-2.0 */
#include "inject.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "entrance.h"
#include "handshake.h"
#include "userspace/base/clock.h"

#define MS 1000000ULL

#define BLOCKED_NS  (1000 * MS)  /* for a native thread to leave a call that a stop would disturb */
#define CROWDED_NS  (10000 * MS) /* for a lock, a full queue, a thread that does not stop */
#define OPEN_NS     (2000 * MS)  /* from the interpreter's coming by to its side being open */
#define RUN_NS      (120000 * MS)
#define SETTLE_NS   (1000 * MS)
#define AGAIN_NS    (50 * MS)
#define REMIND_NS   (10 * MS)
#define TRIES_MAX   3
#define SIDES_MAX   64
#define WITHDRAW_NS (500 * MS)

struct wf_inject {
	struct wf_python python;
	struct wf_inject_request request;
	char *script;
	struct wf_entrance entrance;
	enum wf_inject_state state;
	bool closed;       /* no further thread comes by */
	bool settling;     /* the answer is there; other threads are sent away */
	uint64_t since_ns; /* of the state */
	uint64_t start_ns, not_before_ns, come_by_ns, reminded_ns;
	unsigned tries;
	int fd;
	uint32_t body;
	struct wf_side sides[SIDES_MAX]; /* ours first, then the dismissed */
	size_t side_count;
	bool failed;
	char *answer;
	struct wf_err why; /* why it is blocked */
};

static void enter_state(struct wf_inject *inject, enum wf_inject_state state)
{
	inject->state = state;
	inject->since_ns = wf_clock_monotonic_ns();
}

static bool lasts(uint64_t since, uint64_t limit_ns)
{
	return wf_clock_monotonic_ns() - since > limit_ns;
}

const char *wf_inject_waits_for(const struct wf_inject *inject)
{
	switch (inject->state) {
	case WF_INJECT_BLOCKED:
		return inject->why.msg;
	case WF_INJECT_WAITING:
		if (inject->python.minor <= 11)
			return "waiting for the main thread to run Python code";
		return "waiting for a thread to run Python code";
	default:
		return "";
	}
}

const char *wf_inject_result(const struct wf_inject *inject)
{
	return inject->answer;
}

/* Let this attempt's traces go, and begin another one a little later. */
static void begin_again(struct wf_inject *inject)
{
	wf_entrance_close(&inject->entrance);
	wf_script_done(&inject->entrance.script);
	inject->entrance.asked = false;
	inject->side_count = 0;
	inject->not_before_ns = wf_clock_monotonic_ns() + AGAIN_NS;
	inject->why = (struct wf_err){0};
	enter_state(inject, WF_INJECT_BLOCKED);
}

static int blocked(struct wf_inject *inject, int rc, const struct wf_err *why, struct wf_err *err)
{
	uint64_t limit = rc == -EINTR ? BLOCKED_NS : CROWDED_NS;

	inject->why = *why;
	if (!why->code)
		wf_err_set(&inject->why, EAGAIN, "the pending calls of process %d are in use",
			   (int)inject->python.pid);
	if (!lasts(inject->start_ns, limit))
		return WF_INJECT_BLOCKED;
	return wf_err_set(err, rc == -EINTR ? ENOTSUP : EBUSY, "%s", inject->why.msg);
}

static int step_blocked(struct wf_inject *inject, struct wf_err *err)
{
	struct wf_err why = {0};
	int rc;

	if (wf_clock_monotonic_ns() < inject->not_before_ns)
		return WF_INJECT_BLOCKED;
	rc = wf_entrance_ask(&inject->entrance, &why);
	if (rc == -EAGAIN || rc == -EINTR)
		return blocked(inject, rc, &why, err);
	if (rc < 0)
		return wf_err_set(err, -rc, "%s", why.msg);
	inject->tries++;
	inject->come_by_ns = 0;
	inject->closed = inject->entrance.threads <= 1;
	inject->reminded_ns = wf_clock_monotonic_ns();
	enter_state(inject, WF_INJECT_WAITING);
	return WF_INJECT_WAITING;
}

/* It came by, but opened nothing. Deep recursion and lack of memory pass. */
static int nothing_opened(struct wf_inject *inject, struct wf_err *err)
{
	if (inject->tries < TRIES_MAX) {
		begin_again(inject);
		return WF_INJECT_BLOCKED;
	}
	return wf_err_set(
		err, ECANCELED,
		"the Python of process %d took the request, but could not open its side: "
		"an audit hook or a seccomp filter denies it (it compiles a text and calls "
		"memfd_create), or it is out of memory; the program was not disturbed",
		(int)inject->python.pid);
}

static int find_side(struct wf_inject *inject, int *ret_fd)
{
	struct wf_side side;
	int rc;

	if (inject->side_count == SIDES_MAX)
		return -EAGAIN;
	rc = wf_handshake_open(inject->python.pid, inject->entrance.nonce, inject->sides,
			       inject->side_count, ret_fd, &side);
	if (rc == 0)
		inject->sides[inject->side_count++] = side;
	return rc;
}

static int gone(const struct wf_inject *inject, struct wf_err *err)
{
	return wf_err_set(err, ESRCH, "process %d has ended, or runs another program now",
			  (int)inject->python.pid);
}

static int wait_open(struct wf_inject *inject, struct wf_err *err)
{
	if (!lasts(inject->come_by_ns, OPEN_NS))
		return WF_INJECT_WAITING;
	return nothing_opened(inject, err);
}

static int still_waiting(struct wf_inject *inject)
{
	uint64_t now = wf_clock_monotonic_ns();

	if (now - inject->reminded_ns > REMIND_NS) {
		wf_entrance_remind(&inject->entrance);
		inject->reminded_ns = now;
	}
	return WF_INJECT_WAITING;
}

static int step_waiting(struct wf_inject *inject, struct wf_err *err)
{
	const struct wf_handshake_body body = {.script = inject->script,
					       .script_bytes = strlen(inject->script),
					       .image = inject->request.image,
					       .image_bytes = inject->request.image_bytes};
	int rc = inject->come_by_ns ? 0 : wf_entrance_waits(&inject->entrance);

	if (rc > 0)
		return still_waiting(inject);
	if (rc < 0)
		return gone(inject, err);
	if (!inject->come_by_ns)
		inject->come_by_ns = wf_clock_monotonic_ns();
	rc = find_side(inject, &inject->fd);
	if (rc == -EAGAIN)
		return wait_open(inject, err);
	if (rc == -ESRCH)
		return gone(inject, err);
	if (rc < 0)
		return wf_err_set(err, EACCES,
				  "the file of process %d cannot be shared (pidfd_getfd): %s",
				  (int)inject->python.pid, strerror(-rc));
	rc = wf_handshake_fill(inject->fd, &body, &inject->body, err);
	if (rc < 0)
		return rc;
	enter_state(inject, WF_INJECT_DELIVERED);
	return WF_INJECT_DELIVERED;
}

static int step_delivered(struct wf_inject *inject, struct wf_err *err)
{
	int rc = wf_handshake_go(inject->fd, inject->body);

	if (rc < 0)
		return wf_err_set(err, -rc, "the request cannot be written to process %d: %s",
				  (int)inject->python.pid, strerror(-rc));
	enter_state(inject, WF_INJECT_RUNNING);
	return WF_INJECT_RUNNING;
}

/* Threads that came by as well: nothing to do. True once all that began have been seen. */
static bool send_away(struct wf_inject *inject)
{
	wf_auto(wf_closep) int fd = -1;
	int rc;

	/* One is enough: the others that were asked need not come by any more. */
	if (!inject->closed) {
		rc = wf_entrance_close(&inject->entrance);
		inject->closed = rc == 0 || rc == -EALREADY;
	}
	if (inject->side_count < wf_entrance_begun(&inject->entrance) &&
	    find_side(inject, &fd) == 0)
		wf_handshake_dismiss(fd);
	return inject->closed && inject->side_count >= wf_entrance_begun(&inject->entrance);
}

static int wrap_failure(struct wf_inject *inject, struct wf_err *err)
{
	json_t *object = json_pack("{s:s}", "error", inject->answer);
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	if (!text)
		return wf_err_set(err, ENOMEM, "out of memory");
	free(inject->answer);
	inject->answer = text;
	return 0;
}

/* Its side is closed without an answer: a signal of the program's own ended it. */
static int interrupted(struct wf_inject *inject, struct wf_err *err)
{
	close(wf_take_fd(&inject->fd));
	if (inject->tries < TRIES_MAX) {
		begin_again(inject);
		return WF_INJECT_BLOCKED;
	}
	return wf_err_set(err, ECANCELED,
			  "the request to process %d was interrupted by signals of its own, or the "
			  "process ended",
			  (int)inject->python.pid);
}

static int step_running(struct wf_inject *inject, struct wf_err *err)
{
	bool open = wf_handshake_is_open(inject->python.pid, &inject->sides[0]);
	int rc = wf_handshake_answer(inject->fd, &inject->answer, &inject->failed, err);

	send_away(inject);
	if (rc == -EAGAIN && !open)
		return interrupted(inject, err);
	if (rc == -EAGAIN && lasts(inject->since_ns, RUN_NS))
		return wf_err_set(err, ETIMEDOUT,
				  "process %d has been at the request for 2 minutes",
				  (int)inject->python.pid);
	if (rc == -EAGAIN)
		return WF_INJECT_RUNNING;
	if (rc == 0 && inject->failed)
		rc = wrap_failure(inject, err);
	if (rc < 0)
		return rc;
	enter_state(inject, WF_INJECT_DONE);
	inject->settling = true;
	return WF_INJECT_RUNNING;
}

/* The script file goes once nobody can be about to open it. */
static int step_done(struct wf_inject *inject)
{
	if (inject->settling && !send_away(inject) && !lasts(inject->since_ns, SETTLE_NS))
		return WF_INJECT_RUNNING;
	inject->settling = false;
	wf_script_done(&inject->entrance.script);
	return WF_INJECT_DONE;
}

int wf_inject_poll(struct wf_inject *inject, struct wf_err *err)
{
	switch (inject->state) {
	case WF_INJECT_BLOCKED:
		return step_blocked(inject, err);
	case WF_INJECT_WAITING:
		return step_waiting(inject, err);
	case WF_INJECT_DELIVERED:
		return step_delivered(inject, err);
	case WF_INJECT_RUNNING:
		return step_running(inject, err);
	case WF_INJECT_DONE:
		return step_done(inject);
	}
	return -EINVAL;
}

int wf_inject_start(const struct wf_python *python, const struct wf_inject_request *request,
		    struct wf_inject **ret, struct wf_err *err)
{
	wf_auto(wf_inject_freep) struct wf_inject *inject = calloc(1, sizeof(*inject));
	int rc;

	if (!inject)
		return wf_err_set(err, ENOMEM, "out of memory");
	inject->fd = -1;
	inject->entrance.script.dir = inject->entrance.left.dir = -1;
	inject->python = *python;
	inject->request = *request;
	inject->script = strdup(request->script);
	if (!inject->script)
		return wf_err_set(err, ENOMEM, "out of memory");
	rc = wf_entrance_init(&inject->python, request->force, &inject->entrance, err);
	if (rc < 0)
		return rc;
	inject->entrance.first = request->first;
	inject->start_ns = wf_clock_monotonic_ns();
	enter_state(inject, WF_INJECT_BLOCKED);
	rc = wf_inject_poll(inject, err);
	if (rc < 0)
		return rc;
	*ret = wf_take(inject);
	return 0;
}

/* It has come by: when its side opens, there is nothing to do. */
static int dismiss(struct wf_inject *inject)
{
	uint64_t start = wf_clock_monotonic_ns();
	struct timespec pause = {.tv_nsec = 200000};

	while (inject->fd < 0 && !lasts(start, WITHDRAW_NS) &&
	       find_side(inject, &inject->fd) == -EAGAIN)
		nanosleep(&pause, NULL);
	if (inject->fd >= 0)
		wf_handshake_dismiss(inject->fd);
	while (inject->fd >= 0 && !send_away(inject) && !lasts(start, WITHDRAW_NS))
		nanosleep(&pause, NULL);
	return 0;
}

static int take_back(struct wf_inject *inject)
{
	uint64_t start = wf_clock_monotonic_ns();
	struct timespec pause = {.tv_nsec = 1000000};
	int rc = wf_entrance_close(&inject->entrance);

	while (rc == -EAGAIN && !lasts(start, WITHDRAW_NS)) {
		nanosleep(&pause, NULL);
		rc = wf_entrance_close(&inject->entrance);
	}
	return rc == -EALREADY ? dismiss(inject) : 0;
}

int wf_inject_withdraw(struct wf_inject *inject)
{
	if (inject->state == WF_INJECT_RUNNING || inject->state == WF_INJECT_DONE)
		return -EALREADY;
	if (inject->state == WF_INJECT_WAITING)
		take_back(inject);
	else if (inject->state == WF_INJECT_DELIVERED)
		dismiss(inject);
	if (inject->entrance.asked && inject->entrance.claimed)
		wf_entrance_release(&inject->python);
	inject->entrance.asked = false;
	inject->not_before_ns = UINT64_MAX;
	enter_state(inject, WF_INJECT_BLOCKED);
	return 0;
}

void wf_inject_free(struct wf_inject *inject)
{
	if (!inject)
		return;
	wf_inject_withdraw(inject);
	if (inject->fd >= 0)
		close(inject->fd);
	wf_entrance_done(&inject->entrance);
	free(inject->script);
	free(inject->answer);
	free(inject);
}

int wf_inject_run(const struct wf_python *python, const struct wf_inject_request *request,
		  uint64_t timeout_ns, struct wf_inject **ret, struct wf_err *err)
{
	wf_auto(wf_inject_freep) struct wf_inject *inject = NULL;
	struct timespec pause = {.tv_nsec = 500000};
	int rc = wf_inject_start(python, request, &inject, err);

	while (rc >= 0 && (rc = wf_inject_poll(inject, err)) >= 0 && rc != WF_INJECT_DONE) {
		if (rc != WF_INJECT_RUNNING && lasts(inject->start_ns, timeout_ns))
			return wf_err_set(err, ETIMEDOUT, "%s", wf_inject_waits_for(inject));
		nanosleep(&pause, NULL);
	}
	if (rc < 0)
		return rc;
	*ret = wf_take(inject);
	return 0;
}

void wf_inject_release(const struct wf_python *python)
{
	wf_entrance_release(python);
}

int wf_inject_check_owner(const struct wf_python *python, struct wf_err *err)
{
	return wf_entrance_owner(python, false, NULL, NULL, err);
}
