/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/base/map.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/base/str.h"

static void values_are_found_replaced_and_deleted(void **state)
{
	static const uint64_t keys[] = {0, 1, 2, 1ULL << 63, UINT64_MAX, 0x7fffdeadbeef};
	wf_auto(wf_map_freep) struct wf_map *map = wf_map_new(100);
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		assert_false(wf_map_get(map, keys[i], &value));
		assert_false(wf_map_del(map, keys[i], NULL));
		assert_int_equal(wf_map_put(map, keys[i], 100), 0);
		assert_int_equal(wf_map_put(map, keys[i], i), 0);
		assert_int_equal(wf_map_count(map), i + 1);
	}
	for (size_t i = 0; i < 6; i++) {
		assert_true(wf_map_get(map, keys[i], &value));
		assert_int_equal(value, i);
		assert_true(wf_map_del(map, keys[i], &value));
		assert_int_equal(value, i);
		assert_false(wf_map_get(map, keys[i], &value));
	}
	assert_int_equal(wf_map_count(map), 0);
}

static void the_maximum_is_kept_but_replacing_still_works(void **state)
{
	wf_auto(wf_map_freep) struct wf_map *map = wf_map_new(3);

	(void)state;
	for (uint64_t key = 1; key <= 3; key++)
		assert_int_equal(wf_map_put(map, key, key), 0);
	assert_int_equal(wf_map_put(map, 4, 4), -ENOSPC);
	assert_int_equal(wf_map_put(map, 0, 4), -ENOSPC);
	assert_int_equal(wf_map_put(map, 2, 9), 0);
	assert_true(wf_map_del(map, 1, NULL));
	assert_int_equal(wf_map_put(map, 0, 4), 0);
	assert_int_equal(wf_map_count(map), 3);
}

#define MODEL_KEYS 512

/* A long random run of puts and deletes agrees with a plain array, through growth and gaps. */
static void random_operations_agree_with_an_array(void **state)
{
	wf_auto(wf_map_freep) struct wf_map *map = wf_map_new(MODEL_KEYS);
	bool present[MODEL_KEYS] = {0};
	uint64_t values[MODEL_KEYS] = {0}, random = 1, value;
	size_t count = 0;

	(void)state;
	for (int step = 0; step < 200000; step++) {
		uint64_t key;

		random = wf_mix64(random);
		key = random % MODEL_KEYS;
		if (random & (1ULL << 40)) {
			assert_int_equal(wf_map_put(map, key, random), 0);
			count += !present[key];
			present[key] = true;
			values[key] = random;
		} else {
			assert_int_equal(wf_map_del(map, key, &value), present[key]);
			if (present[key])
				assert_int_equal(value, values[key]);
			count -= present[key];
			present[key] = false;
		}
		assert_int_equal(wf_map_count(map), count);
	}
	for (uint64_t key = 0; key < MODEL_KEYS; key++) {
		assert_int_equal(wf_map_get(map, key, &value), present[key]);
		if (present[key])
			assert_int_equal(value, values[key]);
	}
}

static void a_walk_sees_each_entry_once(void **state)
{
	wf_auto(wf_map_freep) struct wf_map *map = wf_map_new(1000);
	bool seen[1000] = {0};
	size_t cursor = 0, count = 0;
	uint64_t key, value;

	(void)state;
	assert_false(wf_map_next(map, &cursor, &key, &value));
	for (uint64_t i = 0; i < 1000; i++)
		wf_map_put(map, i, i + 7);
	cursor = 0;
	while (wf_map_next(map, &cursor, &key, &value)) {
		assert_in_range(key, 0, 999);
		assert_false(seen[key]);
		assert_int_equal(value, key + 7);
		seen[key] = true;
		count++;
	}
	assert_int_equal(count, 1000);
	assert_false(wf_map_next(map, &cursor, &key, &value));
}

static void a_cleared_map_is_empty_and_usable(void **state)
{
	wf_auto(wf_map_freep) struct wf_map *map = wf_map_new(10);
	uint64_t value;
	int object;

	(void)state;
	wf_map_put(map, 0, 1);
	wf_map_put(map, 5, 1);
	wf_map_clear(map);
	assert_int_equal(wf_map_count(map), 0);
	assert_false(wf_map_get(map, 0, &value));
	assert_false(wf_map_get(map, 5, &value));
	assert_int_equal(wf_map_put_ptr(map, 5, &object), 0);
	assert_ptr_equal(wf_map_get_ptr(map, 5), &object);
	assert_null(wf_map_get_ptr(map, 6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_found_replaced_and_deleted),
		cmocka_unit_test(the_maximum_is_kept_but_replacing_still_works),
		cmocka_unit_test(random_operations_agree_with_an_array),
		cmocka_unit_test(a_walk_sees_each_entry_once),
		cmocka_unit_test(a_cleared_map_is_empty_and_usable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
