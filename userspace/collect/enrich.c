/* SPDX-License-Identifier: Apache-2.0 */
#include "enrich.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "facts.h"
#include "owner.h"
#include "userspace/base/json.h"
#include "userspace/base/str.h"
#include "userspace/target/image.h"

#define ENVIRON_MAX      (2U << 20) /* as much as execve takes by default */
#define CGROUP_MAX       65536
#define STAT_MAX         (8U << 20) /* one line of interrupt counts may have megabytes */
#define CONTAINER_ID_LEN 64
#define OWNER_BYTES      256

static void put_bytes(json_t *object, const char *key, const char *text, size_t len)
{
	wf_auto(wf_freep) char *clean = malloc(3 * len + 1);

	if (!clean)
		return;
	len = wf_utf8_clean(clean, text, len);
	json_object_set_new(object, key, json_stringn(clean, len));
}

static void put(json_t *object, const char *key, const char *text)
{
	if (text && *text)
		put_bytes(object, key, text, strlen(text));
}

static int read_proc(const struct wf_target *target, const char *name, size_t max, char **ret,
		     size_t *ret_len)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)target->pid, name);
	return wf_read_file(path, max, ret, ret_len, NULL);
}

/* Value of a variable in a block of NUL-ended "NAME=value". */
static const char *variable(const char *block, size_t len, const char *name)
{
	size_t name_len = strlen(name);
	const char *end = block + len;

	for (const char *at = block; at < end; at += strlen(at) + 1) {
		if (strncmp(at, name, name_len) == 0 && at[name_len] == '=' && at[name_len + 1])
			return at + name_len + 1;
	}
	return NULL;
}

/* Percent-decoded copy without surrounding spaces; NULL where a sequence is broken. */
static char *decode(const char *text, size_t len)
{
	wf_auto(wf_freep) char *out = NULL;
	size_t used = 0;

	for (; len && isspace((unsigned char)*text); len--)
		text++;
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	out = malloc(len + 1);
	for (size_t i = 0; out && i < len; i++) {
		int high, low;

		if (text[i] != '%') {
			out[used++] = text[i];
			continue;
		}
		high = i + 2 < len ? wf_hex_digit(text[i + 1]) : -1;
		low = i + 2 < len ? wf_hex_digit(text[i + 2]) : -1;
		if (high < 0 || low < 0 || !(high | low))
			return NULL;
		out[used++] = (char)(high << 4 | low);
		i += 2;
	}
	if (out)
		out[used] = '\0';
	return wf_take(out);
}

char *wf_enrich_attribute(const char *list, const char *key)
{
	wf_auto(wf_freep) char *found = NULL;

	/* Every pair is decoded: one error discards the whole list, as the specification says. */
	while (*list) {
		size_t len = strcspn(list, ",");
		const char *equals = memchr(list, '=', len);
		wf_auto(wf_freep) char *name = NULL;
		wf_auto(wf_freep) char *value = NULL;

		if (equals) {
			name = decode(list, (size_t)(equals - list));
			value = decode(equals + 1, len - (size_t)(equals - list) - 1);
		}
		if (!name || !*name || !value)
			return NULL;
		if (strcmp(name, key) == 0) {
			free(found);
			found = wf_take(value);
		}
		list += len + (list[len] == ',');
	}
	return wf_take(found);
}

/* From the environment: what the service is called, and whose child its work is. */
static void put_environment(json_t *object, const struct wf_target *target)
{
	wf_auto(wf_freep) char *block = NULL;
	wf_auto(wf_freep) char *decoded = NULL;
	const char *name, *list;
	size_t len;

	if (read_proc(target, "environ", ENVIRON_MAX, &block, &len) < 0)
		return;
	name = variable(block, len, "OTEL_SERVICE_NAME");
	list = variable(block, len, "OTEL_RESOURCE_ATTRIBUTES");
	if (!name && list)
		name = decoded = wf_enrich_attribute(list, "service.name");
	put(object, "service.name", name);
	put(object, WF_FACTS_TRACEPARENT, variable(block, len, "TRACEPARENT"));
	explicit_bzero(block, len);
}

static bool is_container_id(const char *text, size_t len)
{
	if (len != CONTAINER_ID_LEN)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)text[i]) && (text[i] < 'a' || text[i] > 'f'))
			return false;
	}
	return true;
}

/*
 * One part of a cgroup path: ID, docker-ID.scope, cri-containerd-ID.scope, crio-ID.scope,
 * libpod-ID.scope. A conmon scope holds the container's monitor, which is not in it.
 */
static bool take_part(const char *part, size_t len, char *out)
{
	static const char scope[] = ".scope";
	size_t ending = sizeof(scope) - 1, prefix = 0;

	if (len > ending && memcmp(part + len - ending, scope, ending) == 0)
		len -= ending;
	if (memmem(part, len, "conmon", 6))
		return false;
	if (len > CONTAINER_ID_LEN) {
		prefix = len - CONTAINER_ID_LEN;
		if (part[prefix - 1] != '-' && part[prefix - 1] != ':')
			return false;
	}
	if (!is_container_id(part + prefix, len - prefix))
		return false;
	memcpy(out, part + prefix, CONTAINER_ID_LEN);
	out[CONTAINER_ID_LEN] = '\0';
	return true;
}

bool wf_enrich_container_id(const char *cgroup, char *out, size_t size)
{
	bool found = false;

	if (size <= CONTAINER_ID_LEN)
		return false;
	/* Lines are "number:controllers:path"; the innermost ID of a path counts. */
	while (*cgroup && !found) {
		size_t left = strcspn(cgroup, "\n");
		const char *end = cgroup + left, *at = memchr(cgroup, '/', left);

		while (at && at < end) {
			size_t len = strcspn(at + 1, "/\n");

			found |= take_part(at + 1, len, out);
			at += 1 + len;
		}
		cgroup = end + (*end == '\n');
	}
	return found;
}

static void put_container(json_t *object, const struct wf_target *target)
{
	wf_auto(wf_freep) char *cgroup = NULL;
	char id[CONTAINER_ID_LEN + 1];
	size_t len;

	if (read_proc(target, "cgroup", CGROUP_MAX, &cgroup, &len) == 0 &&
	    wf_enrich_container_id(cgroup, id, sizeof(id)))
		put(object, "container.id", id);
}

/* Start time in ticks since boot, and the boot time in seconds, give the wall clock. */
static void put_creation_time(json_t *object, const struct wf_target *target)
{
	wf_auto(wf_freep) char *text = NULL;
	uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK);
	unsigned long long boot;
	char out[64];
	const char *line;
	struct tm tm;
	time_t seconds;
	size_t len, used;

	if (wf_read_file("/proc/stat", STAT_MAX, &text, &len, NULL) < 0)
		return;
	line = strstr(text, "\nbtime ");
	if (!line || sscanf(line, " btime %llu", &boot) != 1 || !ticks)
		return;
	seconds = (time_t)(boot + target->start_time / ticks);
	if (!gmtime_r(&seconds, &tm))
		return;
	used = strftime(out, sizeof(out), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + used, sizeof(out) - used, ".%03uZ",
		 (unsigned)(target->start_time % ticks * 1000 / ticks));
	put(object, "process.creation.time", out);
}

static void put_process(json_t *object, const struct wf_target *target)
{
	wf_auto(wf_image_freep) struct wf_image *image = NULL;
	char path[64], owner[OWNER_BYTES];

	json_object_set_new(object, "process.pid", json_integer(target->pid));
	json_object_set_new(object, "process.parent_pid", json_integer(target->ppid));
	if (target->inner_pid != target->pid)
		json_object_set_new(object, "process.vpid", json_integer(target->inner_pid));
	put(object, "process.executable.name", wf_base_name(target->exe));
	put(object, "process.executable.path", target->exe);
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)target->pid);
	if (wf_image_open(path, target->exe, &image, NULL) == 0)
		put(object, "process.executable.build_id.gnu", image->build_id);
	if (wf_owner_name(target, owner, sizeof(owner)) == 0)
		put(object, "process.owner", owner);
	put_creation_time(object, target);
}

/* Names of the conventions where they differ from uname's. */
static const char *architecture(const char *machine)
{
	static const char *const names[][2] = {
		{"x86_64", "amd64"}, {"aarch64", "arm64"}, {"ppc64le", "ppc64"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(machine, names[i][0]) == 0)
			return names[i][1];
	}
	return machine;
}

static void put_host(json_t *object)
{
	struct utsname host;

	if (uname(&host) == 0) {
		put(object, "host.name", host.nodename);
		put(object, "host.arch", architecture(host.machine));
	}
	put(object, "os.type", "linux");
}

static void put_self(json_t *object)
{
	put(object, "telemetry.sdk.name", "wftrace");
	put(object, "telemetry.sdk.language", "c");
	put(object, "telemetry.sdk.version", WF_VERSION);
	put(object, "telemetry.distro.name", "wftrace");
	put(object, "telemetry.distro.version", WF_VERSION);
}

static int put_given(json_t *object, const char *const *attributes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *equals = strchr(attributes[i], '=');
		wf_auto(wf_freep) char *key = NULL;

		if (!equals || equals == attributes[i])
			return -EINVAL;
		key = strndup(attributes[i], (size_t)(equals - attributes[i]));
		if (!key)
			return -ENOMEM;
		if (wf_utf8_valid(key, strlen(key)))
			put_bytes(object, key, equals + 1, strlen(equals + 1));
	}
	return 0;
}

/* What the user says wins; then the text is made. */
static int put_user(json_t *object, const char *service_name, const char *const *attributes,
		    size_t count, char **ret)
{
	int rc = put_given(object, attributes, count);

	if (rc < 0)
		return rc;
	put(object, "service.name", service_name);
	*ret = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
	return *ret ? 0 : -ENOMEM;
}

int wf_enrich_resource_json(const struct wf_target *target, const char *service_name,
			    const char *const *attributes, size_t count, char **ret)
{
	wf_auto(json_decrefp) json_t *object = json_object();

	if (!object)
		return -ENOMEM;
	put(object, "service.name", wf_base_name(target->exe));
	put_environment(object, target);
	put_process(object, target);
	put_container(object, target);
	put_host(object);
	put_self(object);
	return put_user(object, service_name, attributes, count, ret);
}

int wf_enrich_override_json(const char *json, size_t len, const char *service_name,
			    const char *const *attributes, size_t count, char **ret)
{
	wf_auto(json_decrefp) json_t *object = NULL;

	if (wf_json_read(json, len, &object, NULL) == -ENOMEM)
		return -ENOMEM;
	if (!json_is_object(object))
		return -EBADMSG;
	return put_user(object, service_name, attributes, count, ret);
}
