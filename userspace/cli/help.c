/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

#include <stdint.h>
#include <string.h>

#include "command.h"
#include "option.h"

#define HELP_COLUMN 32

static void print_overview(FILE *out)
{
	fputs("wftrace turns functions of running processes into OpenTelemetry spans.\n\n"
	      "usage: wftrace COMMAND [OPTION...]        wftrace COMMAND --help says more\n\n",
	      out);
	for (unsigned i = 0; i < wf_command_count; i++) {
		if (wf_commands[i].order == 'A' && !wf_commands[i].hidden)
			fprintf(out, "  %-11s %s\n", wf_commands[i].name, wf_commands[i].summary);
	}
	fputs("\nexamples:\n", out);
	for (unsigned i = 0; i < 2; i++)
		fprintf(out, "  %s\n", wf_command_info(WF_COMMAND_ATTACH)->examples[i].line);
	fprintf(out, "  %s\n", wf_command_info(WF_COMMAND_LIST)->examples[0].line);
	fprintf(out, "  %s\n", wf_command_info(WF_COMMAND_RUN)->examples[0].line);
	fputs("\nexit status: 0 done, 1 failed, 2 usage, 3 kernel or privileges cannot,\n"
	      "4 nothing matched; run ends with the status of its command. More: man wftrace\n",
	      out);
}

/* "  -p, --pid PID[,PID...]" */
static int option_head(const struct wf_option *option, char *head, size_t size)
{
	bool optional = option->type == WF_OPTION_DRY_RUN;
	char letter[6] = "    ";

	if (option->letter)
		snprintf(letter, sizeof(letter), "-%c, ", option->letter);
	return snprintf(head, size, "  %s--%s%s%s%s%s", letter, option->name,
			option->argument ? " " : "", optional ? "[" : "",
			option->argument ? option->argument : "", optional ? "]" : "");
}

static void print_option(const struct wf_option *option, FILE *out)
{
	char head[64];
	int len = option_head(option, head, sizeof(head));

	if (len < HELP_COLUMN)
		fprintf(out, "%-*s%s\n", HELP_COLUMN, head, option->help);
	else
		fprintf(out, "%s\n%*s%s\n", head, HELP_COLUMN, "", option->help);
}

static void print_command(const struct wf_command_info *command, FILE *out)
{
	fprintf(out, "usage: wftrace %s%s%s\n%s\n\n", command->name, *command->synopsis ? " " : "",
		command->synopsis, command->summary);
	for (unsigned i = 0; i < wf_option_count; i++) {
		if (wf_options[i].order == 'A' && wf_option_takes(&wf_options[i], command->command))
			print_option(&wf_options[i], out);
	}
	if (!command->examples[0].line)
		return;
	fputs("\nexamples:\n", out);
	for (unsigned i = 0; i < WF_EXAMPLES_MAX && command->examples[i].line; i++)
		fprintf(out, "  %s\n", command->examples[i].line);
}

void wf_help_print(const char *topic, FILE *out)
{
	const struct wf_command_info *command = topic ? wf_command_find(topic) : NULL;

	if (!topic)
		print_overview(out);
	else if (command && command->order == 'A')
		print_command(command, out);
}

/* Roff text: *bold* becomes a font, and what roff would take as its own is quoted. */
static void print_roff(const char *text, FILE *out)
{
	bool bold = false;

	for (const char *c = text; *c; c++) {
		if (*c == '*') {
			bold = !bold;
			fputs(bold ? "\\fB" : "\\fR", out);
		} else if (*c == '-' || *c == '\\') {
			fputs(*c == '-' ? "\\-" : "\\e", out);
		} else {
			fputc(*c, out);
		}
	}
}

static void print_manual_commands(const struct wf_option *option, FILE *out)
{
	const char *between = "";

	if (option->commands == UINT32_MAX || wf_option_takes(option, WF_COMMAND_NONE))
		return;
	fputs("Commands: ", out);
	for (unsigned i = 0; i < wf_command_count; i++) {
		if (!wf_option_takes(option, wf_commands[i].command))
			continue;
		fprintf(out, "%s%s", between, wf_commands[i].name);
		between = ", ";
	}
	fputs(".\n", out);
}

static void print_manual_head(const struct wf_option *option, FILE *out)
{
	fputs(".It ", out);
	if (option->letter)
		fprintf(out, "Fl %c , ", option->letter);
	fprintf(out, "Fl \\-%s", option->name);
	if (option->type == WF_OPTION_DRY_RUN)
		fprintf(out, " Op Ar %s", option->argument);
	else if (option->argument)
		fprintf(out, " Ar %s", option->argument);
	fputs("\n", out);
}

void wf_help_print_manual(FILE *out)
{
	for (unsigned i = 0; i < wf_option_count; i++) {
		const struct wf_option *option = &wf_options[i];

		if (option->order != 'A')
			continue;
		print_manual_head(option, out);
		fputc(option->help[0] & ~0x20, out);
		print_roff(option->help + 1, out);
		fputs(".\n", out);
		if (option->manual) {
			print_roff(option->manual, out);
			fputs("\n", out);
		}
		if (option->fallback) {
			fputs("Without it: ", out);
			print_roff(option->fallback, out);
			fputs(".\n", out);
		}
		print_manual_commands(option, out);
	}
}
