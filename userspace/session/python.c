/* SPDX-License-Identifier: Apache-2.0 */
#include "python.h"

#include <errno.h>
#include <time.h>

#include "userspace/base/clock.h"
#include "userspace/base/log.h"
#include "userspace/python/request.h"

#define SOON_NS  2000000000ull /* most processes come by sooner */
#define STEP_NS  1000000
#define LEAVE_NS 1000000000ull /* for all of them to disarm */

int wf_session_python_check(const struct wf_config *config, const struct wf_ruleset *rules,
			    struct wf_err *err)
{
	if (!wf_request_wanted(rules))
		return 0;
	if (config->no_inject)
		return wf_err_set(err, EINVAL,
				  "Python functions need an agent in the process, which "
				  "--no-inject forbids");
	if (config->slower_ns || config->depth_max)
		return wf_err_set(err, ENOTSUP,
				  "--%s does not know Python functions in this version",
				  config->slower_ns ? "slower" : "depth");
	return 0;
}

/* Give them a moment to come by. */
static void wait_a_moment(struct wf_party *party)
{
	uint64_t end_ns = wf_clock_monotonic_ns() + SOON_NS;
	struct timespec pause = {.tv_nsec = STEP_NS};
	struct wf_party_status status;

	for (;; nanosleep(&pause, NULL)) {
		wf_party_tick(party);
		wf_party_status(party, &status);
		if (!status.entering || wf_clock_monotonic_ns() >= end_ns)
			return;
	}
}

static int enter(struct wf_session_python *python, struct wf_kernel *kernel,
		 struct wf_mailbox *inbox, struct wf_err *err)
{
	struct wf_party_config config = {
		.rules = python->rules,
		.kernel = kernel,
		.attacher = wf_arming_attacher(python->arming),
		.inbox = inbox,
		.force = python->config->force,
	};
	struct wf_target *const *targets;
	uint32_t count;
	int rc = wf_party_new(&config, &python->party, err);

	if (rc < 0)
		return rc;
	targets = wf_arming_targets(python->arming, &count);
	for (uint32_t i = 0; i < count; i++)
		wf_party_enter(python->party, targets[i]);
	wait_a_moment(python->party);
	return 0;
}

/* What came of it. An error only where nothing is left to be traced, or not all and all must. */
static int judge(struct wf_session_python *python, struct wf_err *err)
{
	struct wf_party_status status;
	uint32_t missing;

	wf_party_status(python->party, &status);
	wf_arming_add_functions(python->arming, status.functions - python->told);
	python->told = status.functions;
	python->announced = !status.entering;
	missing = status.refused + status.waiting + status.failed;
	if (python->config->strict && missing)
		return wf_err_set(err, ENOENT, "--strict: %u Python functions cannot be traced",
				  missing);
	if (status.entering || status.functions || status.waiting ||
	    !wf_request_alone(python->rules))
		return 0;
	if (status.failed && !status.armed) /* what such an interpreter cannot is no wrong usage */
		return wf_err_set(err, status.err.code == ENOTSUP ? EIO : status.err.code, "%s",
				  status.err.msg);
	return wf_err_set(err, ENOENT, "nothing to trace: none of the rules found a function");
}

int wf_session_python_start(struct wf_session_python *python, struct wf_kernel *kernel,
			    struct wf_mailbox *inbox, pid_t only, struct wf_err *err)
{
	int rc;

	if (!wf_request_wanted(python->rules))
		return 0;
	rc = enter(python, kernel, inbox, err);
	if (rc == 0 && only)
		python->announced = true; /* it begins, and is looked at then */
	else if (rc == 0)
		rc = judge(python, err);
	if (rc < 0)
		wf_session_python_leave(python, (uint64_t[WF_REC_AGENT_COUNTERS]){0});
	return rc;
}

bool wf_session_python_is_entering(const struct wf_session_python *python)
{
	return python->party && !python->announced;
}

void wf_session_python_expect(struct wf_session_python *python, pid_t pid, bool first)
{
	if (python->party)
		wf_party_expect(python->party, pid, first);
}

bool wf_session_python_is_wanted(const struct wf_session_python *python)
{
	return python->party != NULL;
}

void wf_session_python_hold(struct wf_session_python *python, pid_t pid)
{
	python->held = pid;
}

void wf_session_python_replaced(struct wf_session_python *python, pid_t pid)
{
	wf_party_replaced(python->party, pid, wf_clock_monotonic_ns());
}

void wf_session_python_enter(struct wf_session_python *python, pid_t pid)
{
	wf_party_enter_first(python->party, pid);
}

bool wf_session_python_is_going_in(const struct wf_session_python *python)
{
	struct wf_party_status status = {0};

	if (python->party)
		wf_party_status(python->party, &status);
	return status.entering > 0;
}

void wf_session_python_on_process(struct wf_session_python *python,
				  const struct wf_rec_process *event)
{
	const struct wf_rec_head *record = &event->head;
	pid_t pid = (pid_t)record->tgid;

	if (!python->party)
		return;
	if (event->event == WF_PROC_FORK)
		wf_party_forked(python->party, pid, event->child_tgid, record->time_ns);
	else if (event->event == WF_PROC_EXIT)
		wf_party_gone(python->party, pid);
	if (event->event != WF_PROC_EXEC)
		return;
	wf_party_replaced(python->party, pid, record->time_ns);
	if (pid != python->held)
		wf_party_expect(python->party, pid, false);
}

void wf_session_python_on_note(void *session_python, const struct wf_rec_head *record)
{
	struct wf_session_python *python = session_python;

	if (python->party && record->kind == WF_REC_NOTE)
		wf_party_noted(python->party, (const struct wf_rec_span *)record);
}

bool wf_session_python_tick(struct wf_session_python *python)
{
	struct wf_err err = {0};

	if (!python->party)
		return true;
	wf_party_tick(python->party);
	if (python->announced)
		return true;
	if (judge(python, &err) < 0) {
		wf_log(WF_LOG_ERROR, "session", "%s", err.msg);
		return false;
	}
	if (python->announced)
		wf_arming_announce(python->arming);
	return true;
}

bool wf_session_python_found(const struct wf_session_python *python, uint32_t rule, bool over)
{
	return python->party && python->rules->rules[rule].at.type == WF_WHERE_PYTHON &&
	       (!over || wf_party_found(python->party, rule));
}

void wf_session_python_leave(struct wf_session_python *python,
			     uint64_t counters[static WF_REC_AGENT_COUNTERS])
{
	if (python->party)
		wf_party_leave(python->party, LEAVE_NS, counters);
}

void wf_session_python_done(struct wf_session_python *python)
{
	wf_party_free(python->party);
	python->party = NULL;
}
