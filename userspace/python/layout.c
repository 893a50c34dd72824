/* SPDX-License-Identifier: Apache-2.0 */
#include "layout.h"

#include <errno.h>
#include <string.h>

#define NONE WF_NO_OFFSET

/* Taken from each version's own headers with offsetof(). */
static const struct wf_layout layouts[] = {
	{.minor = 8,
	 .runtime_bytes = 1464,
	 .runtime_exact = true,
	 .runtime_initialized = 12,
	 .runtime_finalizing = 16,
	 .runtime_main = 40,
	 .runtime_main_thread = 72,
	 .interp_id = 16,
	 .interp_threads = 8,
	 .interp_finalizing = NONE,
	 .thread_previous = 0,
	 .thread_next = 8,
	 .thread_interp = 16,
	 .thread_breaker = NONE,
	 .in_runtime = true,
	 .breaker = 592,
	 .queue = 600,
	 .queue_bytes = 544,
	 .lock = 8,
	 .todo = 16,
	 .limit = NONE,
	 .calls = 24,
	 .first = 536,
	 .last = 540,
	 .slots = 32,
	 .slot_bytes = 16},
	{.minor = 9,
	 .runtime_bytes = 656,
	 .runtime_exact = true,
	 .runtime_initialized = 12,
	 .runtime_finalizing = 16,
	 .runtime_main = 40,
	 .runtime_main_thread = 72,
	 .interp_id = 24,
	 .interp_threads = 8,
	 .interp_finalizing = 56,
	 .thread_previous = 0,
	 .thread_next = 8,
	 .thread_interp = 16,
	 .thread_breaker = NONE,
	 .breaker = 72,
	 .queue = 80,
	 .queue_bytes = 536,
	 .lock = 0,
	 .todo = 8,
	 .limit = NONE,
	 .calls = 16,
	 .first = 528,
	 .last = 532,
	 .slots = 32,
	 .slot_bytes = 16},
	{.minor = 10,
	 .runtime_bytes = 672,
	 .runtime_exact = true,
	 .runtime_initialized = 12,
	 .runtime_finalizing = 16,
	 .runtime_main = 40,
	 .runtime_main_thread = 72,
	 .interp_id = 24,
	 .interp_threads = 8,
	 .interp_finalizing = 56,
	 .thread_previous = 0,
	 .thread_next = 8,
	 .thread_interp = 16,
	 .thread_breaker = NONE,
	 .breaker = 68,
	 .queue = 80,
	 .queue_bytes = 536,
	 .lock = 0,
	 .todo = 8,
	 .limit = NONE,
	 .calls = 16,
	 .first = 528,
	 .last = 532,
	 .slots = 32,
	 .slot_bytes = 16},
	{.minor = 11,
	 .runtime_bytes = 664,
	 .runtime_initialized = 16,
	 .runtime_finalizing = 24,
	 .runtime_main = 48,
	 .runtime_main_thread = 80,
	 .interp_id = 48,
	 .interp_threads = 16,
	 .interp_finalizing = 84,
	 .thread_previous = 0,
	 .thread_next = 8,
	 .thread_interp = 16,
	 .thread_breaker = NONE,
	 .breaker = 100,
	 .queue = 112,
	 .queue_bytes = 536,
	 .lock = 0,
	 .todo = 8,
	 .limit = NONE,
	 .calls = 16,
	 .first = 528,
	 .last = 532,
	 .slots = 32,
	 .slot_bytes = 16},
	{.minor = 12,
	 .runtime_bytes = 3072,
	 .runtime_initialized = 16,
	 .runtime_finalizing = 24,
	 .runtime_main = 48,
	 .runtime_main_thread = 64,
	 .interp_id = 8,
	 .interp_threads = 72,
	 .interp_finalizing = 104,
	 .thread_previous = 0,
	 .thread_next = 8,
	 .thread_interp = 16,
	 .thread_breaker = NONE,
	 .breaker = 368,
	 .queue = 400,
	 .queue_bytes = 544,
	 .lock = 8,
	 .todo = 16,
	 .limit = NONE,
	 .calls = 24,
	 .first = 536,
	 .last = 540,
	 .slots = 32,
	 .slot_bytes = 16},
	{.minor = 13,
	 .runtime_bytes = 10432,
	 .runtime_initialized = 600,
	 .runtime_finalizing = 608,
	 .runtime_main = 640,
	 .runtime_main_thread = 656,
	 .interp_id = 7272,
	 .interp_threads = 7344,
	 .interp_finalizing = 7384,
	 .thread_previous = 0,
	 .thread_next = 8,
	 .thread_interp = 16,
	 .thread_breaker = 24,
	 .breaker = NONE,
	 .queue = 32,
	 .queue_bytes = 7232,
	 .lock = 8,
	 .todo = 12,
	 .limit = 16,
	 .calls = 24,
	 .first = 7224,
	 .last = 7228,
	 .slots = 300,
	 .slot_bytes = 24,
	 .counted = true},
};

const struct wf_layout *wf_layout_find(unsigned minor)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		if (layouts[i].minor == minor)
			return &layouts[i];
	}
	return NULL;
}

static uint32_t read_u32(const uint8_t *bytes, uint32_t offset)
{
	uint32_t value;

	memcpy(&value, bytes + offset, sizeof(value));
	return value;
}

static uint64_t read_u64(const uint8_t *bytes, uint32_t offset)
{
	uint64_t value;

	memcpy(&value, bytes + offset, sizeof(value));
	return value;
}

static uint32_t distance(const struct wf_layout *layout, uint32_t from, uint32_t to)
{
	return (to + layout->slots - from) % layout->slots;
}

int wf_queue_parse(const struct wf_layout *layout, const uint8_t *bytes, struct wf_queue *ret,
		   struct wf_err *err)
{
	struct wf_queue queue = {.first = read_u32(bytes, layout->first),
				 .last = read_u32(bytes, layout->last),
				 .todo = read_u32(bytes, layout->todo)};

	if (queue.first >= layout->slots || queue.last >= layout->slots)
		return wf_err_set(err, EBADMSG,
				  "its queue of pending calls is not where 3.%u has it "
				  "(first %d, last %d)",
				  layout->minor, (int)queue.first, (int)queue.last);
	queue.count = distance(layout, queue.first, queue.last);
	if (layout->counted && queue.count == 0 && queue.todo == layout->slots)
		queue.count = layout->slots;
	/* Up to 3.12 it is a flag that may lag behind the queue. */
	if (layout->counted ? queue.todo != queue.count : queue.todo > 1)
		return wf_err_set(err, EBADMSG,
				  "its queue of pending calls is not where 3.%u has it "
				  "(%u calls, counted as %d)",
				  layout->minor, queue.count, (int)queue.todo);
	if (layout->limit != WF_NO_OFFSET && read_u32(bytes, layout->limit) != layout->slots)
		return wf_err_set(err, EBADMSG,
				  "its queue of pending calls takes %d and not %u calls",
				  (int)read_u32(bytes, layout->limit), layout->slots);
	*ret = queue;
	return 0;
}

uint64_t wf_queue_function(const struct wf_layout *layout, const uint8_t *bytes, uint32_t slot)
{
	return read_u64(bytes, layout->calls + slot * layout->slot_bytes);
}

uint64_t wf_queue_argument(const struct wf_layout *layout, const uint8_t *bytes, uint32_t slot)
{
	return read_u64(bytes, layout->calls + slot * layout->slot_bytes + 8);
}

bool wf_queue_is_full(const struct wf_layout *layout, const struct wf_queue *queue)
{
	return queue->count >= (layout->counted ? layout->slots : layout->slots - 1);
}

bool wf_queue_holds(const struct wf_layout *layout, const struct wf_queue *queue, uint32_t slot)
{
	return slot < layout->slots && distance(layout, queue->first, slot) < queue->count;
}

static void patch(struct wf_patch *ret, uint32_t offset, const void *bytes, uint32_t len)
{
	*ret = (struct wf_patch){.offset = offset, .len = len};
	memcpy(ret->bytes, bytes, len);
}

static void patch_u32(struct wf_patch *ret, uint32_t offset, uint32_t value)
{
	patch(ret, offset, &value, sizeof(value));
}

size_t wf_queue_append(const struct wf_layout *layout, const struct wf_queue *queue,
		       uint64_t function, uint64_t argument, struct wf_patch *ret)
{
	const uint64_t call[3] = {function, argument, 0};

	patch(&ret[0], layout->calls + queue->last * layout->slot_bytes, call, layout->slot_bytes);
	patch_u32(&ret[1], layout->last, (queue->last + 1) % layout->slots);
	patch_u32(&ret[2], layout->todo, layout->counted ? queue->todo + 1 : 1);
	return 3;
}

size_t wf_queue_remove(const struct wf_layout *layout, const struct wf_queue *queue, uint32_t slot,
		       uint64_t nothing, struct wf_patch *ret)
{
	static const uint64_t empty[3];

	if ((slot + 1) % layout->slots != queue->last) {
		patch(&ret[0], layout->calls + slot * layout->slot_bytes, &nothing,
		      sizeof(nothing));
		return 1;
	}
	patch_u32(&ret[0], layout->last, slot);
	patch_u32(&ret[1], layout->todo,
		  layout->counted ? queue->todo - 1 : queue->todo && queue->count > 1);
	patch(&ret[2], layout->calls + slot * layout->slot_bytes, empty, layout->slot_bytes);
	return 3;
}
