/* SPDX-License-Identifier: Apache-2.0 */
#include "option.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "userspace/base/str.h"

#define ON(name)  (1u << WF_COMMAND_##name)
#define AT(field) offsetof(struct wf_config, field)

#define TRACING  (ON(ATTACH) | ON(RUN) | ON(RECORD))
#define SHOWING  (TRACING | ON(REPLAY))
#define ANYWHERE UINT32_MAX

/* The order is that of the help texts: whom, what, where to, the rest. */
const struct wf_option wf_options[] = {
	{"pid", 'p', 'A', WF_OPTION_PIDS, WF_HINT_PID,
	 ON(ATTACH) | ON(RECORD) | ON(LIST) | ON(DOCTOR) | ON(PROFILES) | ON(DETACH), AT(pids),
	 "PID[,PID...]", NULL, "processes, by their PID on the host",
	 "Children that they start are traced too, unless *--no-follow* is given. "
	 "*list*, *doctor* and *profiles* only look."},
	{"name", 'n', 'A', WF_OPTION_TEXT, WF_HINT_PROCESS, ON(ATTACH) | ON(RECORD), AT(name),
	 "NAME", NULL, "all processes of this executable or command",
	 "The base name of the executable, or the name that *ps*(1) shows."},
	{"all", 0, 'A', WF_OPTION_FLAG, WF_HINT_NONE, ON(DETACH), AT(all), NULL, NULL,
	 "all processes where something was left", "Those that one is at work in are left alone."},
	{"executable", 'x', 'A', WF_OPTION_TEXT, WF_HINT_FILE, ON(LIST), AT(executable), "FILE",
	 NULL, "look into an ELF file instead of a process", NULL},
	{"function", 'f', 'A', WF_OPTION_TEXTS, WF_HINT_NONE, SHOWING | ON(DOCTOR), AT(rules),
	 "RULE", "every shipped profile that matches",
	 "functions that become spans (may be repeated)", "See *RULES*."},
	{"profile", 0, 'A', WF_OPTION_TEXTS, WF_HINT_PROFILE, SHOWING, AT(profiles), "NAME|FILE",
	 NULL, "rules from a shipped profile or a YAML file",
	 "May be repeated. *wftrace profiles* lists what ships."},
	{"slower", 0, 'A', WF_OPTION_DURATION, WF_HINT_DURATION, TRACING, AT(slower_ns), "DURATION",
	 NULL, "only calls that take at least this long",
	 "Decided in the kernel, for every rule that sets no minimum of its own. The children "
	 "of a call that was too short move to its parent."},
	{"depth", 0, 'A', WF_OPTION_NUMBER, WF_HINT_NONE, TRACING, AT(depth_max), "N", "all levels",
	 "only the N outermost levels of spans", NULL},
	{"traces", 0, 'A', WF_OPTION_NUMBER, WF_HINT_NONE, TRACING, AT(traces_max), "N", "no end",
	 "leave after N traces", NULL},
	{"duration", 'd', 'A', WF_OPTION_DURATION, WF_HINT_DURATION, TRACING, AT(duration_ns),
	 "DURATION", "until interrupted or all processes ended", "leave after this time",
	 "Like *500ms*, *5s*, *2m*, *1h*. With *run* the command goes on, untraced."},
	{"no-follow", 0, 'A', WF_OPTION_FLAG, WF_HINT_NONE, TRACING, AT(no_follow), NULL, NULL,
	 "do not trace children", "Once attached, all privileges are dropped."},
	{"strict", 0, 'A', WF_OPTION_FLAG, WF_HINT_NONE, TRACING, AT(strict), NULL, NULL,
	 "exit 4 if any rule matches nothing",
	 "Before anything is armed. Without it, what did not match is listed with the reason."},
	{"shared", 0, 'A', WF_OPTION_FLAG, WF_HINT_NONE, TRACING, AT(shared), NULL, NULL,
	 "allow probes that other processes also hit",
	 "One probe for every process that maps the file, filtered in the kernel: processes "
	 "that are not traced pay for the trap."},
	{"ret-only", 0, 'A', WF_OPTION_FLAG, WF_HINT_NONE, TRACING | ON(LIST), AT(ret_only), NULL,
	 NULL, "probe RETs, never the branches before them",
	 "To compare: dearer, and the same spans."},
	{"dry-run", 0, 'A', WF_OPTION_DRY_RUN, WF_HINT_NONE, TRACING, AT(dry_run), "DURATION", NULL,
	 "print the plan and its cost, arm nothing",
	 "With a duration it will count calls first; that comes with sampling and budgets."},
	{"to", 0, 'A', WF_OPTION_TEXTS, WF_HINT_DESTINATION, SHOWING, AT(destinations), "DEST",
	 "the environment (see *ENVIRONMENT*), else *console*",
	 "send spans there (may be repeated)", "See *DESTINATIONS*."},
	{"output", 'o', 'A', WF_OPTION_TEXT, WF_HINT_FILE, ON(RUN) | ON(RECORD), AT(output), "FILE",
	 NULL, "where the recording or the results go",
	 "*record* creates it readable for its owner only. Without it, *run* writes its results "
	 "to standard error, since standard output belongs to the command."},
	{"json", 0, 'A', WF_OPTION_FLAG, WF_HINT_NONE,
	 TRACING | ON(REPLAY) | ON(LIST) | ON(DOCTOR) | ON(PROFILES), AT(json), NULL, NULL,
	 "one flat JSON object per line",
	 "This is what a pipe gets anyway from *attach*, *run* and *replay*."},
	{"ledger", 0, 'A', WF_OPTION_TEXT, WF_HINT_FILE, SHOWING, AT(ledger), "FILE", NULL,
	 "write what became of every probe hit, as JSON", NULL},
	{"service-name", 0, 'A', WF_OPTION_TEXT, WF_HINT_NONE, TRACING | ON(REPLAY),
	 AT(service_name), "NAME", "OTEL_SERVICE_NAME of the process, else its executable",
	 "the resource attribute service.name", NULL},
	{"resource", 0, 'A', WF_OPTION_PAIRS, WF_HINT_NONE, SHOWING, AT(resource), "KEY=VALUE",
	 NULL, "a further resource attribute", "May be repeated."},
	{"header", 0, 'A', WF_OPTION_PAIRS, WF_HINT_NONE, SHOWING, AT(headers), "KEY=VALUE", NULL,
	 "a header for HTTP destinations",
	 "May be repeated. Other users can see it in the process list: a secret belongs into "
	 "*--header-file*."},
	{"header-file", 0, 'A', WF_OPTION_TEXT, WF_HINT_FILE, SHOWING, AT(header_file), "FILE",
	 NULL, "headers from a file, one KEY=VALUE a line", NULL},
	{"endpoint", 0, 'A', WF_OPTION_TEXT, WF_HINT_DESTINATION, ON(DOCTOR), AT(endpoint), "URL",
	 NULL, "send an empty request to a backend", NULL},
	{"debug-dir", 0, 'A', WF_OPTION_TEXT, WF_HINT_DIRECTORY, TRACING | ON(LIST) | ON(DOCTOR),
	 AT(debug_dir), "DIR", NULL, "further debug files, by build-id",
	 "Besides */usr/lib/debug*, the same in the process's root, and debuginfod where "
	 "DEBUGINFOD_URLS is set."},
	{"user", 0, 'A', WF_OPTION_TEXT, WF_HINT_USER, ON(RUN), AT(user), "USER",
	 "who called *sudo*(8), else the current user", "start the command as this user", NULL},
	{"config", 'c', 'D', WF_OPTION_TEXT, WF_HINT_FILE, TRACING, 0, "FILE"},
	{"sample", 0, 'E', WF_OPTION_TEXT, WF_HINT_NONE, TRACING, 0, "RATIO"},
	{"budget", 0, 'E', WF_OPTION_TEXT, WF_HINT_NONE, TRACING, 0, "PERCENT|off"},
	{"errors", 0, 'E', WF_OPTION_FLAG, WF_HINT_NONE, TRACING, 0},
	{"no-inject", 0, 'A', WF_OPTION_FLAG, WF_HINT_NONE, TRACING | ON(LIST) | ON(DOCTOR),
	 AT(no_inject), NULL, NULL, "put nothing into processes (no Python)", NULL},
	{"force", 0, 'A', WF_OPTION_FLAG, WF_HINT_NONE,
	 TRACING | ON(LIST) | ON(DOCTOR) | ON(DETACH), AT(force), NULL, NULL,
	 "enter Python processes that may notice it",
	 "Where an audit hook watches, or a native thread would see an interrupted system call."},
	{"verbose", 'v', 'A', WF_OPTION_FLAG, WF_HINT_NONE, ANYWHERE, AT(verbose), NULL, NULL,
	 "say more, for developers", NULL},
	{"help", 'h', 'A', WF_OPTION_ACTION, WF_HINT_NONE, ANYWHERE, 0, NULL, NULL,
	 "show this and leave", NULL},
	{"version", 'V', 'A', WF_OPTION_ACTION, WF_HINT_NONE, ON(NONE), 0, NULL, NULL,
	 "show the version and leave", NULL},
};

const unsigned wf_option_count = sizeof(wf_options) / sizeof(wf_options[0]);

const struct wf_option *wf_option_find(const char *name, size_t len)
{
	for (unsigned i = 0; i < wf_option_count; i++) {
		if (strlen(wf_options[i].name) == len && !memcmp(wf_options[i].name, name, len))
			return &wf_options[i];
	}
	return NULL;
}

const struct wf_option *wf_option_letter(char letter)
{
	for (unsigned i = 0; i < wf_option_count; i++) {
		if (wf_options[i].letter && wf_options[i].letter == letter)
			return &wf_options[i];
	}
	return NULL;
}

bool wf_option_takes(const struct wf_option *option, enum wf_command command)
{
	return option->commands & (1u << command);
}

const struct wf_option *wf_option_near(const char *name, enum wf_command command)
{
	const struct wf_option *near = NULL;
	unsigned best = 3;

	for (unsigned i = 0; i < wf_option_count; i++) {
		unsigned distance;

		if (!wf_option_takes(&wf_options[i], command) || wf_options[i].order != 'A')
			continue;
		distance = wf_edit_distance(name, wf_options[i].name, best);
		/* Two letters off a three-letter word is another word. */
		if (distance < best && 2 * distance <= strlen(wf_options[i].name)) {
			best = distance;
			near = &wf_options[i];
		}
	}
	return near;
}

static int set_duration(const char *text, uint64_t *ret_ns, struct wf_err *err)
{
	uint64_t number;

	if (!wf_parse_u64(text, &number))
		return wf_err_set(err, EINVAL, "'%s' has no unit; did you mean '%ss'?", text, text);
	if (wf_parse_duration(text, ret_ns) < 0)
		return wf_err_set(err, EINVAL, "'%s' is not a duration like 500ms, 5s, 2m, 1h",
				  text);
	if (!*ret_ns)
		return wf_err_set(err, EINVAL, "the duration must be more than 0");
	return 0;
}

static int set_number(const char *text, uint32_t *ret, struct wf_err *err)
{
	uint64_t number;

	if (wf_parse_u64(text, &number) < 0 || !number || number > UINT32_MAX)
		return wf_err_set(err, EINVAL, "'%s' is not a number from 1", text);
	*ret = (uint32_t)number;
	return 0;
}

static int set_pids(const char *text, struct wf_pids *pids, struct wf_err *err)
{
	while (true) {
		size_t len = strcspn(text, ",");
		char one[16];
		uint64_t number;
		int rc;

		snprintf(one, sizeof(one), "%.*s", (int)(len < 15 ? len : 15), text);
		if (len > 10 || wf_parse_u64(one, &number) < 0 || !number || number > INT_MAX)
			return wf_err_set(err, EINVAL, "'%.*s' is not a process id",
					  (int)(len < 40 ? len : 40), text);
		rc = wf_pids_add(pids, (pid_t)number, err);
		if (rc < 0)
			return rc;
		if (!text[len])
			return 0;
		text += len + 1;
	}
}

static int set_pair(const char *text, struct wf_strings *pairs, struct wf_err *err)
{
	const char *equals = strchr(text, '=');

	if (!equals || equals == text)
		return wf_err_set(err, EINVAL, "the value is not KEY=VALUE");
	for (const char *c = text; *c; c++) {
		if (iscntrl((unsigned char)*c) || (c < equals && isspace((unsigned char)*c)))
			return wf_err_set(err, EINVAL,
					  "KEY=VALUE holds a character that is not allowed");
	}
	if (!wf_utf8_valid(text, strlen(text)))
		return wf_err_set(err, EINVAL, "KEY=VALUE is not valid UTF-8");
	return wf_strings_add(pairs, text, err);
}

static int option_store(const struct wf_option *option, const char *text, void *field,
			struct wf_err *err)
{
	switch (option->type) {
	case WF_OPTION_FLAG:
		*(bool *)field = true;
		return 0;
	case WF_OPTION_NUMBER:
		return set_number(text, field, err);
	case WF_OPTION_DURATION:
		return set_duration(text, field, err);
	case WF_OPTION_TEXT:
		*(const char **)field = text;
		return 0;
	case WF_OPTION_TEXTS:
		return wf_strings_add(field, text, err);
	case WF_OPTION_PAIRS:
		return set_pair(text, field, err);
	case WF_OPTION_PIDS:
		return set_pids(text, field, err);
	case WF_OPTION_DRY_RUN:
		((struct wf_dry_run *)field)->asked = true;
		return text ? set_duration(text, &((struct wf_dry_run *)field)->count_ns, err) : 0;
	case WF_OPTION_ACTION:
		return 0;
	}
	return wf_err_set(err, EINVAL, "unknown type of option");
}

int wf_option_set(const struct wf_option *option, const char *text, struct wf_config *config,
		  struct wf_err *err)
{
	if (text && !*text)
		return wf_err_set(err, EINVAL, "the value is empty");
	return option_store(option, text, (char *)config + option->offset, err);
}
