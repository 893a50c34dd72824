/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch.h"
#include "userspace/session/select.h"
#include "userspace/session/story.h"

/* Two programs and two libraries, built here; `both` is in a program and in a library. */
static const struct {
	const char *name, *options, *text;
} sources[] = {
	{"libone.so", "-shared -fPIC",
	 "void both(void) {} void only_library(void) {} void f_a(void) {}"},
	{"libtwo.so", "-shared -fPIC", "void only_library(void) {} void in_two(void) {}"},
	{"app", "",
	 "void both(void) {} void own(void) {} int main(void) { both(); own(); return 0; }"},
	{"helper", "", "void own(void) {} int main(void) { own(); return 0; }"},
};

static void compile(const char *name, const char *options, const char *text)
{
	char command[256];
	FILE *compiler;

	snprintf(command, sizeof(command), "cc -x c -O0 %s -o %s/%s -", options, scratch, name);
	compiler = popen(command, "w");
	assert_non_null(compiler);
	fputs(text, compiler);
	assert_int_equal(pclose(compiler), 0);
}

static int make_files(void **state)
{
	(void)state;
	if (scratch_make() < 0)
		return -1;
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		compile(sources[i].name, sources[i].options, sources[i].text);
	return 0;
}

/* A target that maps these files, the first one as its executable. */
struct scene {
	struct wf_target targets[2];
	struct wf_mapping mappings[2][8];
	char paths[2][8][PATH_MAX];
	struct wf_candidates candidates;
};

/* A library from the system that has static probes. */
static const char *probed_library(void)
{
	static char path[PATH_MAX];
	FILE *compiler;

	if (*path)
		return path;
	compiler = popen("cc -print-file-name=libstdc++.so.6", "r");
	assert_non_null(compiler);
	assert_non_null(fgets(path, sizeof(path), compiler));
	assert_int_equal(pclose(compiler), 0);
	path[strcspn(path, "\n")] = 0;
	return path;
}

static void map_files(struct scene *scene, unsigned which, const char *names)
{
	struct wf_target *target = &scene->targets[which];

	target->mappings = scene->mappings[which];
	while (*names) {
		size_t at = target->mapping_count++;
		char *path = scene->paths[which][at];
		size_t len = strcspn(names, " ");
		struct stat st;

		if (!strncmp(names, "libstdc++", len))
			snprintf(path, PATH_MAX, "%s", probed_library());
		else
			snprintf(path, PATH_MAX, "%s/%.*s", scratch, (int)len, names);
		assert_int_equal(stat(path, &st), 0);
		target->mappings[at] = (struct wf_mapping){.path = path,
							   .open_path = path,
							   .device = st.st_dev,
							   .inode = st.st_ino,
							   .executable_file = at == 0};
		names += len + (names[len] == ' ');
	}
}

static struct scene *scene_new(const char *first, const char *second)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct wf_target *targets[2] = {&scene->targets[0], &scene->targets[1]};

	map_files(scene, 0, first);
	if (second)
		map_files(scene, 1, second);
	assert_int_equal(
		wf_candidates_from_targets(&scene->candidates, targets, second ? 2 : 1, NULL, NULL),
		0);
	return scene;
}

static void scene_free(struct scene *scene)
{
	wf_candidates_done(&scene->candidates);
	free(scene);
}

/* "app libone.so": files that the rule takes, in the order of the candidates. */
static void taken(struct scene *scene, const char *rule, char *out, size_t size)
{
	struct wf_ruleset *rules = NULL;
	struct wf_selection *selection = NULL;
	struct wf_err err = {0};
	uint32_t count;
	size_t used = 0;

	assert_int_equal(wf_ruleset_new(&rules, NULL), 0);
	if (wf_ruleset_add_short(rules, rule, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(wf_selection_new(&scene->candidates, rules, &selection, NULL), 0);
	wf_selection_files(selection, &count);
	*out = 0;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t candidate = wf_selection_candidate(selection, i);

		assert_true(wf_selection_takes(selection, i, 0) != 0);
		assert_ptr_equal(wf_selection_files(selection, &count)[i],
				 scene->candidates.items[candidate].elf);
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "",
					 scene->candidates.items[candidate].base);
	}
	wf_selection_free(selection);
	wf_ruleset_free(rules);
}

static void a_rule_is_sought_where_the_manual_says(void **state)
{
	static const struct {
		const char *rule, *files;
	} cases[] = {
		{"own", "app"},
		/* In the executable and in a library: the executable. */
		{"both", "app"},
		{"both@libone*", "libone.so"},
		{"both@*", "app libone.so libtwo.so libstdc++.so.6"},
		/* Only in libraries: all that have it. */
		{"only_library", "libone.so libtwo.so"},
		{"in_two", "libtwo.so"},
		/* A glob is not sought in libraries unasked. */
		{"only_lib*", ""},
		{"only_lib*@libtwo*", "libtwo.so"},
		{"o*", "app"},
		{"own@app", "app"},
		{"nowhere", ""},
		{"own@libthree*", ""},
		{"usdt:libstdcxx:throw", "libstdc++.so.6"},
		{"usdt:libstdcxx:*@libstdc*", "libstdc++.so.6"},
		{"usdt:libstdcxx:throw@app", ""},
		{"usdt:nobody:none", ""},
	};
	struct scene *scene = scene_new("app libone.so libtwo.so libstdc++", NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char files[256];

		taken(scene, cases[i].rule, files, sizeof(files));
		assert_string_equal(files, cases[i].files);
	}
	scene_free(scene);
}

static void a_file_that_two_processes_map_is_one_file(void **state)
{
	struct scene *scene = scene_new("app libone.so", "app libone.so libtwo.so");
	char files[256];

	(void)state;
	assert_int_equal(scene->candidates.count, 3);
	taken(scene, "only_library", files, sizeof(files));
	assert_string_equal(files, "libone.so libtwo.so");
	scene_free(scene);
}

static void each_process_has_its_own_executable(void **state)
{
	struct scene *scene = scene_new("app libone.so", "helper libone.so");
	char files[256];

	(void)state;
	assert_int_equal(scene->candidates.count, 3);
	taken(scene, "own", files, sizeof(files));
	assert_string_equal(files, "app helper");
	taken(scene, "main", files, sizeof(files));
	assert_string_equal(files, "app helper");
	scene_free(scene);
}

static void a_bare_rule_leaves_files_of_other_rules_alone(void **state)
{
	struct scene *scene = scene_new("app libone.so libtwo.so", NULL);
	struct wf_ruleset *rules = NULL;
	struct wf_selection *selection = NULL;
	uint32_t count;

	(void)state;
	assert_int_equal(wf_ruleset_new(&rules, NULL), 0);
	assert_int_equal(wf_ruleset_add_short(rules, "both", NULL), 0);
	assert_int_equal(wf_ruleset_add_short(rules, "f_a@libone*", NULL), 0);
	assert_int_equal(wf_selection_new(&scene->candidates, rules, &selection, NULL), 0);
	wf_selection_files(selection, &count);
	assert_int_equal(count, 2);
	assert_int_equal(wf_selection_takes(selection, 0, 0), WF_TAKES_AT);
	assert_int_equal(wf_selection_takes(selection, 0, 1), 0);
	assert_int_equal(wf_selection_takes(selection, 1, 0), 0);
	assert_int_equal(wf_selection_takes(selection, 1, 1), WF_TAKES_AT);
	wf_selection_free(selection);
	wf_ruleset_free(rules);
	scene_free(scene);
}

static void the_halves_of_a_pair_are_sought_each(void **state)
{
	struct scene *scene = scene_new("app libstdc++", NULL);
	struct wf_ruleset *rules = NULL;
	struct wf_selection *selection = NULL;
	struct wf_buf story;
	uint32_t count;

	(void)state;
	wf_buf_init(&story, 1 << 16);
	assert_int_equal(wf_ruleset_new(&rules, NULL), 0);
	assert_int_equal(wf_ruleset_add_short(rules, "usdt:libstdcxx:throw..catch as jump", NULL),
			 0);
	assert_int_equal(wf_ruleset_add_short(rules, "usdt:libstdcxx:throw..catchh as jump", NULL),
			 0);
	assert_int_equal(wf_selection_new(&scene->candidates, rules, &selection, NULL), 0);
	wf_selection_files(selection, &count);
	assert_int_equal(count, 1);
	assert_int_equal(wf_selection_takes(selection, 0, 0), WF_TAKES_AT | WF_TAKES_CLOSE);
	assert_int_equal(wf_selection_takes(selection, 0, 1), WF_TAKES_AT);
	wf_story_rule(&scene->candidates, &rules->rules[1], &story);
	assert_non_null(strstr(story.data, "libstdcxx:catch"));
	wf_buf_done(&story);
	wf_selection_free(selection);
	wf_ruleset_free(rules);
	scene_free(scene);
}

static void the_story_says_what_helps(void **state)
{
	static const struct {
		const char *rule, *has[3];
	} cases[] = {
		{"owm", {"-f 'owm': no function fits; did you mean 'own'", "? searched: ", "/app"}},
		{"only_lib*", {"it fits in a library: 'only_lib*@libone.so'"}},
		{"own@libthree*",
		 {"no mapped file is called 'libthree*'", "mapped: app libone.so"}},
		{"only_librry@libone*", {"'only_library'", "/libone.so"}},
		{"usdt:libstdcxx:trow", {"no static probe fits", "libstdcxx:throw", "/app"}},
		{"usdt:libstdcxx:trow@libstdc*", {"'libstdcxx:throw'", "static probes)"}},
	};
	struct scene *scene = scene_new("app libone.so libtwo.so libstdc++", NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wf_ruleset *rules = NULL;
		struct wf_buf story;

		wf_buf_init(&story, 1 << 16);
		assert_int_equal(wf_ruleset_new(&rules, NULL), 0);
		assert_int_equal(wf_ruleset_add_short(rules, cases[i].rule, NULL), 0);
		wf_story_rule(&scene->candidates, &rules->rules[0], &story);
		for (size_t j = 0; j < 3 && cases[i].has[j]; j++) {
			if (!strstr(story.data, cases[i].has[j]))
				fail_msg("'%s' not in: %s", cases[i].has[j], story.data);
		}
		assert_null(strchr(story.data, '\n'));
		wf_buf_done(&story);
		wf_ruleset_free(rules);
	}
	scene_free(scene);
}

static void a_file_that_cannot_be_read_is_told(void **state)
{
	struct scene *scene = scene_new("app", NULL);
	struct wf_ruleset *rules = NULL;
	struct wf_buf story;
	char files[64];

	(void)state;
	scene->candidates.items[0].open_path = "/nowhere/app";
	taken(scene, "own", files, sizeof(files));
	assert_string_equal(files, "");
	wf_buf_init(&story, 1 << 16);
	assert_int_equal(wf_ruleset_new(&rules, NULL), 0);
	assert_int_equal(wf_ruleset_add_short(rules, "own", NULL), 0);
	wf_story_rule(&scene->candidates, &rules->rules[0], &story);
	assert_non_null(strstr(story.data, "/app cannot be read: "));
	wf_buf_done(&story);
	wf_ruleset_free(rules);
	scene_free(scene);
}

static void a_profile_fits_by_any_one_variant(void **state)
{
	static const struct {
		struct wf_requirement items[3];
		uint32_t count;
		const char *why; /* NULL = fits */
	} cases[] = {
		{{{0}}, 0, NULL},
		{{{WF_REQUIRE_EXECUTABLE, 0, "app"}}, 1, NULL},
		{{{WF_REQUIRE_EXECUTABLE, 0, "libone*"}}, 1, "no executable is called 'libone*'"},
		{{{WF_REQUIRE_LIBRARY, 0, "libone*"}}, 1, NULL},
		{{{WF_REQUIRE_LIBRARY, 0, "libpq.so*"}}, 1, "no mapped file is called 'libpq.so*'"},
		{{{WF_REQUIRE_SYMBOL, 0, "own"}}, 1, NULL},
		{{{WF_REQUIRE_SYMBOL, 0, "in_two"}}, 1, "no executable has the function 'in_two'"},
		{{{WF_REQUIRE_USDT, 0, "libstdcxx:throw"}}, 1, NULL},
		{{{WF_REQUIRE_USDT, 0, "libstdcxx:nothing"}},
		 1,
		 "no mapped file has the static probe 'libstdcxx:nothing'"},
		/* nobody goes in unasked to look */
		{{{WF_REQUIRE_PYTHON, 0, "app"}},
		 1,
		 "only an agent in the process can tell of the module 'app'"},
		/* Both of one variant, or the other variant. */
		{{{WF_REQUIRE_EXECUTABLE, 0, "app"}, {WF_REQUIRE_SYMBOL, 0, "none"}},
		 2,
		 "no executable has the function 'none'"},
		{{{WF_REQUIRE_EXECUTABLE, 0, "x"},
		  {WF_REQUIRE_SYMBOL, 0, "own"},
		  {WF_REQUIRE_EXECUTABLE, 1, "app"}},
		 3,
		 NULL},
		{{{WF_REQUIRE_EXECUTABLE, 0, "x"}, {WF_REQUIRE_EXECUTABLE, 1, "y"}},
		 2,
		 "no executable is called 'x'"},
	};
	struct scene *scene = scene_new("app libone.so libtwo.so libstdc++", NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wf_ruleset profile = {
			.requirements = (struct wf_requirement *)cases[i].items,
			.requirement_count = cases[i].count,
		};
		struct wf_err why = {0};
		bool fits = wf_select_profile_fits(&scene->candidates, &profile, &why);

		assert_true(fits == !cases[i].why);
		assert_string_equal(why.msg, cases[i].why ? cases[i].why : "");
	}
	scene_free(scene);
}

static void a_running_process_is_read_through_proc(void **state)
{
	struct wf_candidates candidates = {0};
	struct wf_target *target = NULL;
	char path[128], byte;
	int said[2];
	pid_t pid;

	(void)state;
	compile("waiter", "",
		"#include <unistd.h>\nint own_wait(void) { return pause(); }\n"
		"int main(void) { return write(1, \"x\", 1) == 1 ? own_wait() : 1; }");
	snprintf(path, sizeof(path), "%s/waiter", scratch);
	assert_int_equal(pipe(said), 0);
	pid = fork();
	if (!pid) {
		dup2(said[1], 1);
		execl(path, path, NULL);
		_exit(127);
	}
	assert_int_equal(read(said[0], &byte, 1), 1);
	/* Gone from its path, but still mapped. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(wf_target_open(pid, &target, NULL), 0);
	assert_int_equal(wf_candidates_from_targets(&candidates, &target, 1, NULL, NULL), 0);
	assert_true(candidates.items[0].executable);
	assert_string_equal(candidates.items[0].base, "waiter");
	assert_true(wf_candidate_has_function(&candidates, 0, "own_wait"));
	wf_candidates_done(&candidates);
	wf_target_free(target);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(said[0]);
	close(said[1]);
}

static void a_single_file_is_an_executable(void **state)
{
	struct wf_candidates candidates = {0};
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/libone.so", scratch);
	assert_int_equal(wf_candidates_from_file(&candidates, path, NULL, NULL), 0);
	assert_int_equal(candidates.count, 1);
	assert_true(candidates.items[0].executable);
	assert_string_equal(candidates.items[0].base, "libone.so");
	assert_true(wf_candidate_has_function(&candidates, 0, "only_*"));
	assert_int_equal(wf_story_count(wf_candidate_open(&candidates, 0)).probes, 0);
	wf_candidates_done(&candidates);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rule_is_sought_where_the_manual_says),
		cmocka_unit_test(a_file_that_two_processes_map_is_one_file),
		cmocka_unit_test(each_process_has_its_own_executable),
		cmocka_unit_test(a_bare_rule_leaves_files_of_other_rules_alone),
		cmocka_unit_test(the_halves_of_a_pair_are_sought_each),
		cmocka_unit_test(the_story_says_what_helps),
		cmocka_unit_test(a_file_that_cannot_be_read_is_told),
		cmocka_unit_test(a_profile_fits_by_any_one_variant),
		cmocka_unit_test(a_running_process_is_read_through_proc),
		cmocka_unit_test(a_single_file_is_an_executable),
	};

	return cmocka_run_group_tests(tests, make_files, scratch_drop);
}
