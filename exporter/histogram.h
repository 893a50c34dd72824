/* SPDX-License-Identifier: Apache-2.0 */
/*
 * histogram.h - durations in exponential buckets: 8 per power of two (scale 3 of OpenTelemetry's
 * exponential histograms), so a quantile is at most 4.5 % off. Plain data, fixed size, pure.
 */
#ifndef WF_HISTOGRAM_H
#define WF_HISTOGRAM_H

#include <stdint.h>

#define WF_HISTOGRAM_SCALE   3
#define WF_HISTOGRAM_OCTAVES 50 /* 1 ns to 13 days; longer values count in the last bucket */
#define WF_HISTOGRAM_BUCKETS (WF_HISTOGRAM_OCTAVES << WF_HISTOGRAM_SCALE)

struct wf_histogram {
	uint64_t count, sum, min, max;
	uint32_t buckets[WF_HISTOGRAM_BUCKETS]; /* saturate */
};

void wf_histogram_add(struct wf_histogram *histogram, uint64_t value);
/* q in [0, 1]; 0 for an empty histogram. Never outside [min, max]. */
uint64_t wf_histogram_quantile(const struct wf_histogram *histogram, double q);

#endif
