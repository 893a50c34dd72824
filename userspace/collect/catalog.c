/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "facts.h"
#include "userspace/base/json.h"
#include "userspace/base/map.h"
#include "userspace/span/wire.h"

#define ANCESTORS_MAX 32 /* processes that are asked for the functions of a Python agent */

struct process {
	struct wf_resource *resource;
	struct wf_traceparent traceparent;
	bool has_traceparent;
	uint64_t known_ns;     /* when its facts were read */
	uint64_t exited_ns;    /* 0 = it runs; else its exit, or its last use after that */
	uint32_t tgid, parent; /* parent: that forked it, 0 = not known */
};

#define FORGET_MAX 256 /* processes found in one walk */

struct wf_catalog {
	struct wf_catalog_limits limits;
	struct wf_arena *arena;     /* definitions */
	struct wf_map *definitions; /* span id -> struct wf_definition */
	struct wf_map *processes;   /* tgid -> struct process */
	uint64_t now_ns;
	size_t exited; /* processes with exited_ns */
};

static const struct wf_catalog_limits default_limits = {
	.definitions_max = 100000,
	.definition_bytes_max = 64 * 1024 * 1024,
	.processes_max = 10000,
	.exited_ns = 60000000000ull,
};

int wf_catalog_new(const struct wf_catalog_limits *limits, struct wf_catalog **ret,
		   struct wf_err *err)
{
	wf_auto(wf_catalog_freep) struct wf_catalog *catalog = calloc(1, sizeof(*catalog));

	if (!catalog)
		return wf_err_set(err, ENOMEM, "out of memory");
	catalog->limits = limits ? *limits : default_limits;
	catalog->arena = wf_arena_new(catalog->limits.definition_bytes_max);
	catalog->definitions = wf_map_new(catalog->limits.definitions_max);
	catalog->processes = wf_map_new(catalog->limits.processes_max);
	if (!catalog->arena || !catalog->definitions || !catalog->processes)
		return wf_err_set(err, ENOMEM, "out of memory");
	*ret = wf_take(catalog);
	return 0;
}

static void process_free(struct process *process)
{
	if (process)
		wf_resource_unref(process->resource);
	free(process);
}

WF_DEFINE_FREEP(process_freep, struct process, process_free)

void wf_catalog_free(struct wf_catalog *catalog)
{
	uint64_t key, value;
	size_t cursor = 0;

	if (!catalog)
		return;
	while (catalog->processes && wf_map_next(catalog->processes, &cursor, &key, &value))
		process_free((struct process *)(uintptr_t)value);
	wf_map_free(catalog->processes);
	wf_map_free(catalog->definitions);
	wf_arena_free(catalog->arena);
	free(catalog);
}

static json_t *load(const char *text, size_t len)
{
	json_t *object = NULL;

	wf_json_read(text, len, &object, NULL);
	if (json_is_object(object))
		return object;
	json_decref(object);
	return NULL;
}

static uint64_t number(const json_t *object, const char *key, uint64_t otherwise)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? (uint64_t)json_integer_value(value) : otherwise;
}

/* Copy a member; false where the arena is full. */
static bool copy_text(struct wf_catalog *catalog, const json_t *object, const char *key,
		      const char **ret)
{
	const char *text = json_string_value(json_object_get(object, key));

	*ret = text && *text ? wf_arena_strdup(catalog->arena, text) : NULL;
	return *ret || !text || !*text;
}

static int define(struct wf_catalog *catalog, uint64_t key, const json_t *object)
{
	struct wf_definition *definition = wf_arena_alloc(catalog->arena, sizeof(*definition));
	uint64_t rule = number(object, "rule", WF_NO_RULE);
	bool agent = key & WF_SPAN_ID_AGENT;

	if (!definition)
		return -ENOSPC;
	definition->span = (uint32_t)key;
	definition->rule = rule < WF_NO_RULE ? (uint32_t)rule : WF_NO_RULE;
	definition->line = (uint32_t)number(object, "line", 0);
	definition->address = number(object, "address", 0);
	if (!copy_text(catalog, object, "name", &definition->name) ||
	    !copy_text(catalog, object, "symbol", &definition->symbol) ||
	    !copy_text(catalog, object, agent ? "binary" : "file", &definition->file) ||
	    !copy_text(catalog, object, "build_id", &definition->build_id) ||
	    !copy_text(catalog, object, agent ? "file" : "source", &definition->source) ||
	    !copy_text(catalog, object, "exit", &definition->exit))
		return -ENOSPC;
	if (!definition->name)
		return -EBADMSG;
	if (agent) {
		/* module:qualname; the semantic conventions want dots */
		char *colon = strchr((char *)definition->name, ':');

		if (colon)
			*colon = '.';
	}
	return wf_map_put_ptr(catalog->definitions, key, definition);
}

static int define_text(struct wf_catalog *catalog, uint64_t key, const char *text, size_t len)
{
	json_t *object = load(text, len);
	int rc = object ? define(catalog, key, object) : -EBADMSG;

	json_decref(object);
	return rc;
}

int wf_catalog_define(struct wf_catalog *catalog, const struct wf_rec_text *record)
{
	return define_text(catalog, wf_wire_span_key(record->head.tgid, record->head.span),
			   (const char *)(record + 1), record->len);
}

int wf_catalog_note(struct wf_catalog *catalog, uint32_t tgid, uint32_t function, const char *json,
		    size_t len)
{
	return define_text(catalog, wf_wire_span_key(tgid, function | WF_SPAN_ID_AGENT), json, len);
}

static void unmark_exit(struct wf_catalog *catalog, struct process *process)
{
	if (process->exited_ns)
		catalog->exited--;
	process->exited_ns = 0;
}

/* Up to FORGET_MAX that have exited longer ago than this; the map must not change in the walk. */
static uint32_t find_exited(const struct wf_catalog *catalog, uint64_t age_ns, struct process **ret)
{
	uint64_t key, value;
	size_t cursor = 0;
	uint32_t count = 0;

	while (count < FORGET_MAX && wf_map_next(catalog->processes, &cursor, &key, &value)) {
		struct process *process = (struct process *)(uintptr_t)value;

		if (process->exited_ns && catalog->now_ns > process->exited_ns &&
		    catalog->now_ns - process->exited_ns > age_ns)
			ret[count++] = process;
	}
	return count;
}

static bool drop_exited(struct wf_catalog *catalog, uint64_t age_ns)
{
	struct process *due[FORGET_MAX];
	uint32_t count = FORGET_MAX;
	bool any = false;

	while (catalog->exited && count == FORGET_MAX) {
		count = find_exited(catalog, age_ns, due);
		any |= count > 0;
		for (uint32_t i = 0; i < count; i++) {
			unmark_exit(catalog, due[i]);
			wf_map_del(catalog->processes, due[i]->tgid, NULL);
			process_free(due[i]);
		}
	}
	return any;
}

/* Many short processes: those that are gone the longest make room. */
static bool make_room(struct wf_catalog *catalog, uint64_t now_ns)
{
	if (now_ns > catalog->now_ns)
		catalog->now_ns = now_ns;
	for (uint64_t age_ns = catalog->limits.exited_ns; catalog->exited && age_ns; age_ns /= 2)
		if (drop_exited(catalog, age_ns))
			return true;
	return false;
}

static int set_process(struct wf_catalog *catalog, struct wf_resource *resource,
		       const struct wf_traceparent *traceparent, uint64_t now_ns)
{
	uint32_t tgid = resource->tgid;
	struct process *process = wf_map_get_ptr(catalog->processes, tgid);
	int rc;

	if (!process) {
		wf_auto(process_freep) struct process *added = calloc(1, sizeof(*added));

		if (!added)
			return -ENOMEM;
		added->tgid = tgid;
		rc = wf_map_put_ptr(catalog->processes, tgid, added);
		if (rc == -ENOSPC && make_room(catalog, now_ns))
			rc = wf_map_put_ptr(catalog->processes, tgid, added);
		if (rc < 0)
			return rc;
		process = wf_take(added);
	}
	unmark_exit(catalog, process);
	wf_resource_unref(process->resource);
	wf_resource_ref(resource);
	process->resource = resource;
	process->known_ns = now_ns;
	process->has_traceparent = traceparent != NULL;
	if (traceparent)
		process->traceparent = *traceparent;
	return 0;
}

int wf_catalog_resource(struct wf_catalog *catalog, const struct wf_rec_text *record)
{
	json_t *object = load((const char *)(record + 1), record->len);
	struct wf_resource *resource = object ? wf_facts_from_json(object) : NULL;
	struct wf_traceparent traceparent;
	const char *text = json_string_value(json_object_get(object, WF_FACTS_TRACEPARENT));
	bool has = text && wf_traceparent_parse(text, &traceparent) == 0;
	int rc = -EBADMSG;

	if (resource) {
		resource->tgid = record->head.tgid;
		rc = set_process(catalog, resource, has ? &traceparent : NULL,
				 record->head.time_ns);
	}
	wf_resource_unref(resource);
	json_decref(object);
	return rc;
}

/* What was read of this pid after that moment is of a later process than the one it is about. */
static bool is_newer(const struct process *process, uint64_t time_ns)
{
	return process && !process->exited_ns && process->known_ns > time_ns;
}

/* The functions of a Python agent are its parent's too. */
static void set_parent(struct wf_catalog *catalog, uint32_t tgid, uint32_t parent)
{
	struct process *process = wf_map_get_ptr(catalog->processes, tgid);

	if (process)
		process->parent = parent;
}

void wf_catalog_fork(struct wf_catalog *catalog, uint32_t tgid, uint32_t child_tgid,
		     uint64_t now_ns)
{
	struct process *process = wf_map_get_ptr(catalog->processes, tgid);
	struct process *child = wf_map_get_ptr(catalog->processes, child_tgid);
	struct wf_resource *resource;
	struct wf_traceparent traceparent;
	bool has;

	if (tgid != child_tgid)
		set_parent(catalog, child_tgid, tgid);
	if (!process || tgid == child_tgid || is_newer(child, now_ns))
		return;
	resource = wf_facts_of_child(process->resource, tgid, child_tgid);
	has = process->has_traceparent;
	traceparent = process->traceparent; /* the parent may have to make room */
	if (resource && set_process(catalog, resource, has ? &traceparent : NULL, now_ns) == 0)
		set_parent(catalog, child_tgid, tgid);
	wf_resource_unref(resource);
}

void wf_catalog_exit(struct wf_catalog *catalog, uint32_t tgid, uint64_t now_ns)
{
	struct process *process = wf_map_get_ptr(catalog->processes, tgid);

	if (!process || is_newer(process, now_ns))
		return;
	if (!process->exited_ns)
		catalog->exited++;
	process->exited_ns = now_ns ? now_ns : 1;
}

void wf_catalog_tick(struct wf_catalog *catalog, uint64_t now_ns)
{
	/* Looking is a walk over all processes, so once a second is enough. */
	if (now_ns / 1000000000 == catalog->now_ns / 1000000000)
		return;
	catalog->now_ns = now_ns;
	drop_exited(catalog, catalog->limits.exited_ns);
}

struct wf_definition *wf_catalog_find(const struct wf_catalog *catalog, uint32_t span)
{
	return wf_map_get_ptr(catalog->definitions, span);
}

struct wf_definition *wf_catalog_find_in(const struct wf_catalog *catalog, uint32_t tgid,
					 uint32_t span)
{
	struct wf_definition *definition = NULL;

	for (int i = 0; i < ANCESTORS_MAX; i++) {
		const struct process *process;

		definition = wf_map_get_ptr(catalog->definitions, wf_wire_span_key(tgid, span));
		if (definition || !(span & WF_SPAN_ID_AGENT))
			break;
		process = wf_map_get_ptr(catalog->processes, tgid);
		if (!process || !process->parent)
			break;
		tgid = process->parent;
	}
	return definition;
}

struct wf_resource *wf_catalog_resource_of(struct wf_catalog *catalog, uint32_t tgid)
{
	struct process *process = wf_map_get_ptr(catalog->processes, tgid);

	if (!process)
		return NULL;
	if (process->exited_ns && process->exited_ns < catalog->now_ns)
		process->exited_ns = catalog->now_ns;
	wf_resource_ref(process->resource);
	return process->resource;
}

bool wf_catalog_traceparent(const struct wf_catalog *catalog, uint32_t tgid,
			    struct wf_traceparent *ret)
{
	const struct process *process = wf_map_get_ptr(catalog->processes, tgid);

	if (!process || !process->has_traceparent)
		return false;
	*ret = process->traceparent;
	return true;
}
