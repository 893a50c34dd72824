/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "command.h"

static int check_whom(const struct wf_config *config, const char *name, struct wf_err *err)
{
	if (!config->pids.count && !config->name)
		return wf_err_set(err, EINVAL, "%s needs -p PID or -n NAME", name);
	if (config->pids.count && config->name)
		return wf_err_set(err, EINVAL, "%s takes -p or -n, not both", name);
	return 0;
}

static int check_dry_run(const struct wf_config *config, struct wf_err *err)
{
	if (!config->dry_run.count_ns)
		return 0;
	return wf_err_set(
		err, ENOTSUP,
		"--dry-run with a duration is not in this version (it comes with sampling "
		"and budgets); without one it prints the plan and its predicted cost");
}

static int check_record(const struct wf_config *config, struct wf_err *err)
{
	int rc = check_whom(config, "record", err);

	if (rc < 0)
		return rc;
	if (!config->output && !config->dry_run.asked)
		return wf_err_set(err, EINVAL, "record needs -o FILE for the recording");
	if (config->output && !strcmp(config->output, "-"))
		return wf_err_set(err, EINVAL,
				  "record: --output: a recording goes to a file, not to stdout");
	return 0;
}

static int check_one_pid(const struct wf_config *config, const char *name, struct wf_err *err)
{
	if (config->pids.count > 1)
		return wf_err_set(err, EINVAL, "%s takes one PID", name);
	return 0;
}

static int check_list(const struct wf_config *config, struct wf_err *err)
{
	if (!config->pids.count && !config->executable)
		return wf_err_set(err, EINVAL, "list needs -p PID or -x FILE");
	if (config->pids.count && config->executable)
		return wf_err_set(err, EINVAL, "list takes -p or -x, not both");
	return check_one_pid(config, "list", err);
}

static int check_replay(const struct wf_config *config, struct wf_err *err)
{
	if (config->arguments.count != 1)
		return wf_err_set(err, EINVAL, "replay needs one FILE, a recording");
	return 0;
}

static int check_doctor(const struct wf_config *config, struct wf_err *err)
{
	if (config->rules.count && !config->pids.count)
		return wf_err_set(err, EINVAL,
				  "doctor -f needs -p PID: a function is looked up "
				  "in a process");
	return 0;
}

static int check_completion(const struct wf_config *config, struct wf_err *err)
{
	const char *shell = config->arguments.count == 1 ? config->arguments.items[0] : "";

	if (strcmp(shell, "bash") != 0 && strcmp(shell, "zsh") != 0)
		return wf_err_set(err, EINVAL, "completion needs the shell: bash or zsh");
	return 0;
}

static int check_help(const struct wf_config *config, struct wf_err *err)
{
	const char *topic = config->arguments.count ? config->arguments.items[0] : NULL;

	if (config->arguments.count > 1)
		return wf_err_set(err, EINVAL, "help takes one command");
	if (topic && !wf_command_find(topic))
		return wf_err_set(err, EINVAL, "there is no command '%s' (wftrace --help)", topic);
	return 0;
}

int wf_config_check(const struct wf_config *config, struct wf_err *err)
{
	int rc = check_dry_run(config, err);

	if (rc < 0)
		return rc;
	switch (config->command) {
	case WF_COMMAND_ATTACH:
		return check_whom(config, "attach", err);
	case WF_COMMAND_RUN:
		if (!config->argv || !config->argv[0])
			return wf_err_set(err, EINVAL, "run needs a COMMAND to start");
		return 0;
	case WF_COMMAND_RECORD:
		return check_record(config, err);
	case WF_COMMAND_LIST:
		return check_list(config, err);
	case WF_COMMAND_REPLAY:
		return check_replay(config, err);
	case WF_COMMAND_DOCTOR:
		return check_doctor(config, err);
	case WF_COMMAND_PROFILES:
		return check_one_pid(config, "profiles", err);
	case WF_COMMAND_DETACH:
		if (!config->pids.count == !config->all)
			return wf_err_set(err, EINVAL, "detach needs -p PID or --all%s",
					  config->all ? ", one of both" : "");
		return 0;
	case WF_COMMAND_COMPLETION:
		return check_completion(config, err);
	case WF_COMMAND_HELP:
		return check_help(config, err);
	default:
		return 0;
	}
}
