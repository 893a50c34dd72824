/* SPDX-License-Identifier: Apache-2.0 */
#include "histogram.h"

#include <math.h>

#define SUBS (1u << WF_HISTOGRAM_SCALE)

/* 2^(i/8) - 1 as a fraction of 2^32: where the i-th part of an octave begins. */
static const uint32_t sub_begin[SUBS] = {
	0, 388727752, 812638371, 1274916179, 1779033704, 2328777763, 2928277910, 3582037456,
};

static unsigned bucket_of(uint64_t value)
{
	unsigned octave, sub = 0;
	uint32_t fraction;

	if (!value)
		return 0;
	octave = 63 - (unsigned)__builtin_clzll(value);
	if (octave >= WF_HISTOGRAM_OCTAVES)
		return WF_HISTOGRAM_BUCKETS - 1;
	value ^= 1ull << octave;
	fraction = (uint32_t)(octave >= 32 ? value >> (octave - 32) : value << (32 - octave));
	while (sub + 1 < SUBS && fraction >= sub_begin[sub + 1])
		sub++;
	return octave * SUBS + sub;
}

void wf_histogram_add(struct wf_histogram *histogram, uint64_t value)
{
	uint32_t *bucket = &histogram->buckets[bucket_of(value)];

	if (*bucket < UINT32_MAX)
		(*bucket)++;
	if (!histogram->count || value < histogram->min)
		histogram->min = value;
	if (value > histogram->max)
		histogram->max = value;
	histogram->count++;
	histogram->sum += value;
}

/* The geometric middle of a bucket: equally far, in per cent, from both ends. */
static uint64_t bucket_middle(unsigned bucket)
{
	return (uint64_t)llround(exp2((bucket + 0.5) / SUBS));
}

uint64_t wf_histogram_quantile(const struct wf_histogram *histogram, double q)
{
	uint64_t seen = 0, rank, value;
	unsigned i;

	if (!histogram->count)
		return 0;
	rank = (uint64_t)ceil(q * (double)histogram->count);
	if (rank <= 1)
		return histogram->min;
	if (rank >= histogram->count)
		return histogram->max;
	for (i = 0; i < WF_HISTOGRAM_BUCKETS; i++) {
		seen += histogram->buckets[i];
		if (seen >= rank)
			break;
	}
	if (i >= WF_HISTOGRAM_BUCKETS - 1)
		return histogram->max;
	value = bucket_middle(i);
	if (value < histogram->min)
		return histogram->min;
	return value > histogram->max ? histogram->max : value;
}
