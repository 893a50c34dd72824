/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - what the user asked for on the command line. Filled once by cli.c, const afterwards.
 *
 * Plain data. Texts are borrowed from argv; the lists are released by wf_config_done. Zero means
 * "not given" everywhere.
 */
#ifndef WF_CONFIG_H
#define WF_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "userspace/base/err.h"

/* The process's exit codes. `run` ends with the command's own status instead. */
enum wf_exit {
	WF_EXIT_DONE = 0,
	WF_EXIT_FAILED = 1,
	WF_EXIT_USAGE = 2,
	WF_EXIT_UNABLE = 3,           /* this kernel or these privileges cannot */
	WF_EXIT_NO_MATCH = 4,         /* nothing matched; with --strict: not everything */
	WF_EXIT_NOT_STARTED = 125,    /* run: wftrace failed before the command started */
	WF_EXIT_NOT_EXECUTABLE = 126, /* run: the command was found but cannot be executed */
	WF_EXIT_NOT_FOUND = 127,      /* run: the command was not found */
};

/* The exit code for an errno that ended the work before anything was armed. */
enum wf_exit wf_exit_for(int code);

enum wf_command {
	WF_COMMAND_NONE,
	WF_COMMAND_ATTACH,
	WF_COMMAND_RUN,
	WF_COMMAND_LIST,
	WF_COMMAND_RECORD,
	WF_COMMAND_REPLAY,
	WF_COMMAND_DOCTOR,
	WF_COMMAND_PROFILES,
	WF_COMMAND_COMPLETION,
	WF_COMMAND_HELP,
	WF_COMMAND_VERSION,
	WF_COMMAND_MAN_OPTIONS,
	WF_COMMAND_AGENT,
	WF_COMMAND_REPORT,
	WF_COMMAND_TOP,
	WF_COMMAND_DETACH,
	WF_COMMAND_CONFIG,
};

#define WF_CONFIG_ITEMS_MAX 1024 /* of one list option */

struct wf_strings {
	const char **items;
	uint32_t count;
};

struct wf_pids {
	pid_t *items; /* each once, in the order given */
	uint32_t count;
};

/* --dry-run takes an optional duration: count calls for so long, then say what tracing costs. */
struct wf_dry_run {
	bool asked;
	uint64_t count_ns; /* 0 = only print the plan */
};

struct wf_config {
	enum wf_command command;

	/* whom */
	struct wf_pids pids;
	const char *name;       /* executable or comm name of the processes */
	const char *executable; /* list -x */
	const char *user;       /* run: start the command as this user */
	bool no_follow;         /* children are not traced */
	bool no_inject;         /* nothing is put into a process */
	bool all;               /* detach: whatever process it is in */
	bool force;             /* into a Python process, where that may be noticed */

	/* what */
	struct wf_strings rules;    /* -f, as written */
	struct wf_strings profiles; /* names or files */
	uint64_t slower_ns;
	uint32_t depth_max;  /* levels of nested spans, 0 = all */
	uint32_t traces_max; /* leave after so many traces, 0 = never */
	uint64_t duration_ns;
	bool strict, shared;
	bool ret_only; /* tests and bench: probe RETs in the place of exit sites */
	struct wf_dry_run dry_run;

	/* where to */
	struct wf_strings destinations; /* --to, as written; empty = environment, then console */
	struct wf_strings headers;      /* KEY=VALUE */
	struct wf_strings resource;     /* KEY=VALUE */
	const char *header_file;
	const char *service_name;
	const char *output; /* run: wftrace's own output; record: the recording */
	const char *ledger;
	const char *debug_dir;
	const char *endpoint; /* doctor */
	bool json, verbose;

	struct wf_strings arguments; /* list: GLOBs; replay: FILE; completion: SHELL; help: topic */
	char *const *argv;           /* run: COMMAND ARGS..., NULL-ended, borrowed */
};

void wf_config_init(struct wf_config *config);
void wf_config_done(struct wf_config *config); /* a zeroed one is fine */

/* -ENOMEM, or -E2BIG past WF_CONFIG_ITEMS_MAX. A pid that is there already is not added. */
int wf_strings_add(struct wf_strings *strings, const char *text, struct wf_err *err);
int wf_pids_add(struct wf_pids *pids, pid_t pid, struct wf_err *err);

/* What goes together: needed, exclusive and malformed values of the command. -EINVAL. */
int wf_config_check(const struct wf_config *config, struct wf_err *err);

#endif
