/* SPDX-License-Identifier: Apache-2.0 */
#include "slot.h"

#include <errno.h>
#include <string.h>

#include "trampoline.h"

#define CODE_AT WF_OWNER_BYTES
#define TEXT_AT (CODE_AT + WF_TRAMPOLINE_MAX)
#define BYTES   (TEXT_AT + WF_SLOT_TEXT_MAX)

#define CALLS_TO_DO 4U /* bit of 3.13's breaker */

uint32_t wf_slot_need(void)
{
	return BYTES;
}

static uint64_t queue_address(const struct wf_python *python, const struct wf_state *state)
{
	const struct wf_layout *layout = python->layout;

	return (layout->in_runtime ? python->runtime : state->interp) + layout->queue;
}

/* A thread of the target may have been halted while it held the lock. */
static int check_lock(const struct wf_python *python, const uint8_t *queue, struct wf_err *err)
{
	const struct wf_layout *layout = python->layout;
	uint32_t value = 0;
	uint64_t lock;

	if (layout->counted) {
		if (queue[layout->lock] == 0)
			return 0;
		return queue[layout->lock] > 3
			       ? wf_err_set(err, ENOTSUP, "the lock of its pending calls is odd")
			       : -EAGAIN;
	}
	memcpy(&lock, queue + layout->lock, sizeof(lock));
	if (lock % 4 || wf_memory_read_u32(python->pid, lock, &value) < 0 || value > 1)
		return wf_err_set(err, ENOTSUP,
				  "the lock of the pending calls of process %d is not one",
				  (int)python->pid);
	return value == 1 ? 0 : -EAGAIN;
}

/* Each call that waits must be one: a function somewhere in code. */
static int check_calls(const struct wf_python *python, const uint8_t *bytes,
		       const struct wf_queue *queue, const struct wf_regions *regions,
		       struct wf_err *err)
{
	const struct wf_layout *layout = python->layout;

	for (uint32_t i = 0; i < queue->count; i++) {
		uint32_t slot = (queue->first + i) % layout->slots;

		if (!wf_regions_find(regions, wf_queue_function(layout, bytes, slot)))
			return wf_err_set(err, ENOTSUP,
					  "a pending call of process %d is no function: not laid "
					  "out as 3.%u is, left alone",
					  (int)python->pid, layout->minor);
	}
	return 0;
}

static int read_queue(const struct wf_python *python, uint64_t address, uint8_t *bytes,
		      struct wf_queue *ret, struct wf_err *err)
{
	int rc = wf_memory_read(python->pid, address, bytes, python->layout->queue_bytes);

	if (rc < 0)
		return wf_err_set(err, rc == -ESRCH ? ESRCH : ENOTSUP,
				  "the pending calls of process %d cannot be read",
				  (int)python->pid);
	rc = wf_queue_parse(python->layout, bytes, ret, err);
	return rc == -EBADMSG ? -ENOTSUP : rc;
}

/* Record, code and text, and nothing else of the room. */
static int write_room(const struct wf_python *python, const struct wf_halt *halt,
		      const struct wf_python_room *room, const struct wf_owner *owner,
		      const char *text, struct wf_err *err)
{
	uint8_t bytes[BYTES] = {0}, back[BYTES];
	size_t len = strlen(text);

	if (len >= WF_SLOT_TEXT_MAX || room->bytes < BYTES)
		return wf_err_set(err, ENOSPC, "the request is too long for the room there is");
	memcpy(bytes, owner, sizeof(*owner));
	wf_trampoline_build(python, bytes + CODE_AT);
	memcpy(bytes + TEXT_AT, text, len);
	if (wf_halt_write(halt, room->address, bytes, sizeof(bytes)) < 0 ||
	    wf_memory_read(python->pid, room->address, back, sizeof(back)) < 0 ||
	    memcmp(bytes, back, sizeof(bytes)) != 0)
		return wf_err_set(err, EIO, "process %d does not let its code be written",
				  (int)python->pid);
	return 0;
}

static int write_patches(const struct wf_python *python, uint64_t queue,
			 const struct wf_patch *patches, size_t count)
{
	uint8_t back[sizeof(patches->bytes)];

	for (size_t i = 0; i < count; i++) {
		uint64_t at = queue + patches[i].offset;

		if (wf_memory_write(python->pid, at, patches[i].bytes, patches[i].len) < 0 ||
		    wf_memory_read(python->pid, at, back, patches[i].len) < 0 ||
		    memcmp(back, patches[i].bytes, patches[i].len) != 0)
			return -EIO;
	}
	return 0;
}

/* Tell the interpreter that there is something to do: one int, or from 3.13 on a bit a thread. */
static int ring_bell(const struct wf_python *python, const struct wf_state *state)
{
	const struct wf_layout *layout = python->layout;
	uint64_t thread = state->threads, word;
	uint32_t one = 1;
	int rc = 0;

	if (layout->breaker != WF_NO_OFFSET)
		return wf_memory_write(python->pid,
				       (layout->in_runtime ? python->runtime : state->interp) +
					       layout->breaker,
				       &one, sizeof(one));
	while (thread && rc == 0) {
		uint64_t at = thread + layout->thread_breaker;

		rc = wf_memory_read_u64(python->pid, at, &word);
		word |= CALLS_TO_DO;
		if (rc == 0)
			rc = wf_memory_write(python->pid, at, &word, sizeof(word));
		if (rc == 0)
			rc = wf_state_next(python, state->interp, thread, &thread);
	}
	return rc;
}

static int add_call(const struct wf_python *python, const struct wf_state *state,
		    const struct wf_queue *queue, struct wf_slot *slot, struct wf_err *err)
{
	struct wf_patch patches[WF_QUEUE_PATCHES_MAX];
	size_t count =
		wf_queue_append(python->layout, queue, slot->function, slot->argument, patches);

	if (write_patches(python, slot->queue, patches, count) == 0 &&
	    ring_bell(python, state) == 0)
		return 0;
	wf_slot_withdraw(python, slot);
	return wf_err_set(err, EIO, "the pending calls of process %d cannot be written",
			  (int)python->pid);
}

int wf_slot_put(const struct wf_python *python, const struct wf_halt *halt,
		const struct wf_state *state, const struct wf_regions *regions,
		const struct wf_python_room *room, const struct wf_owner *owner, const char *text,
		struct wf_slot *ret, struct wf_err *err)
{
	uint64_t address = queue_address(python, state);
	uint8_t bytes[WF_QUEUE_BYTES_MAX];
	struct wf_queue queue;
	int rc = read_queue(python, address, bytes, &queue, err);

	if (rc == 0)
		rc = check_calls(python, bytes, &queue, regions, err);
	if (rc == 0)
		rc = check_lock(python, bytes, err);
	if (rc == 0 && wf_queue_is_full(python->layout, &queue)) {
		/* Up to 3.11 a full queue may have lost its bell, and would stay so. */
		ring_bell(python, state);
		rc = -EAGAIN;
	}
	if (rc == 0)
		rc = write_room(python, halt, room, owner, text, err);
	if (rc < 0)
		return rc;
	*ret = (struct wf_slot){.queue = address,
				.function = room->address + CODE_AT,
				.argument = room->address + TEXT_AT,
				.nothing = room->address + CODE_AT + wf_trampoline_nothing(),
				.slot = queue.last};
	return add_call(python, state, &queue, ret, err);
}

static int look(const struct wf_python *python, const struct wf_slot *slot, uint8_t *bytes,
		struct wf_queue *queue)
{
	const struct wf_layout *layout = python->layout;
	int rc = read_queue(python, slot->queue, bytes, queue, NULL);

	if (rc < 0)
		return rc == -ESRCH ? rc : -EBADMSG;
	return wf_queue_holds(layout, queue, slot->slot) &&
	       wf_queue_function(layout, bytes, slot->slot) == slot->function &&
	       wf_queue_argument(layout, bytes, slot->slot) == slot->argument;
}

int wf_slot_waits(const struct wf_python *python, const struct wf_slot *slot)
{
	uint8_t bytes[WF_QUEUE_BYTES_MAX];
	struct wf_queue queue;

	return look(python, slot, bytes, &queue);
}

void wf_slot_remind(const struct wf_python *python, const struct wf_slot *slot)
{
	const struct wf_layout *layout = python->layout;
	uint32_t one = 1;

	if (layout->breaker != WF_NO_OFFSET)
		wf_memory_write(python->pid, slot->queue - layout->queue + layout->breaker, &one,
				sizeof(one));
}

int wf_slot_withdraw(const struct wf_python *python, const struct wf_slot *slot)
{
	struct wf_patch patches[WF_QUEUE_PATCHES_MAX];
	uint8_t bytes[WF_QUEUE_BYTES_MAX];
	struct wf_queue queue;
	int rc = look(python, slot, bytes, &queue);
	size_t count;

	if (rc <= 0)
		return rc < 0 ? rc : -EALREADY;
	if (check_lock(python, bytes, NULL) < 0)
		return -EAGAIN;
	count = wf_queue_remove(python->layout, &queue, slot->slot, slot->nothing, patches);
	return write_patches(python, slot->queue, patches, count);
}
