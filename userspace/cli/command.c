/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <string.h>

const struct wf_command_info wf_commands[] = {
	{"attach",
	 WF_COMMAND_ATTACH,
	 'A',
	 false,
	 "-p PID[,PID...] | -n NAME [OPTION...]",
	 "trace processes that are running",
	 {{"wftrace attach -p 4711 -f PortalRun", "the span tree on the terminal"},
	  {"wftrace attach -n postgres --to http://localhost:4318 -d 1m",
	   "by a shipped profile, to a collector"},
	  {"wftrace attach -p 4711 -f 'sqlite3_step@libsqlite3*' --slower 5ms",
	   "a library; only calls of 5 ms and more"},
	  {"wftrace attach -p 4711 -f 'parse(sql=arg1:str) as \"query\"' --json",
	   "with an argument, as JSON lines"}}},
	{"run",
	 WF_COMMAND_RUN,
	 'A',
	 false,
	 "[OPTION...] [--] COMMAND [ARG...]",
	 "start a command and trace it",
	 {{"wftrace run -f 'Stage::run*' -- ./pipeline --fast",
	   "ends with the status of the command"},
	  {"wftrace run -f main -f 'parse*' -o trace.txt -- ./pipeline",
	   "the trace into a file of its own"}}},
	{"agent", WF_COMMAND_AGENT, 'F', false, "", "trace every process that a profile matches"},
	{"list",
	 WF_COMMAND_LIST,
	 'A',
	 false,
	 "-p PID | -x FILE [GLOB...] [--json]",
	 "what can be traced, at which cost, or why not",
	 {{"wftrace list -p 4711 'Portal*'", "in a process and its libraries"},
	  {"wftrace list -p 4711", "its files and static probes"},
	  {"wftrace list -x ./pipeline 'Stage::*' --json", "in a file, as JSON lines"}}},
	{"record",
	 WF_COMMAND_RECORD,
	 'A',
	 false,
	 "-p PID[,PID...] | -n NAME -o FILE [OPTION...]",
	 "write a recording, to replay it later",
	 {{"wftrace record -p 4711 -f PortalRun -o pg.wft -d 30s", "for half a minute"}}},
	{"replay",
	 WF_COMMAND_REPLAY,
	 'A',
	 false,
	 "FILE [OPTION...]",
	 "show or send a recording; needs no privileges",
	 {{"wftrace replay pg.wft", "as it looked"},
	  {"wftrace replay pg.wft --to http://localhost:4318", "send it"},
	  {"wftrace replay pg.wft --profile other.yaml --json", "under other rules"}}},
	{"report", WF_COMMAND_REPORT, 'F', false, "", "make a page or a flame graph"},
	{"top", WF_COMMAND_TOP, 'E', false, "", "watch calls, errors and cost live"},
	{"doctor",
	 WF_COMMAND_DOCTOR,
	 'A',
	 false,
	 "[-p PID] [-f RULE...] [--endpoint URL] [--json]",
	 "say what works here, and what is missing",
	 {{"wftrace doctor", "kernel, privileges, trap cost"},
	  {"wftrace doctor -p 4711 -f PortalRun", "why a function cannot be traced"},
	  {"wftrace doctor --endpoint http://localhost:4318", "does the backend answer"}}},
	{"profiles",
	 WF_COMMAND_PROFILES,
	 'A',
	 false,
	 "[-p PID]",
	 "list the profiles that ship with wftrace",
	 {{"wftrace profiles -p 4711", "which of them match a process"}}},
	{"detach",
	 WF_COMMAND_DETACH,
	 'A',
	 false,
	 "-p PID[,PID...] | --all",
	 "clean up in Python processes after a killed tracer",
	 {{"wftrace detach -p 4711", "its functions are its own again"}}},
	{"config", WF_COMMAND_CONFIG, 'D', false, "", "check and print configuration files"},
	{"completion",
	 WF_COMMAND_COMPLETION,
	 'A',
	 false,
	 "bash | zsh",
	 "print the completion script of a shell",
	 {{"wftrace completion bash > /etc/bash_completion.d/wftrace", "for all users"}}},
	{"help", WF_COMMAND_HELP, 'A', true, "[COMMAND]", "show how to use a command"},
	{"man-options", WF_COMMAND_MAN_OPTIONS, 'A', true, "",
	 "print the option section of the manual, in mdoc"},
};

const unsigned wf_command_count = sizeof(wf_commands) / sizeof(wf_commands[0]);

const struct wf_command_info *wf_command_find(const char *name)
{
	for (unsigned i = 0; i < wf_command_count; i++) {
		if (!strcmp(wf_commands[i].name, name))
			return &wf_commands[i];
	}
	return NULL;
}

const struct wf_command_info *wf_command_info(enum wf_command command)
{
	for (unsigned i = 0; i < wf_command_count; i++) {
		if (wf_commands[i].command == command)
			return &wf_commands[i];
	}
	return NULL;
}

const char *wf_command_order_name(char order)
{
	switch (order) {
	case 'C':
		return "the engine profiles";
	case 'D':
		return "configuration files and context propagation";
	case 'E':
		return "sampling and budgets";
	case 'F':
		return "the version for whole nodes";
	default:
		return "a later version";
	}
}
