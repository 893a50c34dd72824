/* SPDX-License-Identifier: Apache-2.0 */
#include "facts.h"

#include <string.h>

#define FACTS_BYTES_MAX (256 * 1024)
#define ATTRIBUTES_MAX  128
#define ITEMS_MAX       64

static bool copy_string(struct wf_arena *arena, const char *text, size_t len, struct wf_value *ret)
{
	*ret = (struct wf_value){.kind = WF_VALUE_STRING, .count = (uint32_t)len};
	ret->string = wf_arena_strndup(arena, text, len);
	return ret->string;
}

static bool read_scalar(struct wf_arena *arena, const json_t *json, struct wf_value *ret)
{
	*ret = (struct wf_value){.kind = WF_VALUE_NONE};
	switch (json_typeof(json)) {
	case JSON_STRING:
		return copy_string(arena, json_string_value(json), json_string_length(json), ret);
	case JSON_INTEGER:
		ret->kind = WF_VALUE_INT;
		ret->integer = json_integer_value(json);
		return true;
	case JSON_REAL:
		ret->kind = WF_VALUE_DOUBLE;
		ret->real = json_real_value(json);
		return true;
	case JSON_TRUE:
	case JSON_FALSE:
		ret->kind = WF_VALUE_BOOL;
		ret->boolean = json_is_true(json);
		return true;
	default:
		return false;
	}
}

static bool read_array(struct wf_arena *arena, const json_t *json, struct wf_value *ret)
{
	size_t count = json_array_size(json);
	struct wf_value *items;

	if (count > ITEMS_MAX)
		return false;
	items = wf_arena_alloc(arena, count * sizeof(*items));
	if (!items)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!read_scalar(arena, json_array_get(json, i), &items[i]) ||
		    items[i].kind != items[0].kind)
			return false;
	}
	*ret = (struct wf_value){.kind = WF_VALUE_ARRAY, .count = (uint32_t)count};
	ret->items = items;
	return true;
}

static bool read_value(struct wf_arena *arena, const json_t *json, struct wf_value *ret)
{
	if (json_is_array(json))
		return read_array(arena, json, ret);
	return read_scalar(arena, json, ret);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct wf_attribute *)a)->key, ((const struct wf_attribute *)b)->key);
}

static struct wf_resource *with_room(uint32_t attributes)
{
	struct wf_resource *resource = wf_resource_new(FACTS_BYTES_MAX);

	if (!resource)
		return NULL;
	resource->attributes.items =
		wf_arena_alloc(resource->arena, attributes * sizeof(*resource->attributes.items));
	if (resource->attributes.items)
		return resource;
	wf_resource_unref(resource);
	return NULL;
}

static void add_json(struct wf_resource *resource, const char *key, const json_t *json)
{
	struct wf_attributes *list = &resource->attributes;
	struct wf_attribute *attribute = &list->items[list->count];

	if (!*key || list->count == ATTRIBUTES_MAX ||
	    !read_value(resource->arena, json, &attribute->value)) {
		list->dropped++;
		return;
	}
	attribute->key = wf_arena_strdup(resource->arena, key);
	if (attribute->key)
		list->count++;
	else
		list->dropped++;
}

struct wf_resource *wf_facts_from_json(json_t *object)
{
	struct wf_resource *resource = with_room(ATTRIBUTES_MAX + 1);
	const char *key;
	json_t *value;

	if (!resource)
		return NULL;
	json_object_foreach (object, key, value) {
		if (strcmp(key, WF_FACTS_TRACEPARENT) != 0)
			add_json(resource, key, value);
	}
	qsort(resource->attributes.items, resource->attributes.count, sizeof(struct wf_attribute),
	      by_key);
	return resource;
}

/* True of one process only. The pids are set anew. */
static bool is_own(const char *key)
{
	static const char *const own[] = {
		"process.pid",           "process.parent_pid",  "process.vpid",
		"process.creation.time", "service.instance.id",
	};

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		if (strcmp(key, own[i]) == 0)
			return true;
	}
	return false;
}

static void add_integer(struct wf_attributes *list, const char *key, int64_t integer)
{
	struct wf_attribute *attribute = &list->items[list->count++];

	attribute->key = key;
	attribute->value.kind = WF_VALUE_INT;
	attribute->value.integer = integer;
}

static bool copy_value(struct wf_arena *arena, const struct wf_value *from, struct wf_value *ret)
{
	struct wf_value *items;

	*ret = *from;
	if (from->kind == WF_VALUE_STRING)
		return copy_string(arena, from->string, from->count, ret);
	if (from->kind != WF_VALUE_ARRAY)
		return true;
	items = wf_arena_alloc(arena, from->count * sizeof(*items));
	if (!items)
		return false;
	for (uint32_t i = 0; i < from->count; i++) {
		items[i] = from->items[i];
		if (items[i].kind == WF_VALUE_STRING &&
		    !copy_string(arena, from->items[i].string, from->items[i].count, &items[i]))
			return false;
	}
	ret->items = items;
	return true;
}

struct wf_resource *wf_facts_of_child(const struct wf_resource *parent, uint32_t tgid,
				      uint32_t child_tgid)
{
	const struct wf_attributes *from = &parent->attributes;
	struct wf_resource *resource = with_room(from->count + 2);
	struct wf_attributes *list;

	if (!resource)
		return NULL;
	list = &resource->attributes;
	resource->tgid = child_tgid;
	add_integer(list, "process.pid", child_tgid);
	add_integer(list, "process.parent_pid", tgid);
	for (uint32_t i = 0; i < from->count; i++) {
		struct wf_attribute *attribute = &list->items[list->count];

		if (is_own(from->items[i].key))
			continue;
		attribute->key = wf_arena_strdup(resource->arena, from->items[i].key);
		if (attribute->key &&
		    copy_value(resource->arena, &from->items[i].value, &attribute->value))
			list->count++;
	}
	qsort(list->items, list->count, sizeof(*list->items), by_key);
	return resource;
}
