/* SPDX-License-Identifier: Apache-2.0 */
#include "otlp_build.h"

#include <string.h>

/* Upper bounds in bytes: tags, lengths (5 at most) and fixed-size fields. */
#define VALUE_BOUND     32
#define ATTRIBUTE_BOUND 20

size_t wf_otlp_attributes_bound(const struct wf_attributes *attributes)
{
	size_t bytes = 8;
	uint32_t i, k;

	for (i = 0; i < attributes->count; i++) {
		const struct wf_value *value = &attributes->items[i].value;

		bytes += ATTRIBUTE_BOUND + VALUE_BOUND + strlen(attributes->items[i].key);
		if (value->kind == WF_VALUE_STRING)
			bytes += value->count;
		if (value->kind != WF_VALUE_ARRAY)
			continue;
		for (k = 0; k < value->count; k++)
			bytes += VALUE_BOUND + (value->items[k].kind == WF_VALUE_STRING
							? value->items[k].count
							: 0);
	}
	return bytes;
}

void *wf_otlp_take(struct wf_otlp_builder *builder, size_t bytes)
{
	void *memory = wf_arena_alloc_raw(builder->arena, bytes);

	builder->failed |= !memory;
	return memory;
}

static Wf__ArrayValue *array_build(struct wf_otlp_builder *builder, const struct wf_value *value)
{
	Wf__ArrayValue *array = wf_otlp_take(builder, sizeof(*array));
	Wf__AnyValue *items = wf_otlp_take(builder, value->count * sizeof(*items));
	Wf__AnyValue **list = wf_otlp_take(builder, value->count * sizeof(*list));
	uint32_t i;

	if (!array || (value->count && (!items || !list)))
		return NULL;
	wf__array_value__init(array);
	for (i = 0; i < value->count; i++) {
		wf_otlp_value(builder, &value->items[i], &items[i]);
		list[i] = &items[i];
	}
	array->values = list;
	array->n_values = value->count;
	return array;
}

void wf_otlp_value(struct wf_otlp_builder *builder, const struct wf_value *value, Wf__AnyValue *ret)
{
	wf__any_value__init(ret);
	switch (value->kind) {
	case WF_VALUE_STRING:
		ret->value_case = WF__ANY_VALUE__VALUE_STRING_VALUE;
		/* Not NULL for "": protobuf-c copies from the pointer whatever the length. */
		ret->string_value.data = (uint8_t *)(value->string ? value->string : "");
		ret->string_value.len = value->string ? value->count : 0;
		break;
	case WF_VALUE_BOOL:
		ret->value_case = WF__ANY_VALUE__VALUE_BOOL_VALUE;
		ret->bool_value = value->boolean;
		break;
	case WF_VALUE_INT:
		ret->value_case = WF__ANY_VALUE__VALUE_INT_VALUE;
		ret->int_value = value->integer;
		break;
	case WF_VALUE_DOUBLE:
		ret->value_case = WF__ANY_VALUE__VALUE_DOUBLE_VALUE;
		ret->double_value = value->real;
		break;
	case WF_VALUE_ARRAY:
		ret->array_value = array_build(builder, value);
		if (ret->array_value)
			ret->value_case = WF__ANY_VALUE__VALUE_ARRAY_VALUE;
		break;
	}
}

Wf__KeyValue **wf_otlp_attributes(struct wf_otlp_builder *builder, const struct wf_attributes *from,
				  size_t *ret_count)
{
	struct entry {
		Wf__KeyValue pair;
		Wf__AnyValue value;
	} *entries = wf_otlp_take(builder, from->count * sizeof(*entries));
	Wf__KeyValue **list = wf_otlp_take(builder, from->count * sizeof(*list));
	uint32_t i, n = 0;

	*ret_count = 0;
	if (!entries || !list)
		return NULL;
	for (i = 0; i < from->count; i++) {
		struct entry *entry = &entries[n];

		if (from->items[i].value.kind == WF_VALUE_NONE)
			continue;
		wf_otlp_value(builder, &from->items[i].value, &entry->value);
		entry->pair = (Wf__KeyValue)WF__KEY_VALUE__INIT;
		entry->pair.key = (char *)from->items[i].key;
		entry->pair.value = &entry->value;
		list[n++] = &entry->pair;
	}
	*ret_count = n;
	return list;
}

void wf_otlp_resource(struct wf_otlp_builder *builder, const struct wf_resource *from,
		      Wf__Resource *ret)
{
	wf__resource__init(ret);
	if (!from)
		return;
	ret->attributes = wf_otlp_attributes(builder, &from->attributes, &ret->n_attributes);
	ret->dropped_attributes_count = from->attributes.dropped;
}
