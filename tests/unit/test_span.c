/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/span/span.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void a_batch_gives_zeroed_spans_until_it_is_full(void **state)
{
	struct wf_batch *batch = wf_batch_new(3, 4096);
	static const struct wf_span empty;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct wf_span *span = wf_batch_add(batch);

		assert_non_null(span);
		assert_memory_equal(span, &empty, sizeof(empty));
		memset(span->trace_id, 0xff, sizeof(span->trace_id));
	}
	assert_null(wf_batch_add(batch));
	assert_int_equal(batch->count, 3);
	wf_batch_unref(batch);
}

static void the_last_reference_of_a_batch_releases_one_per_span(void **state)
{
	struct wf_resource *resource = wf_resource_new(4096);
	struct wf_batch *batch = wf_batch_new(8, 4096);

	(void)state;
	for (int i = 0; i < 5; i++) {
		wf_batch_add(batch)->resource = resource;
		wf_resource_ref(resource);
	}
	wf_batch_add(batch); /* of an unknown process */
	assert_int_equal(atomic_load(&resource->refs), 6);
	wf_batch_ref(batch);
	wf_batch_unref(batch);
	assert_int_equal(atomic_load(&resource->refs), 6);
	wf_batch_unref(batch);
	assert_int_equal(atomic_load(&resource->refs), 1);
	wf_resource_unref(resource);
}

static void a_resource_lies_in_its_arena(void **state)
{
	struct wf_resource *resource = wf_resource_new(4096);
	struct wf_attribute *items;

	(void)state;
	assert_int_equal(atomic_load(&resource->refs), 1);
	items = wf_arena_alloc(resource->arena, 2 * sizeof(*items));
	assert_non_null(items);
	resource->attributes.items = items;
	assert_in_range(wf_arena_used(resource->arena), sizeof(*resource) + 2 * sizeof(*items),
			4096);
	wf_resource_unref(resource);
	assert_null(wf_resource_new(8));
}

static void *take_and_drop(void *arg)
{
	struct wf_batch *batch = arg;

	for (int i = 0; i < 20000; i++) {
		wf_batch_ref(batch);
		wf_batch_unref(batch);
	}
	wf_batch_unref(batch);
	return NULL;
}

/* Under SAN=1 a second free or a use after it ends the test. */
static void references_may_be_dropped_on_any_thread(void **state)
{
	struct wf_resource *resource = wf_resource_new(4096);
	struct wf_batch *batch = wf_batch_new(1, 4096);
	pthread_t threads[4];

	(void)state;
	wf_resource_ref(resource);
	wf_batch_add(batch)->resource = resource;
	for (int i = 0; i < 4; i++) {
		wf_batch_ref(batch);
		assert_int_equal(pthread_create(&threads[i], NULL, take_and_drop, batch), 0);
	}
	wf_batch_unref(batch);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&resource->refs), 1);
	wf_resource_unref(resource);
}

static void nothing_is_released_for_null(void **state)
{
	(void)state;
	wf_batch_unref(NULL);
	wf_resource_unref(NULL);
	wf_resource_ref(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_batch_gives_zeroed_spans_until_it_is_full),
		cmocka_unit_test(the_last_reference_of_a_batch_releases_one_per_span),
		cmocka_unit_test(a_resource_lies_in_its_arena),
		cmocka_unit_test(references_may_be_dropped_on_any_thread),
		cmocka_unit_test(nothing_is_released_for_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
