/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/base/arena.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void blocks_are_zeroed_aligned_and_apart(void **state)
{
	wf_auto(wf_arena_freep) struct wf_arena *arena = wf_arena_new(1 << 20);
	unsigned char *blocks[1000];

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		size_t size = i % 100;

		blocks[i] = wf_arena_alloc(arena, size);
		assert_non_null(blocks[i]);
		assert_int_equal((uintptr_t)blocks[i] % 8, 0);
		for (size_t j = 0; j < size; j++)
			assert_int_equal(blocks[i][j], 0);
		memset(blocks[i], (int)i, size);
	}
	for (size_t i = 0; i < 1000; i++) {
		for (size_t j = 0; j < i % 100; j++)
			assert_int_equal(blocks[i][j], i & 0xff);
	}
}

static void memory_is_zeroed_again_after_a_reset(void **state)
{
	wf_auto(wf_arena_freep) struct wf_arena *arena = wf_arena_new(1 << 16);
	char *block = wf_arena_alloc(arena, 64);

	(void)state;
	memset(block, 'x', 64);
	wf_arena_reset(arena);
	assert_int_equal(wf_arena_used(arena), 0);
	block = wf_arena_alloc(arena, 64);
	assert_memory_equal(block, (char[64]){0}, 64);
}

static void the_maximum_is_met_exactly(void **state)
{
	wf_auto(wf_arena_freep) struct wf_arena *arena = wf_arena_new(65536);
	size_t total = 0;

	(void)state;
	while (wf_arena_alloc(arena, 64))
		total += 64;
	assert_int_equal(total, 65536);
	assert_int_equal(wf_arena_used(arena), 65536);
	assert_null(wf_arena_alloc(arena, 1));
	assert_null(wf_arena_alloc(arena, 0));
}

static void absurd_sizes_are_refused(void **state)
{
	wf_auto(wf_arena_freep) struct wf_arena *arena = wf_arena_new(SIZE_MAX / 2);

	(void)state;
	assert_null(wf_arena_alloc(arena, SIZE_MAX));
	assert_null(wf_arena_alloc(arena, SIZE_MAX - 7));
	assert_null(wf_arena_strndup(arena, "x", SIZE_MAX));
	wf_arena_freep(&arena);
	arena = wf_arena_new(100);
	assert_null(wf_arena_alloc(arena, 101));
	assert_non_null(wf_arena_alloc(arena, 96));
}

static void an_empty_arena_serves_one_block_of_its_whole_size(void **state)
{
	wf_auto(wf_arena_freep) struct wf_arena *arena = wf_arena_new(65536);

	(void)state;
	while (wf_arena_alloc(arena, 512))
		;
	wf_arena_reset(arena);
	/* All chunks are smaller than this; they have to make way. */
	assert_non_null(wf_arena_alloc(arena, 65536));
	assert_null(wf_arena_alloc(arena, 8));
	wf_arena_reset(arena);
	assert_non_null(wf_arena_alloc(arena, 8));
}

static size_t fill(struct wf_arena *arena)
{
	size_t blocks = 0;

	wf_arena_reset(arena);
	while (blocks < 300 && wf_arena_alloc(arena, 16 + blocks))
		blocks++;
	return blocks;
}

static void a_warm_arena_allocates_nothing(void **state)
{
	wf_auto(wf_arena_freep) struct wf_arena *arena = wf_arena_new(1 << 20);
	struct mallinfo2 before, after;

	(void)state;
	assert_int_equal(fill(arena), 300);
	before = mallinfo2();
	for (int i = 0; i < 50; i++)
		assert_int_equal(fill(arena), 300);
	after = mallinfo2();
	assert_int_equal(before.uordblks + before.hblkhd, after.uordblks + after.hblkhd);
}

static void strings_are_copied_and_ended(void **state)
{
	wf_auto(wf_arena_freep) struct wf_arena *arena = wf_arena_new(4096);

	(void)state;
	assert_string_equal(wf_arena_strdup(arena, "hello"), "hello");
	assert_string_equal(wf_arena_strndup(arena, "hello", 2), "he");
	assert_string_equal(wf_arena_strndup(arena, NULL, 0), "");
	assert_string_equal(wf_arena_printf(arena, "%d-%s", 42, "x"), "42-x");
	assert_memory_equal(wf_arena_copy(arena, "ab\0c", 4), "ab\0c", 4);
	assert_null(wf_arena_printf(arena, "%5000d", 1));
}

static void nothing_is_freed_for_null(void **state)
{
	(void)state;
	wf_arena_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_zeroed_aligned_and_apart),
		cmocka_unit_test(memory_is_zeroed_again_after_a_reset),
		cmocka_unit_test(the_maximum_is_met_exactly),
		cmocka_unit_test(absurd_sizes_are_refused),
		cmocka_unit_test(an_empty_arena_serves_one_block_of_its_whole_size),
		cmocka_unit_test(a_warm_arena_allocates_nothing),
		cmocka_unit_test(strings_are_copied_and_ended),
		cmocka_unit_test(nothing_is_freed_for_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
