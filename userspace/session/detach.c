/* SPDX-License-Identifier: Apache-2.0 */
/* detach.c - `wftrace detach`: what a killed tracer left in Python processes is taken back. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "userspace/base/log.h"
#include "userspace/cli/command.h"
#include "userspace/python/mark.h"
#include "userspace/python/owner.h"
#include "userspace/python/request.h"
#include "userspace/python/visit.h"
#include "userspace/target/proc.h"
#include "userspace/target/target.h"

#define TEXT_BYTES 65536

static int judge(pid_t pid, const json_t *answer, struct wf_err *err)
{
	const char *error = json_string_value(json_object_get(answer, "error"));
	json_int_t left = json_integer_value(json_object_get(answer, "left"));

	if (error)
		return wf_err_set(err, EBUSY, "process %d: %s", (int)pid, error);
	if (left)
		return wf_err_set(
			err, EBUSY,
			"process %d: another tool has changed %lld functions meanwhile, which "
			"stay as they are; all others are their own again",
			(int)pid, (long long)left);
	wf_log(WF_LOG_INFO, "detach", "process %d: its functions are its own again", (int)pid);
	return 0;
}

static int ask(const struct wf_config *config, const struct wf_python *python, struct wf_err *err)
{
	struct wf_request request = {.sequence = 1, .pid = getpid(), .name = "wftrace detach"};
	wf_auto(json_decrefp) json_t *answer = NULL;
	struct wf_buf text;
	int rc;

	request.nonce = (uint64_t)getpid();
	wf_buf_init(&text, TEXT_BYTES);
	rc = wf_request_clean(&request, &text) < 0
		     ? wf_err_set(err, ENOMEM, "out of memory")
		     : wf_visit(python, text.data, false, config->force, &answer, err);
	wf_buf_done(&text);
	return rc < 0 ? rc : judge(python->pid, answer, err);
}

static int clean(const struct wf_config *config, pid_t pid, struct wf_err *err)
{
	wf_auto(wf_target_freep) struct wf_target *target = NULL;
	struct wf_python python;
	int rc = wf_target_open(pid, &target, err);

	if (rc == 0)
		rc = wf_python_find(target, &python, err);
	if (rc == 0)
		rc = wf_inject_check_owner(&python, err);
	if (rc < 0)
		return rc;
	if (!wf_visit_was_before(&python)) {
		wf_log(WF_LOG_INFO, "detach", "process %d: nothing of wftrace is in it", (int)pid);
		return 0;
	}
	return ask(config, &python, err);
}

/* Of another wftrace that was killed, or that left before all was disarmed. */
static bool is_left_behind(const struct wf_python *python)
{
	struct wf_python_room room;
	struct wf_owner owner;
	struct wf_mark mark;

	if (wf_owner_room(python, WF_OWNER_BYTES, &room, &owner) < 0 || !owner.magic[0])
		return false;
	return owner.pid || (wf_mark_find(python->pid, &mark, NULL) == 0 && mark.armed);
}

/* 1: it was cleaned; 0: nothing to do, which is so for most processes. */
static int clean_any(const struct wf_config *config, pid_t pid, struct wf_err *err)
{
	wf_auto(wf_target_freep) struct wf_target *target = NULL;
	struct wf_python python;
	int rc;

	if (wf_target_open(pid, &target, NULL) < 0 || wf_python_find(target, &python, NULL) < 0 ||
	    !is_left_behind(&python))
		return 0;
	if (wf_inject_check_owner(&python, err) < 0) {
		wf_log(WF_LOG_INFO, "detach", "%s: left alone", err->msg);
		return 0;
	}
	rc = ask(config, &python, err);
	return rc < 0 ? rc : 1;
}

static int clean_all(const struct wf_config *config)
{
	wf_auto(wf_freep) pid_t *pids = NULL;
	enum wf_exit code = WF_EXIT_DONE;
	unsigned cleaned = 0;
	size_t count = 0;

	if (wf_proc_list(&pids, &count) < 0) {
		wf_log(WF_LOG_ERROR, "detach", "/proc cannot be read");
		return WF_EXIT_FAILED;
	}
	for (size_t i = 0; i < count; i++) {
		struct wf_err err = {0};
		int rc = clean_any(config, pids[i], &err);

		cleaned += rc == 1;
		if (rc >= 0)
			continue;
		wf_log(WF_LOG_ERROR, "detach", "%s", err.msg);
		code = wf_exit_for(err.code);
		if (err.code == ECANCELED)
			return code;
	}
	if (!cleaned && code == WF_EXIT_DONE)
		wf_log(WF_LOG_INFO, "detach", "no process has anything of a killed wftrace");
	return code;
}

int wf_cmd_detach(const struct wf_config *config)
{
	enum wf_exit code = WF_EXIT_DONE;

	if (config->all)
		return clean_all(config);
	for (uint32_t i = 0; i < config->pids.count; i++) {
		struct wf_err err = {0};

		if (clean(config, config->pids.items[i], &err) == 0)
			continue;
		wf_log(WF_LOG_ERROR, "detach", "%s", err.msg);
		code = wf_exit_for(err.code);
	}
	return code;
}
