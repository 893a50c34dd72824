/* SPDX-License-Identifier: Apache-2.0 */
/* Symbols that are not in the file itself. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "made.h"

static void a_stripped_file_tells_the_way_out(void **state)
{
	wf_auto(wf_binary_freep) struct wf_binary *elf = NULL;
	const char *story;

	(void)state;
	assert_true(run("strip -o stripped lib.so"));
	unsetenv("DEBUGINFOD_URLS");
	elf = open_made("stripped", NULL);
	assert_null(find(elf, "local_one"));
	assert_int_equal(need(elf, "exported")->source, WF_SYM_DYNSYM);
	assert_string_equal(need(elf, "versioned")->name, "versioned");
	story = wf_binary_symbol_story(elf);
	assert_non_null(strstr(story, ": stripped; "));
	assert_non_null(strstr(story, wf_binary_build_id(elf)));
	assert_non_null(strstr(story, "exported functions"));
	assert_non_null(strstr(story, "DEBUGINFOD_URLS"));
}

static void symbols_come_from_gnu_debugdata(void **state)
{
	wf_auto(wf_binary_freep) struct wf_binary *elf = NULL;

	(void)state;
	assert_true(run("objcopy --only-keep-debug lib.so mini.debug && xz -f -k mini.debug && "
			"objcopy -S --add-section .gnu_debugdata=mini.debug.xz lib.so mini"));
	elf = open_made("mini", NULL);
	assert_int_equal(need(elf, "local_one")->source, WF_SYM_MINIDEBUG);
	assert_true(need(elf, "local_one")->size > 0);
	assert_non_null(strstr(wf_binary_symbol_story(elf), ".gnu_debugdata"));
}

static void broken_gnu_debugdata_is_passed_over(void **state)
{
	wf_auto(wf_binary_freep) struct wf_binary *elf = NULL;

	(void)state;
	assert_true(run("head -c 900 mini.debug.xz > cut.xz && "
			"objcopy -S --add-section .gnu_debugdata=cut.xz lib.so cutmini"));
	elf = open_made("cutmini", NULL);
	assert_null(find(elf, "local_one"));
	assert_non_null(find(elf, "exported"));
	assert_non_null(strstr(wf_binary_symbol_story(elf), "damaged"));
}

static void debug_files_are_found_by_build_id_and_link(void **state)
{
	char dir[300], tree[700];
	wf_auto(wf_binary_freep) struct wf_binary *elf = NULL;
	wf_auto(wf_binary_freep) struct wf_binary *other = NULL;

	(void)state;
	assert_true(run("mkdir -p debug flat wrong && strip -o s2 lib.so && "
			"objcopy --only-keep-debug lib.so flat/s2.debug"));
	snprintf(dir, sizeof(dir), "%s/flat", folder);
	elf = open_made("s2", dir);
	assert_int_equal(need(elf, "local_one")->source, WF_SYM_DEBUGFILE);
	assert_non_null(strstr(wf_binary_symbol_story(elf), "from its debug file"));
	snprintf(tree, sizeof(tree),
		 "mkdir -p debug/.build-id/%.2s && cp flat/s2.debug debug/.build-id/%.2s/%s.debug",
		 wf_binary_build_id(elf), wf_binary_build_id(elf), wf_binary_build_id(elf) + 2);
	assert_true(run(tree));
	snprintf(dir, sizeof(dir), "%s/debug", folder);
	wf_binary_free(elf);
	elf = open_made("s2", dir);
	assert_int_equal(need(elf, "local_one")->source, WF_SYM_DEBUGFILE);
	/* The debug file of another build does not count. */
	assert_true(run("objcopy --only-keep-debug pie wrong/s2.debug"));
	snprintf(dir, sizeof(dir), "%s/wrong", folder);
	other = open_made("s2", dir);
	assert_null(find(other, "local_one"));
}

static void a_debug_link_is_followed_where_the_checksum_fits(void **state)
{
	wf_auto(wf_binary_freep) struct wf_binary *elf = NULL;

	(void)state;
	assert_true(run("gcc -O2 -g -shared -fPIC -Wl,--build-id=none,--version-script=a.map -o "
			"noid.so a.c && "
			"mkdir -p .debug && objcopy --only-keep-debug noid.so .debug/noid.debug && "
			"objcopy -S --add-gnu-debuglink=.debug/noid.debug noid.so noid"));
	elf = open_made("noid", NULL);
	assert_string_equal(wf_binary_build_id(elf), "");
	assert_int_equal(need(elf, "local_one")->source, WF_SYM_DEBUGFILE);
	wf_binary_free(elf);
	assert_true(run("echo x >> .debug/noid.debug"));
	elf = open_made("noid", NULL);
	assert_null(find(elf, "local_one"));
	assert_non_null(strstr(wf_binary_symbol_story(elf), "no build-id"));
}

/* Links of a container are followed inside its root: they must not reach the host's files. */
static void the_targets_root_is_not_left(void **state)
{
	wf_auto(wf_binary_freep) struct wf_binary *elf = NULL;
	struct wf_binary_options options = {0};
	char root[64], path[64], text[512];
	const char *id;

	(void)state;
	assert_true(run("strip -o s5 lib.so && mkdir -p root && "
			"objcopy --only-keep-debug lib.so root/real && cp root/real outside"));
	snprintf(root, sizeof(root), "%s/root", folder);
	snprintf(path, sizeof(path), "%s/s5", folder);
	options.root = root;
	for (int inside = 0; inside < 2; inside++) {
		wf_binary_free(elf);
		elf = NULL;
		assert_int_equal(wf_binary_open(path, "/lib/s5", &options, &elf, NULL), 0);
		id = wf_binary_build_id(elf);
		snprintf(text, sizeof(text),
			 "mkdir -p root/usr/lib/debug/.build-id/%.2s && ln -sfn %s%s "
			 "root/usr/lib/debug/.build-id/%.2s/%s.debug",
			 id, inside ? "" : folder, inside ? "/real" : "/outside", id, id + 2);
		assert_true(run(text));
		assert_int_equal(find(elf, "local_one") != NULL, inside);
	}
}

/* A web server on a free port of loopback that serves the folder; its port, 0 = none. */
static int serve_folder(pid_t *ret_pid, FILE **ret_out)
{
	int fds[2], port = 0;
	FILE *out;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	*ret_pid = fork();
	if (*ret_pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
		execlp("python3", "python3", "-u", "-m", "http.server", "--bind", "127.0.0.1",
		       "--directory", folder, "0", (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	out = fdopen(fds[0], "r");
	assert_non_null(out);
	if (fscanf(out, "Serving HTTP on %*s port %d", &port) != 1)
		port = 0;
	*ret_out = out; /* open as long as the server may write */
	return port;
}

static void debuginfod_is_asked_where_it_is_configured(void **state)
{
	wf_auto(wf_binary_freep) struct wf_binary *elf = NULL;
	wf_auto(wf_binary_freep) struct wf_binary *other = NULL;
	FILE *out = NULL;
	char text[600];
	pid_t pid;
	int port;

	(void)state;
	assert_true(run("strip -o s3 lib.so"));
	elf = open_made("s3", NULL);
	snprintf(text, sizeof(text), "mkdir -p buildid/%s && cp lib.so buildid/%s/debuginfo",
		 wf_binary_build_id(elf), wf_binary_build_id(elf));
	assert_true(run(text));
	port = serve_folder(&pid, &out);
	snprintf(text, sizeof(text), "http://127.0.0.1:%d/", port);
	setenv("DEBUGINFOD_URLS", text, 1);
	snprintf(text, sizeof(text), "%s/cache", folder);
	setenv("DEBUGINFOD_CACHE_PATH", text, 1);
	if (port && !strstr(wf_binary_symbol_story(elf), "libdebuginfod1")) {
		assert_int_equal(need(elf, "local_one")->source, WF_SYM_DEBUGFILE);
		/* Another file: the server has none. */
		assert_true(run("strip -o s4 pie"));
		other = open_made("s4", NULL);
		assert_non_null(strstr(wf_binary_symbol_story(other), "DEBUGINFOD_URLS have none"));
	}
	unsetenv("DEBUGINFOD_URLS");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	fclose(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stripped_file_tells_the_way_out),
		cmocka_unit_test(symbols_come_from_gnu_debugdata),
		cmocka_unit_test(broken_gnu_debugdata_is_passed_over),
		cmocka_unit_test(debug_files_are_found_by_build_id_and_link),
		cmocka_unit_test(a_debug_link_is_followed_where_the_checksum_fits),
		cmocka_unit_test(the_targets_root_is_not_left),
		cmocka_unit_test(debuginfod_is_asked_where_it_is_configured),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
