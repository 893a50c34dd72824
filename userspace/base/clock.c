/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"

#include <time.h>

#define PAIR_TRIES 5

static uint64_t read_ns(clockid_t clock)
{
	struct timespec now;

	/* Cannot fail for these two clocks. */
	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

uint64_t wf_clock_monotonic_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

uint64_t wf_clock_realtime_ns(void)
{
	return read_ns(CLOCK_REALTIME);
}

void wf_clock_pair(uint64_t *ret_realtime_ns, uint64_t *ret_monotonic_ns)
{
	uint64_t best = UINT64_MAX;

	/* The narrowest bracket wins: a try during which we were preempted is wide. */
	for (int i = 0; i < PAIR_TRIES; i++) {
		uint64_t before = wf_clock_monotonic_ns();
		uint64_t real = wf_clock_realtime_ns();
		uint64_t after = wf_clock_monotonic_ns();

		if (after - before < best) {
			best = after - before;
			*ret_realtime_ns = real;
			*ret_monotonic_ns = before + (after - before) / 2;
		}
	}
}
