// SPDX-License-Identifier: Apache-2.0
#include "ring.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "userspace/span/wire.h"

struct wf_ring {
	struct ring_buffer **rings;
	int count;
	int epoll_fd;
	wf_ring_deliver deliver;
	void *context;
	uint64_t malformed;
	size_t budget, ring_bytes;
};

#define ROUND_OVER -1 /* what on_record answers to end this ring's turn */

static int on_record(void *context, void *data, size_t size)
{
	struct wf_ring *ring = context;

	if (!wf_wire_check(data, size))
		ring->malformed++;
	else
		ring->deliver(ring->context, data);
	/* One ring's size covers all that was submitted before the round; a busy producer must not
	 * keep the round from ending. */
	ring->budget += size + 8;
	return ring->budget < ring->ring_bytes ? 0 : ROUND_OVER;
}

int wf_ring_new(struct wf_kernel *kernel, wf_ring_deliver deliver, void *context,
		struct wf_ring **ret, struct wf_err *err)
{
	wf_auto(wf_ring_freep) struct wf_ring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return wf_err_set(err, ENOMEM, "out of memory");
	ring->deliver = deliver;
	ring->context = context;
	ring->ring_bytes = wf_kernel_ring_bytes(kernel);
	ring->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ring->rings = calloc(wf_kernel_ring_count(kernel), sizeof(*ring->rings));
	if (ring->epoll_fd < 0 || !ring->rings)
		return wf_err_set(err, errno, "rings: %s", strerror(errno));
	for (int cpu = 0; cpu < wf_kernel_ring_count(kernel); cpu++) {
		struct epoll_event event = {.events = EPOLLIN | EPOLLET};
		int fd = wf_kernel_ring_fd(kernel, cpu);

		/* a manager each, so that a round visits every ring exactly once */
		ring->rings[cpu] = ring_buffer__new(fd, on_record, ring, NULL);
		if (!ring->rings[cpu])
			return wf_err_set(err, errno, "ring of CPU %d: %s", cpu, strerror(errno));
		ring->count++;
		if (epoll_ctl(ring->epoll_fd, EPOLL_CTL_ADD, fd, &event))
			return wf_err_set(err, errno, "ring of CPU %d: %s", cpu, strerror(errno));
	}
	*ret = wf_take(ring);
	return 0;
}

void wf_ring_free(struct wf_ring *ring)
{
	if (!ring)
		return;
	for (int i = 0; i < ring->count; i++)
		ring_buffer__free(ring->rings[i]);
	free(ring->rings);
	if (ring->epoll_fd >= 0)
		close(ring->epoll_fd);
	free(ring);
}

void wf_ring_wait(struct wf_ring *ring, int timeout_ms)
{
	struct epoll_event events[16];

	/* interrupted or failed: the caller drains anyway */
	(void)epoll_wait(ring->epoll_fd, events, 16, timeout_ms);
}

void wf_ring_drain(struct wf_ring *ring)
{
	for (int i = 0; i < ring->count; i++) {
		ring->budget = 0;
		(void)ring_buffer__consume(ring->rings[i]);
	}
}

uint64_t wf_ring_malformed(const struct wf_ring *ring)
{
	return ring->malformed;
}
