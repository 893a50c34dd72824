/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "option.h"
#include "userspace/base/str.h"

struct cursor {
	char *const *argv;
	int argc, next;
	const struct wf_command_info *command;
	struct wf_config *config;
};

static int refuse_later(const char *what, const char *name, char order, struct wf_err *err)
{
	return wf_err_set(err, ENOTSUP, "%s%s is not in this version; it comes with %s", what, name,
			  wf_command_order_name(order));
}

static int refuse_command(const struct wf_command_info *command, struct wf_err *err)
{
	return wf_err_set(err, ENOTSUP, "'%s' (%s) is not in this version; it comes with %s",
			  command->name, command->summary, wf_command_order_name(command->order));
}

/* The command whose name is nearest, or NULL where none is near. */
static const char *near_command(const char *name)
{
	const char *near = NULL;
	unsigned best = 3;

	for (unsigned i = 0; i < wf_command_count; i++) {
		unsigned distance = wf_edit_distance(name, wf_commands[i].name, best);

		if (distance < best && !wf_commands[i].hidden && 2 * distance <= strlen(name)) {
			best = distance;
			near = wf_commands[i].name;
		}
	}
	return near;
}

static int unknown_command(const char *name, struct wf_err *err)
{
	const char *near = near_command(name);
	uint64_t number;

	if (!wf_parse_u64(name, &number))
		return wf_err_set(err, EINVAL,
				  "'%s' is not a command; to trace a process: wftrace attach -p %s",
				  name, name);
	if (near)
		return wf_err_set(err, EINVAL, "'%s' is not a command; did you mean '%s'?", name,
				  near);
	return wf_err_set(err, EINVAL, "'%s' is not a command (wftrace --help)", name);
}

static int unknown_option(const struct cursor *at, const char *shown, const char *name,
			  struct wf_err *err)
{
	const struct wf_option *near = wf_option_near(name, at->command->command);

	if (near)
		return wf_err_set(err, EINVAL, "%s: unknown option '%s'; did you mean '--%s'?",
				  at->command->name, shown, near->name);
	return wf_err_set(err, EINVAL, "%s: unknown option '%s' (wftrace %s --help)",
			  at->command->name, shown, at->command->name);
}

/* Which commands know it, for "--to is for attach, run, replay". */
static int wrong_command(const struct cursor *at, const struct wf_option *option,
			 struct wf_err *err)
{
	char names[160] = "";
	size_t len = 0;

	for (unsigned i = 0; i < wf_command_count; i++) {
		if (!wf_option_takes(option, wf_commands[i].command) || wf_commands[i].hidden)
			continue;
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "",
					wf_commands[i].name);
		if (len >= sizeof(names))
			break;
	}
	return wf_err_set(err, EINVAL, "%s does not take --%s (%s)", at->command->name,
			  option->name, len ? names : "wftrace --version");
}

/* A wrong duration is to be refused as one, but the command of `run` may begin with a digit. */
static bool may_be_duration(const struct cursor *at, const char *word)
{
	uint64_t ns;

	if (at->command->command != WF_COMMAND_RUN && *word >= '0' && *word <= '9')
		return true;
	return !wf_parse_duration(word, &ns);
}

/* Reads one option; `text` is its argument where that is part of the same word. */
static int take_option(struct cursor *at, const struct wf_option *option, const char *text,
		       struct wf_err *err)
{
	int rc;

	if (!wf_option_takes(option, at->command->command))
		return wrong_command(at, option, err);
	if (option->order != 'A')
		return refuse_later("--", option->name, option->order, err);
	if (text && !option->argument)
		return wf_err_set(err, EINVAL, "%s: --%s takes no value", at->command->name,
				  option->name);
	if (option->type == WF_OPTION_DRY_RUN) {
		if (!text && at->next < at->argc && may_be_duration(at, at->argv[at->next]))
			text = at->argv[at->next++];
	} else if (option->argument && !text) {
		if (at->next >= at->argc)
			return wf_err_set(err, EINVAL, "%s: --%s needs a value: %s",
					  at->command->name, option->name, option->argument);
		text = at->argv[at->next++];
	}
	rc = wf_option_set(option, text, at->config, err);
	return wf_err_wrap(err, rc, "%s: --%s", at->command->name, option->name);
}

static int take_long(struct cursor *at, const char *word, bool *ret_help, struct wf_err *err)
{
	const char *name = word + 2;
	size_t len = strcspn(name, "=");
	const struct wf_option *option = wf_option_find(name, len);
	char plain[64];

	if (!option) {
		snprintf(plain, sizeof(plain), "%.*s", (int)(len < 40 ? len : 40), name);
		return unknown_option(at, word, plain, err);
	}
	*ret_help |= option->letter == 'h';
	return take_option(at, option, name[len] ? name + len + 1 : NULL, err);
}

/* -p5, -p 5, -vvp 5 */
static int take_letters(struct cursor *at, const char *word, bool *ret_help, struct wf_err *err)
{
	for (const char *c = word + 1; *c; c++) {
		const struct wf_option *option = wf_option_letter(*c);
		const char *rest = c[1] ? c + 1 : NULL;
		bool takes_rest;
		int rc;

		if (!option) {
			char shown[3] = {'-', *c, 0};

			return unknown_option(at, shown, shown + 1, err);
		}
		takes_rest = option->argument && rest;
		*ret_help |= option->letter == 'h';
		rc = take_option(at, option, takes_rest ? rest : NULL, err);
		if (rc < 0 || takes_rest)
			return rc;
	}
	return 0;
}

static int take_argument(struct cursor *at, const char *word, struct wf_err *err)
{
	uint64_t number;

	switch (at->command->command) {
	case WF_COMMAND_LIST:
	case WF_COMMAND_REPLAY:
	case WF_COMMAND_COMPLETION:
	case WF_COMMAND_HELP:
		return wf_strings_add(&at->config->arguments, word, err);
	case WF_COMMAND_ATTACH:
	case WF_COMMAND_RECORD:
		if (wf_parse_u64(word, &number) < 0)
			return wf_err_set(err, EINVAL,
					  "%s: unexpected '%s'; a function is given with -f",
					  at->command->name, word);
		return wf_err_set(err, EINVAL, "%s: unexpected '%s'; a process is given with -p",
				  at->command->name, word);
	default:
		return wf_err_set(err, EINVAL, "%s: unexpected '%s'", at->command->name, word);
	}
}

static int take_words(struct cursor *at, bool *ret_help, struct wf_err *err)
{
	bool options = true;
	int rc = 0;

	while (rc >= 0 && at->next < at->argc && !*ret_help) {
		const char *word = at->argv[at->next];
		bool dashed = options && word[0] == '-' && word[1];

		/* The command of `run` begins at the first word that is no option. */
		if (at->command->command == WF_COMMAND_RUN && (!dashed || !strcmp(word, "--"))) {
			at->config->argv = at->argv + at->next + dashed;
			return 0;
		}
		at->next++;
		if (!dashed)
			rc = take_argument(at, word, err);
		else if (!strcmp(word, "--"))
			options = false;
		else if (word[1] == '-')
			rc = take_long(at, word, ret_help, err);
		else
			rc = take_letters(at, word, ret_help, err);
	}
	return rc;
}

/* Options that stand before a command. */
static int parse_leading(const char *word, struct wf_config *config, struct wf_err *err)
{
	if (!strcmp(word, "-h") || !strcmp(word, "--help")) {
		config->command = WF_COMMAND_HELP;
		return 0;
	}
	if (!strcmp(word, "-V") || !strcmp(word, "--version")) {
		config->command = WF_COMMAND_VERSION;
		return 0;
	}
	return wf_err_set(err, EINVAL,
			  "'%s' stands before the command: wftrace COMMAND %s ... (wftrace --help)",
			  word, word);
}

int wf_cli_parse(int argc, char *const *argv, struct wf_config *config, struct wf_err *err)
{
	struct cursor at = {.argv = argv, .argc = argc, .next = 2, .config = config};
	bool help = false;
	int rc;

	if (argc < 2)
		return wf_err_set(err, EINVAL, "a command is missing (wftrace --help)");
	if (argv[1][0] == '-')
		return parse_leading(argv[1], config, err);
	at.command = wf_command_find(argv[1]);
	if (!at.command)
		return unknown_command(argv[1], err);
	if (at.command->order != 'A')
		return refuse_command(at.command, err);
	config->command = at.command->command;
	rc = take_words(&at, &help, err);
	if (rc < 0)
		return rc;
	if (!help)
		return wf_config_check(config, err);
	config->command = WF_COMMAND_HELP;
	config->arguments.count = 0;
	return wf_strings_add(&config->arguments, at.command->name, err);
}
