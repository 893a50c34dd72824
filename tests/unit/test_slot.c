/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "userspace/python/slot.h"

/* A queue in this process, with one call of ours in slot 0 and a lock. */
struct scene {
	struct wf_python python;
	struct wf_slot slot;
	_Alignas(8) uint8_t bytes[WF_QUEUE_BYTES_MAX];
	_Alignas(8) uint32_t semaphore;
};

static void put(struct scene *scene, uint32_t offset, const void *value, size_t len)
{
	memcpy(scene->bytes + offset, value, len);
}

static void set_lock(struct scene *scene, bool held)
{
	scene->semaphore = held ? 0 : 1;
	if (scene->python.layout->counted)
		scene->bytes[scene->python.layout->lock] = held ? 1 : 0;
}

static void make_scene(struct scene *scene, unsigned minor)
{
	const struct wf_layout *layout = wf_layout_find(minor);
	uint64_t call[2] = {0x1234, 0x5678}, lock = (uintptr_t)&scene->semaphore;
	uint32_t one = 1;

	memset(scene, 0, sizeof(*scene));
	scene->python.pid = getpid();
	scene->python.minor = minor;
	scene->python.layout = layout;
	scene->slot = (struct wf_slot){.queue = (uintptr_t)scene->bytes,
				       .function = call[0],
				       .argument = call[1],
				       .nothing = 0x9abc};
	put(scene, layout->last, &one, sizeof(one));
	put(scene, layout->todo, &one, sizeof(one));
	put(scene, layout->calls, call, sizeof(call));
	if (layout->limit != WF_NO_OFFSET)
		put(scene, layout->limit, &layout->slots, sizeof(layout->slots));
	if (!layout->counted)
		put(scene, layout->lock, &lock, sizeof(lock));
	set_lock(scene, false);
}

static void a_call_that_waits_is_withdrawn_once(void **state)
{
	struct scene scene;

	(void)state;
	for (unsigned minor = 8; minor <= 13; minor++) {
		make_scene(&scene, minor);
		assert_int_equal(wf_slot_waits(&scene.python, &scene.slot), 1);
		assert_int_equal(wf_slot_withdraw(&scene.python, &scene.slot), 0);
		assert_int_equal(wf_slot_waits(&scene.python, &scene.slot), 0);
		assert_int_equal(wf_slot_withdraw(&scene.python, &scene.slot), -EALREADY);
	}
}

static void nothing_is_written_while_the_lock_is_held(void **state)
{
	uint8_t before[WF_QUEUE_BYTES_MAX];
	struct scene scene;

	(void)state;
	for (unsigned minor = 8; minor <= 13; minor++) {
		make_scene(&scene, minor);
		set_lock(&scene, true);
		memcpy(before, scene.bytes, sizeof(before));
		assert_int_equal(wf_slot_withdraw(&scene.python, &scene.slot), -EAGAIN);
		assert_memory_equal(scene.bytes, before, sizeof(before));
		set_lock(&scene, false);
		assert_int_equal(wf_slot_withdraw(&scene.python, &scene.slot), 0);
	}
}

static void another_call_in_our_slot_is_not_ours(void **state)
{
	uint64_t other = 0x4321;
	struct scene scene;

	(void)state;
	for (unsigned minor = 8; minor <= 13; minor++) {
		make_scene(&scene, minor);
		put(&scene, scene.python.layout->calls, &other, sizeof(other));
		assert_int_equal(wf_slot_waits(&scene.python, &scene.slot), 0);
		assert_int_equal(wf_slot_withdraw(&scene.python, &scene.slot), -EALREADY);
	}
}

static void a_queue_that_is_none_is_left_alone(void **state)
{
	uint32_t odd = 1000;
	struct scene scene;

	(void)state;
	for (unsigned minor = 8; minor <= 13; minor++) {
		make_scene(&scene, minor);
		put(&scene, scene.python.layout->first, &odd, sizeof(odd));
		assert_int_equal(wf_slot_waits(&scene.python, &scene.slot), -EBADMSG);
		assert_int_equal(wf_slot_withdraw(&scene.python, &scene.slot), -EBADMSG);
	}
	scene.slot.queue = 8;
	assert_int_equal(wf_slot_withdraw(&scene.python, &scene.slot), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_that_waits_is_withdrawn_once),
		cmocka_unit_test(nothing_is_written_while_the_lock_is_held),
		cmocka_unit_test(another_call_in_our_slot_is_not_ours),
		cmocka_unit_test(a_queue_that_is_none_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
