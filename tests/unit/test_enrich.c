/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "sleeper.h"
#include "userspace/collect/enrich.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define ID           "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void container_ids_are_found_in_every_form(void **state)
{
	static const struct {
		const char *cgroup;
		bool found;
	} cases[] = {
		{"12:cpu:/docker/" ID "\n11:memory:/\n", true},
		{"0::/system.slice/docker-" ID ".scope\n", true},
		{"0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice/"
		 "cri-containerd-" ID ".scope\n",
		 true},
		{"0::/kubepods/burstable/pod12345678-1234/" ID "\n", true},
		{"0::/kubepods.slice/crio-" ID ".scope", true},
		{"0::/kubepods.slice/crio-" ID ".scope/container", true},
		{"0::/machine.slice/libpod-" ID ".scope/container\n", true},
		{"3:cpu:/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:" ID
		 "\n",
		 true},
		{"0::/kubepods.slice/crio-conmon-" ID ".scope\n", false},
		{"0::/user.slice/user-1000.slice/session-1.scope\n", false},
		{"0::/x" ID "\n", false},
		{"0::/docker/0123\n", false},
		{"0::/\n", false},
		{"", false},
	};
	char id[65];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (wf_enrich_container_id(cases[i].cgroup, id, sizeof(id)) != cases[i].found)
			fail_msg("%s", cases[i].cgroup);
		if (cases[i].found)
			assert_string_equal(id, ID);
	}
}

static void resource_attributes_are_decoded_or_discarded_whole(void **state)
{
	static const struct {
		const char *list, *value;
	} cases[] = {
		{"service.name=shop", "shop"},
		{"a=b, service.name = shop%2Ceu%3D1 ,c=d", "shop,eu=1"},
		{"service.name=one,service.name=two", "two"},
		{"service.name=shop,", "shop"},
		{"service.name=caf%C3%A9", "caf\xc3\xa9"},
		{"service.name=", ""},
		{"a=b", NULL},
		{"service.name=shop,broken", NULL},
		{"service.name=shop,a=%zz", NULL},
		{"service.name=shop,a=%4", NULL},
		{"service.name=shop,a=%00", NULL},
		{"=x,service.name=shop", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		wf_auto(wf_freep) char *value = wf_enrich_attribute(cases[i].list, "service.name");

		if (!cases[i].value && value)
			fail_msg("'%s' gave '%s'", cases[i].list, value);
		if (cases[i].value) {
			assert_non_null(value);
			assert_string_equal(value, cases[i].value);
		}
	}
}

static json_t *resource_of(char *const environment[], const char *service_name,
			   const char *const *given, size_t count)
{
	wf_auto(wf_target_freep) struct wf_target *target = NULL;
	wf_auto(wf_freep) char *text = NULL;
	struct wf_err err = {0};
	pid_t pid = sleeper_start("/bin/sleep", environment);
	json_t *object;

	assert_int_equal(wf_target_open(pid, &target, &err), 0);
	assert_int_equal(wf_enrich_resource_json(target, service_name, given, count, &text), 0);
	sleeper_stop(pid);
	assert_null(strchr(text, '\n'));
	object = json_loads(text, 0, NULL);
	assert_non_null(object);
	assert_int_equal(json_integer_value(json_object_get(object, "process.pid")), pid);
	return object;
}

static const char *text_of(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void a_process_describes_itself(void **state)
{
	char *environment[] = {"SECRET=hunter2", "TRACEPARENT=00-1-2-01", NULL};
	json_t *object = resource_of(environment, NULL, NULL, 0);
	char *all = json_dumps(object, 0);
	struct tm tm = {0};
	time_t started;

	(void)state;
	assert_string_equal(text_of(object, "service.name"), "sleep");
	assert_string_equal(text_of(object, "process.executable.name"), "sleep");
	assert_int_equal(strlen(text_of(object, "process.executable.build_id.gnu")), 40);
	assert_int_equal(json_integer_value(json_object_get(object, "process.parent_pid")),
			 getpid());
	assert_string_equal(text_of(object, "process.owner"), getpwuid(geteuid())->pw_name);
	assert_string_equal(text_of(object, "os.type"), "linux");
	assert_string_equal(text_of(object, "telemetry.sdk.name"), "wftrace");
	assert_string_equal(text_of(object, "wftrace.traceparent"), "00-1-2-01");
	assert_null(strstr(all, "hunter2"));
	assert_non_null(
		strptime(text_of(object, "process.creation.time"), "%Y-%m-%dT%H:%M:%S.", &tm));
	started = timegm(&tm);
	assert_in_range((uint64_t)(time(NULL) - started + 5), 0, 15);
	free(all);
	json_decref(object);
}

static void the_service_name_follows_the_order_of_the_specification(void **state)
{
	static const struct {
		char *environment[3];
		const char *option, *given;
		const char *name;
	} cases[] = {
		{{"OTEL_RESOURCE_ATTRIBUTES=service.name=b", NULL}, NULL, NULL, "b"},
		{{"OTEL_SERVICE_NAME=a", "OTEL_RESOURCE_ATTRIBUTES=service.name=b", NULL},
		 NULL,
		 NULL,
		 "a"},
		{{"OTEL_SERVICE_NAME=", "OTEL_RESOURCE_ATTRIBUTES=service.name=b", NULL},
		 NULL,
		 NULL,
		 "b"},
		{{"OTEL_RESOURCE_ATTRIBUTES=service.name=b,%", NULL}, NULL, NULL, "sleep"},
		{{"OTEL_SERVICE_NAME=a", NULL}, NULL, "service.name=c", "c"},
		{{"OTEL_SERVICE_NAME=a", NULL}, "d", "service.name=c", "d"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *object = resource_of(cases[i].environment, cases[i].option, &cases[i].given,
					     cases[i].given ? 1 : 0);

		assert_string_equal(text_of(object, "service.name"), cases[i].name);
		json_decref(object);
	}
}

static void what_the_user_gives_wins_and_must_have_a_value(void **state)
{
	static const char *const good[] = {"host.name=h",
					   ("team=\xff"
					    "x"),
					   "empty="};
	static const char *const bad[] = {"novalue"};
	char *environment[] = {NULL};
	wf_auto(wf_target_freep) struct wf_target *target = NULL;
	json_t *object = resource_of(environment, NULL, good, COUNT(good));
	pid_t pid = sleeper_start("/bin/sleep", environment);
	char *text = NULL;

	(void)state;
	assert_string_equal(text_of(object, "host.name"), "h");
	assert_string_equal(text_of(object, "team"), "\xef\xbf\xbdx");
	assert_true(json_is_string(json_object_get(object, "empty")));
	json_decref(object);
	assert_int_equal(wf_target_open(pid, &target, NULL), 0);
	assert_int_equal(wf_enrich_resource_json(target, NULL, bad, 1, &text), -EINVAL);
	assert_null(text);
	sleeper_stop(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(container_ids_are_found_in_every_form),
		cmocka_unit_test(resource_attributes_are_decoded_or_discarded_whole),
		cmocka_unit_test(a_process_describes_itself),
		cmocka_unit_test(the_service_name_follows_the_order_of_the_specification),
		cmocka_unit_test(what_the_user_gives_wins_and_must_have_a_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
