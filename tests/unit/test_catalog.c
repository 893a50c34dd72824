/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/collect/catalog.h"

#define SECOND 1000000000ull

static struct wf_catalog *catalog_make(const struct wf_catalog_limits *limits)
{
	struct wf_catalog *catalog = NULL;

	assert_int_equal(wf_catalog_new(limits, &catalog, NULL), 0);
	return catalog;
}

static const struct wf_rec_text *text(uint32_t span, uint32_t tgid, const char *json)
{
	static _Alignas(8) unsigned char room[32768];
	struct wf_rec_text *record = (struct wf_rec_text *)room;

	memset(record, 0, sizeof(*record));
	record->head.span = span;
	record->head.tgid = tgid;
	record->len = (uint32_t)strlen(json);
	memcpy(record + 1, json, record->len);
	return record;
}

static const struct wf_value *value_of(struct wf_resource *resource, const char *key)
{
	for (uint32_t i = 0; resource && i < resource->attributes.count; i++) {
		if (strcmp(resource->attributes.items[i].key, key) == 0)
			return &resource->attributes.items[i].value;
	}
	return NULL;
}

static void a_definition_is_found_with_all_it_says(void **state)
{
	struct wf_catalog *catalog = catalog_make(NULL);
	const struct wf_definition *definition;

	(void)state;
	assert_int_equal(
		wf_catalog_define(
			catalog,
			text(5, 0,
			     "{\"rule\":3,\"name\":\"a::b\",\"symbol\":\"_ZN1a1bEv\",\"file\":\"/"
			     "x\","
			     "\"build_id\":\"ab\",\"address\":4660,\"line\":7,\"source\":\"b.cc\","
			     "\"exit\":\"sites\",\"more\":[1]}")),
		0);
	definition = wf_catalog_find(catalog, 5);
	assert_non_null(definition);
	assert_int_equal(definition->rule, 3);
	assert_string_equal(definition->name, "a::b");
	assert_string_equal(definition->symbol, "_ZN1a1bEv");
	assert_string_equal(definition->file, "/x");
	assert_string_equal(definition->build_id, "ab");
	assert_string_equal(definition->source, "b.cc");
	assert_string_equal(definition->exit, "sites");
	assert_int_equal(definition->address, 0x1234);
	assert_int_equal(definition->line, 7);
	assert_null(wf_catalog_find(catalog, 6));
	wf_catalog_free(catalog);
}

static void bad_definitions_are_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"name\":\"\"}",
		"{\"name\":7}",
		"null",
		"{\"name\":\"\xff\"}",
		"{\"name\":\"a\",\"name\":\"b\"}",
	};
	struct wf_catalog *catalog = catalog_make(NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(wf_catalog_define(catalog, text(1, 0, cases[i])), -EBADMSG);
	assert_null(wf_catalog_find(catalog, 1));
	assert_int_equal(wf_catalog_define(catalog, text(1, 0, "{\"name\":\"f\",\"rule\":-1}")), 0);
	assert_int_equal(wf_catalog_find(catalog, 1)->rule, WF_NO_RULE);
	wf_catalog_free(catalog);
}

static void definitions_and_processes_have_a_maximum(void **state)
{
	struct wf_catalog_limits limits = {.definitions_max = 3,
					   .definition_bytes_max = 65536,
					   .processes_max = 2,
					   .exited_ns = SECOND};
	struct wf_catalog *catalog = catalog_make(&limits);

	(void)state;
	for (uint32_t i = 1; i <= 4; i++)
		assert_int_equal(wf_catalog_define(catalog, text(i, 0, "{\"name\":\"f\"}")),
				 i < 4 ? 0 : -ENOSPC);
	for (uint32_t i = 1; i <= 3; i++)
		assert_int_equal(wf_catalog_resource(catalog, text(0, i, "{}")),
				 i < 3 ? 0 : -ENOSPC);
	wf_catalog_free(catalog);
}

static bool is_known(struct wf_catalog *catalog, uint32_t tgid)
{
	struct wf_resource *resource = wf_catalog_resource_of(catalog, tgid);

	wf_resource_unref(resource);
	return resource != NULL;
}

static void the_process_that_exited_first_makes_room(void **state)
{
	struct wf_catalog_limits limits = {.definitions_max = 3,
					   .definition_bytes_max = 65536,
					   .processes_max = 3,
					   .exited_ns = 60 * SECOND};
	struct wf_catalog *catalog = catalog_make(&limits);

	(void)state;
	for (uint32_t i = 1; i <= 3; i++)
		assert_int_equal(wf_catalog_resource(catalog, text(0, i, "{}")), 0);
	wf_catalog_exit(catalog, 1, 10 * SECOND);
	wf_catalog_exit(catalog, 2, 5 * SECOND);
	wf_catalog_fork(catalog, 3, 4, 11 * SECOND);
	assert_true(is_known(catalog, 4));
	assert_false(is_known(catalog, 2));
	assert_true(is_known(catalog, 1));
	wf_catalog_fork(catalog, 3, 5, 30 * SECOND);
	assert_true(is_known(catalog, 5));
	assert_false(is_known(catalog, 1));
	wf_catalog_fork(catalog, 3, 6, 31 * SECOND);
	assert_false(is_known(catalog, 6));
	assert_true(is_known(catalog, 3));
	wf_catalog_free(catalog);
}

static void attributes_of_a_process_keep_their_types(void **state)
{
	struct wf_catalog *catalog = catalog_make(NULL);
	struct wf_resource *resource;

	(void)state;
	assert_int_equal(
		wf_catalog_resource(
			catalog, text(0, 10,
				      "{\"s\":\"text\",\"i\":-7,\"d\":1.5,\"b\":true,\"l\":[1,2],"
				      "\"mixed\":[1,\"x\"],\"object\":{},\"null\":null,\"e\":[]}")),
		0);
	resource = wf_catalog_resource_of(catalog, 10);
	assert_non_null(resource);
	wf_catalog_free(catalog);
	assert_int_equal(resource->tgid, 10);
	assert_string_equal(value_of(resource, "s")->string, "text");
	assert_int_equal(value_of(resource, "s")->count, 4);
	assert_int_equal(value_of(resource, "i")->integer, -7);
	assert_true(value_of(resource, "d")->real > 1.49 && value_of(resource, "d")->real < 1.51);
	assert_true(value_of(resource, "b")->boolean);
	assert_int_equal(value_of(resource, "l")->items[1].integer, 2);
	assert_int_equal(value_of(resource, "e")->count, 0);
	assert_int_equal(resource->attributes.count, 6);
	assert_int_equal(resource->attributes.dropped, 3);
	wf_resource_unref(resource);
}

static void a_process_is_forgotten_some_time_after_its_exit(void **state)
{
	struct wf_catalog *catalog = catalog_make(NULL);
	struct wf_resource *resource;

	(void)state;
	wf_catalog_resource(catalog, text(0, 10, "{}"));
	wf_catalog_exit(catalog, 10, 5 * SECOND);
	wf_catalog_tick(catalog, 60 * SECOND);
	/* still used: it stays a minute longer */
	resource = wf_catalog_resource_of(catalog, 10);
	assert_non_null(resource);
	wf_resource_unref(resource);
	wf_catalog_tick(catalog, 119 * SECOND);
	resource = wf_catalog_resource_of(catalog, 10);
	assert_non_null(resource);
	wf_resource_unref(resource);
	wf_catalog_tick(catalog, 181 * SECOND);
	assert_null(wf_catalog_resource_of(catalog, 10));
	wf_catalog_free(catalog);
}

static void traceparents_follow_the_specification(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", 0},
		{"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", 0},
		{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", -EINVAL},
		{"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.more", -EINVAL},
		{"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", -EINVAL},
		{"00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", -EINVAL},
		{"00-00000000000000000000000000000000-b7ad6b7169203331-01", -EINVAL},
		{"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", -EINVAL},
		{"00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01", -EINVAL},
		{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", -EINVAL},
		{"", -EINVAL},
	};
	struct wf_traceparent parsed;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(wf_traceparent_parse(cases[i].text, &parsed), cases[i].rc);
	assert_int_equal(wf_traceparent_parse(cases[0].text, &parsed), 0);
	assert_int_equal(parsed.trace_hi, 0x0af7651916cd43dd);
	assert_int_equal(parsed.trace_lo, 0x8448eb211c80319c);
	assert_int_equal(parsed.parent_id, 0xb7ad6b7169203331);
	assert_int_equal(parsed.flags, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_definition_is_found_with_all_it_says),
		cmocka_unit_test(bad_definitions_are_refused),
		cmocka_unit_test(definitions_and_processes_have_a_maximum),
		cmocka_unit_test(the_process_that_exited_first_makes_room),
		cmocka_unit_test(attributes_of_a_process_keep_their_types),
		cmocka_unit_test(a_process_is_forgotten_some_time_after_its_exit),
		cmocka_unit_test(traceparents_follow_the_specification),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
