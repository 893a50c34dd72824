/* SPDX-License-Identifier: Apache-2.0 */
#include "visit.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "owner.h"
#include "shipped_agent.h"
#include "userspace/base/clock.h"
#include "userspace/base/json.h"
#include "userspace/base/log.h"

#define TOLD_NS    1000000000ull
#define TIMEOUT_NS 60000000000ull
#define STEP_NS    1000000
#define BUSY_MAX   5

static void ending_signals(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGHUP);
}

/* One of the signals that are held back waits. */
static bool is_interrupted(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 &&
	       (sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM) ||
		sigismember(&pending, SIGHUP));
}

static int give_up(struct wf_inject *inject, uint64_t since_ns, struct wf_err *err)
{
	bool late = wf_clock_monotonic_ns() - since_ns > TIMEOUT_NS;

	if (!late && !is_interrupted())
		return 0;
	if (wf_inject_withdraw(inject) == -EALREADY)
		return 0; /* it runs: its answer comes */
	if (late)
		return wf_err_set(err, ETIMEDOUT, "it did not come by within a minute: %s",
				  wf_inject_waits_for(inject));
	return wf_err_set(err, ECANCELED, "interrupted; the request was taken back");
}

static int wait_answer(struct wf_inject *inject, pid_t pid, struct wf_err *err)
{
	uint64_t since_ns = wf_clock_monotonic_ns();
	struct timespec pause = {.tv_nsec = STEP_NS};
	bool told = false;
	int rc;

	while ((rc = wf_inject_poll(inject, err)) >= 0 && rc != WF_INJECT_DONE) {
		rc = give_up(inject, since_ns, err);
		if (rc < 0)
			return rc;
		if (!told && wf_clock_monotonic_ns() - since_ns > TOLD_NS) {
			told = true;
			wf_log(WF_LOG_INFO, "python", "process %d: %s (Ctrl-C takes it back)",
			       (int)pid, wf_inject_waits_for(inject));
		}
		nanosleep(&pause, NULL);
	}
	return rc < 0 ? rc : 0;
}

static int read_answer(const char *text, pid_t pid, json_t **ret_answer, struct wf_err *err)
{
	int rc = wf_json_read(text, strlen(text), ret_answer, err);

	return rc == -EINVAL ? wf_err_set(err, EBADMSG, "process %d: its answer is not understood",
					  (int)pid)
			     : rc;
}

static int visit_once(const struct wf_python *python, const char *text, bool with_image, bool force,
		      json_t **ret_answer, struct wf_err *err)
{
	struct wf_inject_request request = {
		.script = text,
		.image = wf_agent_image,
		.image_bytes = with_image ? wf_agent_image_bytes : 0,
		.force = force,
	};
	wf_auto(wf_inject_freep) struct wf_inject *inject = NULL;
	sigset_t held, before;
	int rc;

	ending_signals(&held);
	sigprocmask(SIG_BLOCK, &held, &before);
	rc = wf_inject_start(python, &request, &inject, err);
	if (rc == 0)
		rc = wait_answer(inject, python->pid, err);
	if (rc == 0)
		rc = read_answer(wf_inject_result(inject), python->pid, ret_answer, err);
	wf_inject_release(python);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int wf_visit(const struct wf_python *python, const char *text, bool with_image, bool force,
	     json_t **ret_answer, struct wf_err *err)
{
	int rc = visit_once(python, text, with_image, force, ret_answer, err);

	/* busy: another request is being answered in there */
	for (int i = 0;
	     i < BUSY_MAX && rc == 0 && json_is_true(json_object_get(*ret_answer, "busy")); i++) {
		json_decref(*ret_answer);
		*ret_answer = NULL;
		rc = visit_once(python, text, with_image, force, ret_answer, err);
	}
	return rc;
}

bool wf_visit_was_before(const struct wf_python *python)
{
	struct wf_python_room room;
	struct wf_owner owner;

	return wf_owner_room(python, WF_OWNER_BYTES, &room, &owner) == 0 && owner.magic[0];
}
