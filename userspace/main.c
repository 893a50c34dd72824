/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/log.h"
#include "userspace/cli/cli.h"
#include "userspace/cli/command.h"
#include "userspace/cli/completion.h"
#include "userspace/cli/help.h"

static void print_own(const struct wf_config *config)
{
	const char *argument = config->arguments.count ? config->arguments.items[0] : NULL;

	if (config->command == WF_COMMAND_COMPLETION)
		wf_completion_print(argument, stdout);
	else if (config->command == WF_COMMAND_MAN_OPTIONS)
		wf_help_print_manual(stdout);
	else if (config->command == WF_COMMAND_VERSION)
		puts("wftrace " WF_VERSION);
	else
		wf_help_print(argument, stdout);
}

int main(int argc, char **argv)
{
	static int (*const commands[])(const struct wf_config *) = {
		[WF_COMMAND_ATTACH] = wf_cmd_attach,
		[WF_COMMAND_RUN] = wf_cmd_run,
		[WF_COMMAND_LIST] = wf_cmd_list,
		[WF_COMMAND_RECORD] = wf_cmd_record,
		[WF_COMMAND_REPLAY] = wf_cmd_replay,
		[WF_COMMAND_DOCTOR] = wf_cmd_doctor,
		[WF_COMMAND_PROFILES] = wf_cmd_profiles,
		[WF_COMMAND_DETACH] = wf_cmd_detach,
		[WF_COMMAND_CONFIG] = NULL,
	};
	wf_auto(wf_config_done) struct wf_config config = {0};
	struct wf_err err = {0};

	if (wf_cli_parse(argc, argv, &config, &err) < 0) {
		wf_log(WF_LOG_ERROR, "cli", "%s", err.msg);
		return err.code == ENOMEM ? WF_EXIT_FAILED : WF_EXIT_USAGE;
	}
	if (config.verbose)
		wf_log_set_level(WF_LOG_DEBUG);
	if (commands[config.command])
		return commands[config.command](&config);
	print_own(&config);
	return fflush(stdout) || ferror(stdout) ? WF_EXIT_FAILED : WF_EXIT_DONE;
}
