/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inject - run a Python text in a process, for test_inject*.py. One line a fact on stdout:
 *
 *	find VERSION WAY FILE | state NAME | result TEXT | withdrawn NUMBER | error ERRNO TEXT
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "userspace/base/clock.h"
#include "userspace/base/str.h"
#include "userspace/python/inject.h"

static const char *const state_names[] = {"blocked", "waiting", "delivered", "running", "done"};
static const char *const way_names[] = {"none", "slot", "remote"};

struct options {
	pid_t pid;
	char *script, *image;
	size_t image_bytes;
	uint64_t timeout_ns, withdraw_ns;
	int die;  /* state at which to be killed, -1 = never */
	int hold; /* state at which to wait for a line on stdin */
	unsigned count;
	bool force, find, release, stay;
};

static int fail(int rc, const struct wf_err *err)
{
	printf("error %d %s\n", -rc, err->msg);
	return 1;
}

static int state_number(const char *name)
{
	for (size_t i = 0; i < sizeof(state_names) / sizeof(state_names[0]); i++) {
		if (!strcmp(name, state_names[i]))
			return (int)i;
	}
	return -1;
}

static uint64_t ms(const char *text)
{
	uint64_t value = 0;

	wf_parse_u64(text, &value);
	return value * 1000000;
}

static void read_option(struct options *options, int option)
{
	struct wf_err err;
	uint64_t value = 0;
	size_t len;

	if (option == 'f' && wf_read_file(optarg, 1 << 23, &options->script, &len, &err) < 0)
		options->script = strdup("raise OSError('no script')");
	else if (option == 'e')
		options->script = strdup(optarg);
	else if (option == 'i')
		wf_read_file(optarg, 1 << 23, &options->image, &options->image_bytes, &err);
	else if (option == 't')
		options->timeout_ns = ms(optarg);
	else if (option == 'w')
		options->withdraw_ns = ms(optarg);
	else if (option == 'k')
		options->die = state_number(optarg);
	else if (option == 'h')
		options->hold = state_number(optarg);
	else if (option == 'n' && wf_parse_u64(optarg, &value) == 0)
		options->count = (unsigned)value;
	options->force |= option == 'F';
	options->find |= option == '?';
	options->release |= option == 'r';
	options->stay |= option == 's';
}

static void read_options(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {
		{"script", 1, NULL, 'f'},  {"text", 1, NULL, 'e'},     {"image", 1, NULL, 'i'},
		{"timeout", 1, NULL, 't'}, {"withdraw", 1, NULL, 'w'}, {"kill", 1, NULL, 'k'},
		{"hold", 1, NULL, 'h'},    {"count", 1, NULL, 'n'},    {"force", 0, NULL, 'F'},
		{"find", 0, NULL, '?'},    {"release", 0, NULL, 'r'},  {"stay", 0, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	uint64_t pid = 0;
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) >= 0)
		read_option(options, option);
	if (optind < argc)
		wf_parse_u64(argv[optind], &pid);
	options->pid = (pid_t)pid;
}

static int withdraw(struct wf_inject *inject)
{
	int rc = wf_inject_withdraw(inject);

	printf("withdrawn %d\n", -rc);
	return rc == -EALREADY ? -1 : 0;
}

/* The states as they come; ends with the answer, an error or a withdrawal. */
static int follow(const struct options *options, struct wf_inject *inject, struct wf_err *err)
{
	uint64_t start = wf_clock_monotonic_ns(), asked = start;
	struct timespec pause = {.tv_nsec = 300000};
	int last = -1, rc;

	while ((rc = wf_inject_poll(inject, err)) >= 0 && rc != WF_INJECT_DONE) {
		uint64_t spent = wf_clock_monotonic_ns() - start;

		if (rc != last)
			printf("state %s\n", state_names[last = rc]);
		if (rc == WF_INJECT_BLOCKED)
			asked = wf_clock_monotonic_ns();
		fflush(stdout);
		if (rc == options->die)
			raise(SIGKILL);
		if (rc == options->hold)
			getchar();
		if (options->withdraw_ns &&
		    wf_clock_monotonic_ns() - asked > options->withdraw_ns && !withdraw(inject))
			return 0;
		if (options->timeout_ns && spent > options->timeout_ns)
			return wf_err_set(err, ETIMEDOUT, "%s", wf_inject_waits_for(inject));
		nanosleep(&pause, NULL);
	}
	if (rc >= 0)
		printf("result %s\n", wf_inject_result(inject));
	fflush(stdout);
	return rc < 0 ? rc : 0;
}

static int inject_once(const struct options *options, const struct wf_python *python,
		       struct wf_err *err)
{
	wf_auto(wf_inject_freep) struct wf_inject *inject = NULL;
	struct wf_inject_request request = {.script = options->script,
					    .image = options->image,
					    .image_bytes = options->image_bytes,
					    .force = options->force};
	int rc = wf_inject_start(python, &request, &inject, err);

	return rc < 0 ? rc : follow(options, inject, err);
}

static int run(const struct options *options, struct wf_python *python, struct wf_err *err)
{
	wf_auto(wf_target_freep) struct wf_target *target = NULL;
	char version[32];
	int rc = wf_target_open(options->pid, &target, err);

	if (rc < 0)
		return rc;
	rc = wf_python_find(target, python, err);
	wf_python_version(python, version, sizeof(version));
	if (options->find)
		printf("find %s %s %s%s\n", version, way_names[python->way], python->file,
		       python->embedded ? " embedded" : "");
	if (rc < 0 || options->find)
		return rc;
	for (unsigned i = 0; i < options->count && rc >= 0; i++)
		rc = inject_once(options, python, err);
	return rc;
}

int main(int argc, char **argv)
{
	struct options options = {.die = -1, .hold = -1, .count = 1};
	struct wf_python python = {0};
	struct wf_err err = {0};
	int rc;

	read_options(argc, argv, &options);
	if (!options.script)
		options.script = strdup("result = 'ok'");
	rc = run(&options, &python, &err);
	if (rc < 0)
		fail(rc, &err);
	fflush(stdout);
	if (options.stay)
		getchar();
	if (options.release)
		wf_inject_release(&python);
	free(options.script);
	free(options.image);
	return rc < 0;
}
