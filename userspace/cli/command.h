/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command.h - the subcommands: the table that help, completion and the parser share, and the
 * functions that main calls.
 */
#ifndef WF_COMMAND_H
#define WF_COMMAND_H

#include "config.h"

#define WF_EXAMPLES_MAX 5

struct wf_command_info {
	const char *name;
	enum wf_command command;
	char order; /* work order that brings it: 'A' is here, a later letter is refused by name */
	bool hidden;
	const char *synopsis; /* what follows the name */
	const char *summary;  /* for the list of commands, at most 55 characters */
	struct {
		const char *line;    /* runs as it stands */
		const char *meaning; /* at most 60 characters */
	} examples[WF_EXAMPLES_MAX];
};

extern const struct wf_command_info wf_commands[];
extern const unsigned wf_command_count;

const struct wf_command_info *wf_command_find(const char *name);
const struct wf_command_info *wf_command_info(enum wf_command command);
/* Name of what a later order brings, for "it comes with ...". */
const char *wf_command_order_name(char order);

/* Each returns the exit code of the process (enum wf_exit, or the command's own for run). */
int wf_cmd_attach(const struct wf_config *config);
int wf_cmd_run(const struct wf_config *config);
int wf_cmd_list(const struct wf_config *config);
int wf_cmd_record(const struct wf_config *config);
int wf_cmd_replay(const struct wf_config *config);
int wf_cmd_doctor(const struct wf_config *config);
int wf_cmd_profiles(const struct wf_config *config);
int wf_cmd_detach(const struct wf_config *config);

#endif
