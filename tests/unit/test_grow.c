/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/grow.h"

static void there_is_room_for_what_is_asked_and_nothing_is_lost(void **state)
{
	wf_auto(wf_freep) uint64_t *items = NULL;
	uint32_t capacity = 0, moves = 0;

	(void)state;
	for (uint32_t i = 0; i < 10000; i++) {
		uint32_t before = capacity;

		assert_int_equal(wf_grow(&items, &capacity, i + 1, sizeof(*items)), 0);
		assert_true(capacity > i);
		moves += capacity != before;
		items[i] = i;
	}
	for (uint32_t i = 0; i < 10000; i++)
		assert_int_equal(items[i], i);
	assert_in_range(moves, 1, 20);
}

static void what_cannot_be_had_leaves_the_array_as_it_was(void **state)
{
	wf_auto(wf_freep) uint64_t *items = NULL;
	uint64_t *before;
	uint32_t capacity = 0, kept;

	(void)state;
	assert_int_equal(wf_grow(&items, &capacity, 1, sizeof(*items)), 0);
	before = items;
	kept = capacity;
	assert_int_equal(wf_grow(&items, &capacity, UINT32_MAX, sizeof(*items)), -ENOMEM);
	assert_int_equal(wf_grow(&items, &capacity, UINT32_MAX / 2, SIZE_MAX / 4), -ENOMEM);
	assert_ptr_equal(items, before);
	assert_int_equal(capacity, kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_is_room_for_what_is_asked_and_nothing_is_lost),
		cmocka_unit_test(what_cannot_be_had_leaves_the_array_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
