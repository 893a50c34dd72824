/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wordexp.h>

#include "userspace/base/str.h"
#include "userspace/cli/cli.h"
#include "userspace/cli/command.h"
#include "userspace/cli/completion.h"
#include "userspace/cli/help.h"
#include "userspace/cli/option.h"
#include "userspace/rule/ruleset.h"

/* Parse a line as a shell would split it. The config borrows from words. */
static int parse(const char *line, wordexp_t *words, struct wf_config *config, struct wf_err *err)
{
	assert_int_equal(wordexp(line, words, WRDE_NOCMD | WRDE_UNDEF), 0);
	wf_config_init(config);
	return wf_cli_parse((int)words->we_wordc, words->we_wordv, config, err);
}

static char *printed(void (*print)(const char *, FILE *), const char *topic)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	print(topic, out);
	fclose(out);
	return text;
}

static void print_manual(const char *topic, FILE *out)
{
	(void)topic;
	wf_help_print_manual(out);
}

static void the_table_is_consistent(void **state)
{
	(void)state;
	for (unsigned i = 0; i < wf_option_count; i++) {
		const struct wf_option *option = &wf_options[i];

		assert_ptr_equal(wf_option_find(option->name, strlen(option->name)), option);
		if (option->letter)
			assert_ptr_equal(wf_option_letter(option->letter), option);
		assert_true(option->commands);
		if (option->order != 'A')
			continue;
		/* Completion scripts quote the text with ' and [ ]. */
		assert_non_null(option->help);
		assert_null(strpbrk(option->help, "'[]:"));
		assert_true(strlen(option->help) <= 48);
		assert_true(!option->argument ==
			    (option->type == WF_OPTION_FLAG || option->type == WF_OPTION_ACTION));
	}
	for (unsigned i = 0; i < wf_command_count; i++) {
		assert_ptr_equal(wf_command_find(wf_commands[i].name), &wf_commands[i]);
		assert_ptr_equal(wf_command_info(wf_commands[i].command), &wf_commands[i]);
		assert_null(strpbrk(wf_commands[i].summary, "':"));
	}
}

/* The line must parse, and so must the rules in it. */
static void assert_example(const char *text, enum wf_command command)
{
	struct wf_ruleset *rules = NULL;
	struct wf_config config;
	struct wf_err err = {0};
	char line[256];
	wordexp_t words;

	snprintf(line, sizeof(line), "%.*s", (int)strcspn(text, "\n"), text);
	/* A redirection is the shell's. */
	if (strstr(line, " > /"))
		*strstr(line, " > /") = 0;
	if (parse(line, &words, &config, &err) < 0)
		fail_msg("%s: %s", line, err.msg);
	if (command != WF_COMMAND_NONE)
		assert_int_equal(config.command, command);
	assert_int_equal(wf_ruleset_new(&rules, NULL), 0);
	for (uint32_t i = 0; i < config.rules.count; i++) {
		if (wf_ruleset_add_short(rules, config.rules.items[i], &err) < 0)
			fail_msg("%s: %s", line, err.msg);
	}
	wf_ruleset_free(rules);
	wf_config_done(&config);
	wordfree(&words);
}

static void every_example_of_the_manual_parses(void **state)
{
	unsigned count = 0;
	char *page;
	size_t len;

	(void)state;
	assert_int_equal(wf_read_file("docs/wftrace.1", 1 << 20, &page, &len, NULL), 0);
	for (char *line = page; (line = strstr(line, "\n.Dl wftrace ")); line++) {
		char example[256];
		size_t used = 0;

		/* \- is roff for a minus. */
		for (const char *c = line + strlen("\n.Dl "); *c != '\n'; c++) {
			if (*c != '\\')
				example[used++] = *c;
			assert_true(used < sizeof(example));
		}
		example[used] = 0;
		assert_example(example, WF_COMMAND_NONE);
		count++;
	}
	assert_true(count >= 10);
	free(page);
}

static void every_example_of_the_help_parses(void **state)
{
	unsigned count = 0;

	(void)state;
	for (unsigned i = 0; i < wf_command_count; i++) {
		for (unsigned e = 0; e < WF_EXAMPLES_MAX && wf_commands[i].examples[e].line; e++) {
			assert_example(wf_commands[i].examples[e].line, wf_commands[i].command);
			count++;
		}
	}
	assert_true(count > 10);
}

static void values_reach_the_config(void **state)
{
	struct wf_config config;
	wordexp_t words;

	(void)state;
	assert_int_equal(
		parse("wftrace attach -p5,6 --pid=7 -p 6 -vf one --function 'two(a=arg1:str)' "
		      "--profile=pg --slower 250us -d 1.5s --traces 3 --depth=4 --no-follow "
		      "--strict --shared --dry-run --to console --to file:- --json "
		      "--ledger l.json --service-name s --resource a.b=c=d --header X-Y='p q' "
		      "--header-file h --debug-dir /d",
		      &words, &config, NULL),
		0);
	assert_int_equal(config.command, WF_COMMAND_ATTACH);
	assert_int_equal(config.pids.count, 3);
	assert_int_equal(config.pids.items[0], 5);
	assert_int_equal(config.pids.items[2], 7);
	assert_int_equal(config.rules.count, 2);
	assert_string_equal(config.rules.items[1], "two(a=arg1:str)");
	assert_string_equal(config.profiles.items[0], "pg");
	assert_int_equal(config.slower_ns, 250000);
	assert_int_equal(config.duration_ns, 1500000000);
	assert_int_equal(config.traces_max, 3);
	assert_int_equal(config.depth_max, 4);
	assert_true(config.no_follow && config.strict && config.shared);
	assert_true(config.dry_run.asked);
	assert_int_equal(config.dry_run.count_ns, 0);
	assert_int_equal(config.destinations.count, 2);
	assert_string_equal(config.destinations.items[1], "file:-");
	assert_true(config.json && config.verbose);
	assert_string_equal(config.ledger, "l.json");
	assert_string_equal(config.service_name, "s");
	assert_string_equal(config.resource.items[0], "a.b=c=d");
	assert_string_equal(config.headers.items[0], "X-Y=p q");
	assert_string_equal(config.header_file, "h");
	assert_string_equal(config.debug_dir, "/d");
	wf_config_done(&config);
	wordfree(&words);
}

static void what_follows_the_command_of_run_is_its_own(void **state)
{
	static const char *const lines[] = {
		"wftrace run --json -- ls -p 5 --help",
		"wftrace run --json ls -p 5 --help",
	};
	struct wf_config config;
	wordexp_t words;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(parse(lines[i], &words, &config, NULL), 0);
		assert_int_equal(config.command, WF_COMMAND_RUN);
		assert_true(config.json);
		assert_string_equal(config.argv[0], "ls");
		assert_string_equal(config.argv[3], "--help");
		assert_null(config.argv[4]);
		wf_config_done(&config);
		wordfree(&words);
	}
	/* The duration of a dry run is taken only where it is one. */
	assert_int_equal(parse("wftrace run --dry-run ls 5s", &words, &config, NULL), 0);
	assert_true(config.dry_run.asked);
	assert_int_equal(config.dry_run.count_ns, 0);
	assert_string_equal(config.argv[0], "ls");
	wf_config_done(&config);
	wordfree(&words);
}

static void arguments_may_stand_between_options(void **state)
{
	struct wf_config config;
	wordexp_t words;

	(void)state;
	assert_int_equal(parse("wftrace list 'a*' -p 1 b --json -- --odd", &words, &config, NULL),
			 0);
	assert_int_equal(config.arguments.count, 3);
	assert_string_equal(config.arguments.items[0], "a*");
	assert_string_equal(config.arguments.items[2], "--odd");
	assert_true(config.json);
	wf_config_done(&config);
	wordfree(&words);
}

static void what_is_wrong_is_said_in_one_line(void **state)
{
	static const struct {
		const char *line, *message;
	} cases[] = {
		{"wftrace", "a command is missing (wftrace --help)"},
		{"wftrace atach -p 1", "'atach' is not a command; did you mean 'attach'?"},
		{"wftrace 4711",
		 "'4711' is not a command; to trace a process: wftrace attach -p 4711"},
		{"wftrace xyz", "'xyz' is not a command (wftrace --help)"},
		{"wftrace -p 1", "'-p' stands before the command: wftrace COMMAND -p ... "
				 "(wftrace --help)"},
		{"wftrace attach", "attach needs -p PID or -n NAME"},
		{"wftrace attach -p 1 -n x", "attach takes -p or -n, not both"},
		{"wftrace attach -p 1 foo",
		 "attach: unexpected 'foo'; a function is given with -f"},
		{"wftrace attach 1", "attach: unexpected '1'; a process is given with -p"},
		{"wftrace attach -p", "attach: --pid needs a value: PID[,PID...]"},
		{"wftrace attach -p ''", "attach: --pid: the value is empty"},
		{"wftrace attach -p 1,,2", "attach: --pid: '' is not a process id"},
		{"wftrace attach -p 1,", "attach: --pid: '' is not a process id"},
		{"wftrace attach -p 0", "attach: --pid: '0' is not a process id"},
		{"wftrace attach -p -3", "attach: --pid: '-3' is not a process id"},
		{"wftrace attach -p 4294967297", "attach: --pid: '4294967297' is not a process id"},
		{"wftrace attach -p postgres", "attach: --pid: 'postgres' is not a process id"},
		{"wftrace attach -p 1 --ledgr x",
		 "attach: unknown option '--ledgr'; did you mean '--ledger'?"},
		{"wftrace attach -p 1 --led x",
		 "attach: unknown option '--led' (wftrace attach --help)"},
		{"wftrace attach -p 1 -y", "attach: unknown option '-y' (wftrace attach --help)"},
		{"wftrace attach -p 1 -d 5",
		 "attach: --duration: '5' has no unit; did you mean '5s'?"},
		{"wftrace attach -p 1 -d 5x",
		 "attach: --duration: '5x' is not a duration like 500ms, 5s, 2m, 1h"},
		{"wftrace attach -p 1 -d 0s",
		 "attach: --duration: the duration must be more than 0"},
		{"wftrace attach -p 1 --traces 0", "attach: --traces: '0' is not a number from 1"},
		{"wftrace attach -p 1 --json=yes", "attach: --json takes no value"},
		{"wftrace attach -p 1 --resource a",
		 "attach: --resource: the value is not KEY=VALUE"},
		{"wftrace attach -p 1 --resource =a",
		 "attach: --resource: the value is not KEY=VALUE"},
		{"wftrace list --to console -p 1",
		 "list does not take --to (attach, run, record, replay)"},
		{"wftrace list", "list needs -p PID or -x FILE"},
		{"wftrace list -p 1,2", "list takes one PID"},
		{"wftrace record -p 1", "record needs -o FILE for the recording"},
		{"wftrace record -o x", "record needs -p PID or -n NAME"},
		{"wftrace replay", "replay needs one FILE, a recording"},
		{"wftrace replay a b", "replay needs one FILE, a recording"},
		{"wftrace run", "run needs a COMMAND to start"},
		{"wftrace run --", "run needs a COMMAND to start"},
		{"wftrace run -p 1 ls",
		 "run does not take --pid (attach, list, record, doctor, profiles, detach)"},
		{"wftrace doctor -f x",
		 "doctor -f needs -p PID: a function is looked up in a process"},
		{"wftrace completion fish", "completion needs the shell: bash or zsh"},
		{"wftrace help nothing", "there is no command 'nothing' (wftrace --help)"},
		/* Later orders are refused by name. */
		{"wftrace agent -c x",
		 "'agent' (trace every process that a profile matches) is not in "
		 "this version; it comes with the version for whole nodes"},
		{"wftrace report x",
		 "'report' (make a page or a flame graph) is not in this version; "
		 "it comes with the version for whole nodes"},
		{"wftrace top",
		 "'top' (watch calls, errors and cost live) is not in this version; it "
		 "comes with sampling and budgets"},
		{"wftrace detach", "detach needs -p PID or --all"},
		{"wftrace config check",
		 "'config' (check and print configuration files) is not in "
		 "this version; it comes with configuration files and context "
		 "propagation"},
		{"wftrace attach -p 1 -c x",
		 "--config is not in this version; it comes with configuration files and context "
		 "propagation"},
		{"wftrace attach -p 1 --sample 0.1",
		 "--sample is not in this version; it comes with sampling and budgets"},
		{"wftrace attach -p 1 --budget=off",
		 "--budget is not in this version; it comes with sampling and budgets"},
		{"wftrace run --errors ls",
		 "--errors is not in this version; it comes with sampling and budgets"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wf_config config;
		struct wf_err err = {0};
		wordexp_t words;

		assert_true(parse(cases[i].line, &words, &config, &err) < 0);
		assert_string_equal(err.msg, cases[i].message);
		assert_null(strchr(err.msg, '\n'));
		wf_config_done(&config);
		wordfree(&words);
	}
}

static void a_header_cannot_smuggle_another_one(void **state)
{
	char *const argv[] = {"wftrace", "attach", "-p", "1", "--header", "a=b\r\nc: secret", NULL};
	struct wf_config config = {0};
	struct wf_err err = {0};

	(void)state;
	assert_true(wf_cli_parse(6, argv, &config, &err) < 0);
	assert_null(strstr(err.msg, "secret"));
	wf_config_done(&config);
}

static void help_fits_a_screen(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= wf_command_count; i++) {
		const char *topic = i < wf_command_count ? wf_commands[i].name : NULL;
		char *text = printed(wf_help_print, topic);
		unsigned lines = 0;

		for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
			assert_true(strcspn(line, "\n") <= 80);
			lines++;
		}
		assert_true(lines <= (topic ? 40 : 24));
		if (topic && wf_commands[i].order == 'A' && !wf_commands[i].hidden)
			assert_non_null(strstr(text, "examples:"));
		free(text);
	}
}

static void help_is_a_command_and_an_option(void **state)
{
	static const struct {
		const char *line, *topic;
	} cases[] = {
		{"wftrace --help", NULL},
		{"wftrace -h", NULL},
		{"wftrace help", NULL},
		{"wftrace help attach", "attach"},
		{"wftrace attach --help", "attach"},
		{"wftrace list 'x*' -h", "list"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wf_config config;
		wordexp_t words;

		assert_int_equal(parse(cases[i].line, &words, &config, NULL), 0);
		assert_int_equal(config.command, WF_COMMAND_HELP);
		assert_int_equal(config.arguments.count, cases[i].topic ? 1 : 0);
		if (cases[i].topic)
			assert_string_equal(config.arguments.items[0], cases[i].topic);
		wf_config_done(&config);
		wordfree(&words);
	}
}

/* Ask bash, as it would ask for "wftrace attach ... <TAB>". */
static char *bash_completes(const char *script, const char *words, int at)
{
	char command[512], *text = calloc(1, 4096);
	FILE *bash;

	snprintf(command, sizeof(command),
		 "bash -c 'compopt() { :; }; . %s; COMP_WORDS=(%s); COMP_CWORD=%d; _wftrace; "
		 "echo \"${COMPREPLY[*]}\"'",
		 script, words, at);
	bash = popen(command, "r");
	assert_non_null(bash);
	assert_true(fread(text, 1, 4095, bash) > 0);
	assert_int_equal(pclose(bash), 0);
	return text;
}

static void bash_completes_what_the_table_says(void **state)
{
	static const struct {
		const char *words, *has, *lacks;
		int at;
	} cases[] = {
		{"wftrace at", "attach", "run", 1},
		{"wftrace attach --s", "--slower --strict --shared --service-name", "--sample", 2},
		{"wftrace list --", "--executable", "--to", 2},
		{"wftrace attach --to c", "console", "file", 3},
		{"wftrace attach -p 1", "1", "x", 3},
		{"wftrace run --user roo", "root", "nobody", 3},
		{"wftrace completion z", "zsh", "bash", 2},
	};
	char path[] = "/tmp/wftrace-completion-XXXXXX";
	int fd = mkstemp(path);
	char *script = printed(wf_completion_print, "bash");

	(void)state;
	assert_int_equal(write(fd, script, strlen(script)), strlen(script));
	close(fd);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = bash_completes(path, cases[i].words, cases[i].at);

		assert_non_null(strstr(text, cases[i].has));
		assert_null(strstr(text, cases[i].lacks));
		free(text);
	}
	unlink(path);
	free(script);
}

static void zsh_reads_its_script(void **state)
{
	char *script = printed(wf_completion_print, "zsh");
	FILE *zsh;

	(void)state;
	assert_int_equal(strncmp(script, "#compdef wftrace\n", 17), 0);
	assert_non_null(strstr(script, "'*'{-p,--pid}'[processes, by their PID on the host]"));
	if (access("/bin/zsh", X_OK) == 0) {
		zsh = popen("/bin/zsh -n", "w");
		assert_non_null(zsh);
		fputs(script, zsh);
		assert_int_equal(pclose(zsh), 0);
	}
	free(script);
}

static void the_manual_has_the_options_of_the_table(void **state)
{
	char *options = printed(print_manual, NULL), *page;
	size_t len;

	(void)state;
	assert_int_equal(wf_read_file("docs/wftrace.1", 1 << 20, &page, &len, NULL), 0);
	/* Out of date? Put what `wftrace man-options` prints between the two marks. */
	assert_non_null(strstr(page, options));
	free(page);
	free(options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_consistent),
		cmocka_unit_test(every_example_of_the_help_parses),
		cmocka_unit_test(every_example_of_the_manual_parses),
		cmocka_unit_test(values_reach_the_config),
		cmocka_unit_test(what_follows_the_command_of_run_is_its_own),
		cmocka_unit_test(arguments_may_stand_between_options),
		cmocka_unit_test(what_is_wrong_is_said_in_one_line),
		cmocka_unit_test(a_header_cannot_smuggle_another_one),
		cmocka_unit_test(help_fits_a_screen),
		cmocka_unit_test(help_is_a_command_and_an_option),
		cmocka_unit_test(bash_completes_what_the_table_says),
		cmocka_unit_test(zsh_reads_its_script),
		cmocka_unit_test(the_manual_has_the_options_of_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
