/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/python/layout.h"

#define FUNCTION 0x1111222233334444ULL
#define ARGUMENT 0x5555666677778888ULL
#define NOTHING  0x9999000011112222ULL

/* A queue as the interpreter would have it. */
struct ring {
	const struct wf_layout *layout;
	uint8_t bytes[WF_QUEUE_BYTES_MAX];
};

static void put_u32(struct ring *ring, uint32_t offset, uint32_t value)
{
	memcpy(ring->bytes + offset, &value, sizeof(value));
}

static void put_call(struct ring *ring, uint32_t slot, uint64_t function)
{
	memcpy(ring->bytes + ring->layout->calls + slot * ring->layout->slot_bytes, &function,
	       sizeof(function));
}

static struct ring make_ring(unsigned minor, uint32_t first, uint32_t count)
{
	struct ring ring = {.layout = wf_layout_find(minor)};
	const struct wf_layout *layout = ring.layout;

	assert_non_null(layout);
	put_u32(&ring, layout->first, first);
	put_u32(&ring, layout->last, (first + count) % layout->slots);
	put_u32(&ring, layout->todo, layout->counted ? count : count > 0);
	if (layout->limit != WF_NO_OFFSET)
		put_u32(&ring, layout->limit, layout->slots);
	for (uint32_t i = 0; i < count; i++)
		put_call(&ring, (first + i) % layout->slots, 0x1000 + i);
	return ring;
}

static struct wf_queue parse(const struct ring *ring)
{
	struct wf_queue queue;
	struct wf_err err = {0};

	if (wf_queue_parse(ring->layout, ring->bytes, &queue, &err) < 0)
		fail_msg("%s", err.msg);
	return queue;
}

static void apply(struct ring *ring, const struct wf_patch *patches, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_true(patches[i].offset + patches[i].len <= ring->layout->queue_bytes);
		memcpy(ring->bytes + patches[i].offset, patches[i].bytes, patches[i].len);
	}
}

static uint32_t append(struct ring *ring)
{
	struct wf_patch patches[WF_QUEUE_PATCHES_MAX];
	struct wf_queue queue = parse(ring);

	apply(ring, patches, wf_queue_append(ring->layout, &queue, FUNCTION, ARGUMENT, patches));
	return queue.last;
}

static void take_out(struct ring *ring, uint32_t slot)
{
	struct wf_patch patches[WF_QUEUE_PATCHES_MAX];
	struct wf_queue queue = parse(ring);

	apply(ring, patches, wf_queue_remove(ring->layout, &queue, slot, NOTHING, patches));
}

static void each_version_up_to_3_13_has_a_table_that_fits(void **state)
{
	(void)state;
	for (unsigned minor = 8; minor <= 13; minor++) {
		const struct wf_layout *layout = wf_layout_find(minor);

		assert_non_null(layout);
		assert_int_equal(layout->minor, minor);
		assert_true(layout->queue_bytes <= WF_QUEUE_BYTES_MAX);
		assert_true(layout->calls + layout->slots * layout->slot_bytes <=
			    layout->queue_bytes);
		assert_true(layout->last + 4 <= layout->queue_bytes);
		assert_true(layout->slot_bytes <= sizeof(((struct wf_patch *)0)->bytes));
	}
	assert_null(wf_layout_find(7));
	assert_null(wf_layout_find(14));
}

/* First and last at both ends of the ring and in its middle. */
static const struct at {
	unsigned minor;
	uint32_t first;
} places[] = {{8, 0},   {8, 31},  {9, 15},  {10, 16}, {11, 0},   {11, 15},
	      {11, 16}, {11, 31}, {12, 31}, {13, 0},  {13, 150}, {13, 299}};

static void a_call_is_added_at_each_end_of_the_ring(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct ring ring = make_ring(places[i].minor, places[i].first, 0);
		uint32_t slot = append(&ring);
		struct wf_queue queue = parse(&ring);

		assert_int_equal(slot, places[i].first);
		assert_int_equal(queue.first, places[i].first);
		assert_int_equal(queue.last, (places[i].first + 1) % ring.layout->slots);
		assert_int_equal(queue.count, 1);
		assert_int_equal(queue.todo, 1);
		assert_true(wf_queue_holds(ring.layout, &queue, slot));
		assert_false(wf_queue_holds(ring.layout, &queue, queue.last));
		assert_true(wf_queue_function(ring.layout, ring.bytes, slot) == FUNCTION);
		assert_true(wf_queue_argument(ring.layout, ring.bytes, slot) == ARGUMENT);
	}
}

static void a_call_is_added_behind_those_that_wait(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct ring ring = make_ring(places[i].minor, places[i].first, 5);
		uint32_t slot = append(&ring);
		struct wf_queue queue = parse(&ring);

		assert_int_equal(slot, (places[i].first + 5) % ring.layout->slots);
		assert_int_equal(queue.first, places[i].first);
		assert_int_equal(queue.count, 6);
		for (uint32_t n = 0; n < 5; n++)
			assert_true(wf_queue_function(ring.layout, ring.bytes,
						      (queue.first + n) % ring.layout->slots) ==
				    0x1000 + n);
	}
}

static void a_slot_of_24_bytes_gets_no_flags(void **state)
{
	struct ring ring = make_ring(13, 299, 0);
	uint64_t flags = 1;

	(void)state;
	memset(ring.bytes + ring.layout->calls + 299 * 24, 0xff, 24);
	append(&ring);
	memcpy(&flags, ring.bytes + ring.layout->calls + 299 * 24 + 16, sizeof(flags));
	assert_true(flags == 0);
}

static void a_full_ring_is_seen(void **state)
{
	(void)state;
	for (unsigned minor = 8; minor <= 13; minor++) {
		uint32_t most = minor == 13 ? 300 : 31;
		struct ring full = make_ring(minor, 7, most), last = make_ring(minor, 7, most - 1);
		struct wf_queue queue = parse(&full);

		assert_int_equal(queue.count, most);
		assert_true(wf_queue_is_full(full.layout, &queue));
		queue = parse(&last);
		assert_false(wf_queue_is_full(last.layout, &queue));
	}
}

static void the_last_call_taken_out_leaves_the_ring_as_it_was(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		for (uint32_t count = 0; count < 3; count++) {
			struct ring before = make_ring(places[i].minor, places[i].first, count);
			struct ring ring = before;

			take_out(&ring, append(&ring));
			assert_memory_equal(ring.bytes, before.bytes, sizeof(ring.bytes));
		}
	}
}

static void a_call_before_others_is_made_to_do_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct ring ring = make_ring(places[i].minor, places[i].first, 2);
		uint32_t slot = append(&ring);
		struct wf_queue queue;

		append(&ring);
		take_out(&ring, slot);
		queue = parse(&ring);
		assert_int_equal(queue.count, 4);
		assert_true(wf_queue_function(ring.layout, ring.bytes, slot) == NOTHING);
	}
}

static void what_is_no_queue_is_refused(void **state)
{
	static const struct {
		unsigned minor;
		char field;
		uint32_t value;
	} cases[] = {{8, 'f', 32},          {9, 'f', UINT32_MAX}, {10, 'l', 32},
		     {11, 'l', 0x80000000}, {12, 't', 2},         {11, 't', UINT32_MAX},
		     {13, 't', 1},          {13, 't', 299},       {13, 'f', 300},
		     {13, 'm', 32},         {13, 'l', UINT32_MAX}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ring ring = make_ring(cases[i].minor, 3, 2);
		const struct wf_layout *layout = ring.layout;
		struct wf_queue queue;
		struct wf_err err = {0};

		put_u32(&ring,
			cases[i].field == 'f'   ? layout->first
			: cases[i].field == 'l' ? layout->last
			: cases[i].field == 't' ? layout->todo
						: layout->limit,
			cases[i].value);
		assert_int_equal(wf_queue_parse(layout, ring.bytes, &queue, &err), -EBADMSG);
		assert_non_null(strstr(err.msg, "its queue of pending calls"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_version_up_to_3_13_has_a_table_that_fits),
		cmocka_unit_test(a_call_is_added_at_each_end_of_the_ring),
		cmocka_unit_test(a_call_is_added_behind_those_that_wait),
		cmocka_unit_test(a_slot_of_24_bytes_gets_no_flags),
		cmocka_unit_test(a_full_ring_is_seen),
		cmocka_unit_test(the_last_call_taken_out_leaves_the_ring_as_it_was),
		cmocka_unit_test(a_call_before_others_is_made_to_do_nothing),
		cmocka_unit_test(what_is_no_queue_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
