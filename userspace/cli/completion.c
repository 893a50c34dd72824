/* SPDX-License-Identifier: Apache-2.0 */
#include "completion.h"

#include <string.h>

#include "command.h"
#include "option.h"
#include "userspace/rule/shipped.h"

static bool command_shown(unsigned i)
{
	return wf_commands[i].order == 'A' && !wf_commands[i].hidden;
}

static bool option_shown(unsigned i, enum wf_command command)
{
	return wf_options[i].order == 'A' && wf_option_takes(&wf_options[i], command);
}

static void print_profiles(FILE *out)
{
	for (unsigned i = 0; i < wf_shipped_profile_count; i++)
		fprintf(out, "%s%s", i ? " " : "", wf_shipped_profiles[i].name);
}

/* The bash command that prints candidates for "$cur", or NULL. */
static const char *bash_candidates(enum wf_option_hint hint)
{
	switch (hint) {
	case WF_HINT_FILE:
		return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")";
	case WF_HINT_DIRECTORY:
		return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")";
	case WF_HINT_PID:
		return "mapfile -t COMPREPLY < <(cd /proc && compgen -G '[0-9]*' | grep \"^$cur\")";
	case WF_HINT_PROCESS:
		return "mapfile -t COMPREPLY < <(compgen -W "
		       "\"$(cat /proc/[0-9]*/comm 2>/dev/null | tr ' ' '_')\" -- \"$cur\")";
	case WF_HINT_PROFILE:
		return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -W \"$profiles\" "
		       "-- \"$cur\"; compgen -f -X '!*.y?(a)ml' -- \"$cur\")";
	case WF_HINT_DESTINATION:
		return "compopt -o nospace; mapfile -t COMPREPLY < <(compgen -W "
		       "'console file: http:// https://' -- \"$cur\")";
	case WF_HINT_USER:
		return "mapfile -t COMPREPLY < <(compgen -u -- \"$cur\")";
	case WF_HINT_DURATION:
		return "mapfile -t COMPREPLY < <(compgen -W '500ms 5s 30s 2m 1h' -- \"$cur\")";
	case WF_HINT_NONE:
		break;
	}
	return NULL;
}

static void print_bash_arguments(FILE *out)
{
	fputs("\tcase $prev in\n", out);
	for (unsigned i = 0; i < wf_option_count; i++) {
		const struct wf_option *option = &wf_options[i];
		const char *candidates = bash_candidates(option->hint);

		if (option->order != 'A' || !option->argument || option->type == WF_OPTION_DRY_RUN)
			continue;
		fprintf(out, "\t--%s", option->name);
		if (option->letter)
			fprintf(out, " | -%c", option->letter);
		fprintf(out, ") %s; return ;;\n", candidates ? candidates : ":");
	}
	fputs("\tesac\n", out);
}

static void print_bash_options(FILE *out)
{
	fputs("\tcase $command in\n", out);
	for (unsigned c = 0; c < wf_command_count; c++) {
		if (!command_shown(c))
			continue;
		fprintf(out, "\t%s) options='", wf_commands[c].name);
		for (unsigned i = 0; i < wf_option_count; i++) {
			if (option_shown(i, wf_commands[c].command))
				fprintf(out, "--%s ", wf_options[i].name);
		}
		fputs("' ;;\n", out);
	}
	fputs("\tesac\n", out);
}

static void print_bash_commands(FILE *out)
{
	for (unsigned i = 0; i < wf_command_count; i++) {
		if (command_shown(i))
			fprintf(out, "%s ", wf_commands[i].name);
	}
}

static void print_bash(FILE *out)
{
	fputs("# bash completion of wftrace, made by: wftrace completion bash\n"
	      "_wftrace()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	      "\tlocal command=${COMP_WORDS[1]} options='' profiles='",
	      out);
	print_profiles(out);
	fputs("'\n\tCOMPREPLY=()\n"
	      "\tif [[ $COMP_CWORD -eq 1 ]]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W '",
	      out);
	print_bash_commands(out);
	fputs("--help --version' -- \"$cur\")\n\t\treturn\n\tfi\n", out);
	print_bash_arguments(out);
	print_bash_options(out);
	fputs("\tif [[ $cur == -* ]]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tcase $command in\n"
	      "\tcompletion) mapfile -t COMPREPLY < <(compgen -W 'bash zsh' -- \"$cur\") ;;\n"
	      "\treplay) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") "
	      ";;\n"
	      "\trun) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -c -f -- \"$cur\") "
	      ";;\n"
	      "\tesac\n"
	      "}\n"
	      "complete -F _wftrace wftrace\n",
	      out);
}

/* What follows "[help]" in an _arguments specification. */
static void print_zsh_argument(const struct wf_option *option, FILE *out)
{
	static const char *const actions[] = {
		[WF_HINT_NONE] = " ",
		[WF_HINT_FILE] = "_files",
		[WF_HINT_DIRECTORY] = "_files -/",
		[WF_HINT_PID] = "_pids",
		[WF_HINT_PROCESS] = "_process_names",
		[WF_HINT_PROFILE] = "_wftrace_profile",
		[WF_HINT_DESTINATION] = "(console file\\: http\\:// https\\://)",
		[WF_HINT_USER] = "_users",
		[WF_HINT_DURATION] = "(500ms 5s 30s 2m 1h)",
	};

	if (option->argument && option->type != WF_OPTION_DRY_RUN)
		fprintf(out, ":%s:%s", option->argument, actions[option->hint]);
}

static void print_zsh_option(const struct wf_option *option, FILE *out)
{
	bool many = option->type == WF_OPTION_TEXTS || option->type == WF_OPTION_PAIRS ||
		    option->type == WF_OPTION_PIDS;

	fputs(" \\\n\t\t\t", out);
	if (option->letter && many)
		fprintf(out, "'*'{-%c,--%s}", option->letter, option->name);
	else if (option->letter)
		fprintf(out, "'(-%c --%s)'{-%c,--%s}", option->letter, option->name, option->letter,
			option->name);
	else
		fprintf(out, "%s--%s", many ? "'*'" : "", option->name);
	fprintf(out, "'[%s]", option->help);
	print_zsh_argument(option, out);
	fputs("'", out);
}

static const char *zsh_rest(enum wf_command command)
{
	switch (command) {
	case WF_COMMAND_RUN:
		return " \\\n\t\t\t'(-)1:command:_command_names -e' '*::arguments:_normal'";
	case WF_COMMAND_REPLAY:
		return " \\\n\t\t\t'1:recording:_files'";
	case WF_COMMAND_COMPLETION:
		return " \\\n\t\t\t'1:shell:(bash zsh)'";
	default:
		return "";
	}
}

static void print_zsh(FILE *out)
{
	fputs("#compdef wftrace\n# zsh completion of wftrace, made by: wftrace completion zsh\n"
	      "_wftrace_profile()\n{\n\tcompadd ",
	      out);
	print_profiles(out);
	fputs("\n\t_files -g '*.y(a|)ml'\n}\n\n_wftrace()\n{\n\tlocal -a commands=(\n", out);
	for (unsigned i = 0; i < wf_command_count; i++) {
		if (command_shown(i))
			fprintf(out, "\t\t'%s:%s'\n", wf_commands[i].name, wf_commands[i].summary);
	}
	fputs("\t)\n"
	      "\tif (( CURRENT == 2 )); then\n"
	      "\t\t_describe command commands\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tshift words\n"
	      "\t(( CURRENT-- ))\n"
	      "\tcase $words[1] in\n",
	      out);
	for (unsigned c = 0; c < wf_command_count; c++) {
		if (!command_shown(c))
			continue;
		fprintf(out, "\t%s)\n\t\t_arguments -s", wf_commands[c].name);
		for (unsigned i = 0; i < wf_option_count; i++) {
			if (option_shown(i, wf_commands[c].command))
				print_zsh_option(&wf_options[i], out);
		}
		fprintf(out, "%s ;;\n", zsh_rest(wf_commands[c].command));
	}
	fputs("\tesac\n}\n\n_wftrace \"$@\"\n", out);
}

void wf_completion_print(const char *shell, FILE *out)
{
	if (!strcmp(shell, "zsh"))
		print_zsh(out);
	else
		print_bash(out);
}
