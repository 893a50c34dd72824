/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - the only place that reads clocks. Nanoseconds. Any thread. */
#ifndef WF_BASE_CLOCK_H
#define WF_BASE_CLOCK_H

#include <stdint.h>

uint64_t wf_clock_monotonic_ns(void);
uint64_t wf_clock_realtime_ns(void);
/* One pair, read together (the best of a few tries). */
void wf_clock_pair(uint64_t *ret_realtime_ns, uint64_t *ret_monotonic_ns);

#endif
