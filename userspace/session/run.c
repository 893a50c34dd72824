/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "listing.h"
#include "session.h"
#include "userspace/base/log.h"
#include "userspace/cli/command.h"

static int fail(const struct wf_err *err)
{
	wf_log(WF_LOG_ERROR, "run", "%s", err->msg);
	return wf_session_exit_code(err);
}

static int print_plan(const struct wf_config *config, const struct wf_wave *wave,
		      struct wf_err *err)
{
	struct wf_listing_style style = wf_listing_style_for(stdout, config->json);

	style.rules = true;
	if (wf_listing_print(wave->plan, &style, stdout) < 0)
		return wf_err_set(err, ENOMEM, "out of memory");
	return 0;
}

/* attach and record: processes that run already. */
static int trace_processes(const struct wf_config *config)
{
	wf_auto(wf_session_freep) struct wf_session *session = NULL;
	struct wf_err err = {0};
	int rc = wf_session_new(config, &session, &err);

	if (rc == 0)
		rc = wf_session_add_processes(session, &err);
	if (rc == 0)
		rc = wf_session_plan(session, NULL, &err);
	if (rc == 0 && config->dry_run.asked) {
		rc = print_plan(config, wf_session_wave(session), &err);
		return rc < 0 ? fail(&err) : WF_EXIT_DONE;
	}
	if (rc == 0)
		rc = wf_session_open(session, 0, &err);
	if (rc < 0)
		return fail(&err);
	wf_session_loop(session, NULL);
	return wf_session_close(session, &err) < 0 ? fail(&err) : WF_EXIT_DONE;
}

int wf_cmd_attach(const struct wf_config *config)
{
	return trace_processes(config);
}

int wf_cmd_record(const struct wf_config *config)
{
	return trace_processes(config);
}

static int open_launched(const struct wf_config *config, struct wf_launch *launch,
			 struct wf_session **ret, struct wf_err *err)
{
	wf_auto(wf_session_freep) struct wf_session *session = NULL;
	int rc = wf_session_new(config, &session, err);

	if (rc == 0)
		rc = wf_session_plan(session, launch->file, err);
	if (rc == 0)
		rc = wf_session_open(session, launch->pid, err);
	if (rc < 0)
		return rc;
	*ret = wf_take(session);
	return 0;
}

/* The plan for the command's image; the held child ends without running anything. */
static int print_run_plan(const struct wf_config *config, const struct wf_launch *launch,
			  struct wf_err *err)
{
	wf_auto(wf_session_freep) struct wf_session *session = NULL;
	int rc = wf_session_new(config, &session, err);

	if (rc == 0)
		rc = wf_session_plan(session, launch->file, err);
	if (rc == 0)
		rc = print_plan(config, wf_session_wave(session), err);
	return rc;
}

/* The command's own status, whatever becomes of the trace. */
int wf_cmd_run(const struct wf_config *config)
{
	wf_auto(wf_session_freep) struct wf_session *session = NULL;
	struct wf_err err = {0};
	struct wf_launch launch;
	int code;

	wf_launch_init(&launch);
	if (wf_launch_prepare(config, &launch, &err) < 0) {
		wf_log(WF_LOG_ERROR, "run", "%s", err.msg);
		code = launch.exit_code;
	} else if (config->dry_run.asked) {
		code = print_run_plan(config, &launch, &err) < 0 ? fail(&err) : WF_EXIT_DONE;
	} else if (open_launched(config, &launch, &session, &err) < 0) {
		wf_log(WF_LOG_ERROR, "run", "%s", err.msg);
		code = WF_EXIT_NOT_STARTED;
	} else if (wf_launch_release(&launch, &err) < 0) {
		wf_log(WF_LOG_ERROR, "run", "%s", err.msg);
		code = launch.exit_code;
	} else {
		wf_session_started(session, &launch);
		wf_session_loop(session, &launch);
		if (wf_session_close(session, &err) < 0)
			wf_log(WF_LOG_ERROR, "run", "%s", err.msg);
		wf_launch_trust(&launch);
		(void)wf_launch_wait(&launch, true);
		code = launch.exit_code;
	}
	wf_launch_done(&launch);
	return code;
}
