/* SPDX-License-Identifier: Apache-2.0 */
#include "exporter/histogram.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/str.h"

#define VALUES 20000

static int by_value(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* Durations from a nanosecond to days, evenly over the orders of magnitude. */
static void quantiles_are_within_five_per_cent_of_the_sorted_values(void **state)
{
	static const double quantiles[] = {0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1};
	static uint64_t values[VALUES];
	struct wf_histogram histogram = {0};
	size_t i;

	(void)state;
	for (i = 0; i < VALUES; i++) {
		values[i] = (uint64_t)exp2(49.0 * (double)(wf_mix64(i) >> 11) / (1ull << 53));
		wf_histogram_add(&histogram, values[i]);
	}
	qsort(values, VALUES, sizeof(*values), by_value);
	for (i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++) {
		size_t rank = (size_t)ceil(quantiles[i] * VALUES);
		double exact = (double)values[rank ? rank - 1 : 0];
		double got = (double)wf_histogram_quantile(&histogram, quantiles[i]);

		assert_true(fabs(got - exact) <= 0.05 * exact + 0.5);
	}
	assert_int_equal(histogram.count, VALUES);
	assert_int_equal(histogram.min, values[0]);
	assert_int_equal(histogram.max, values[VALUES - 1]);
}

static void one_value_is_every_quantile_exactly(void **state)
{
	struct wf_histogram histogram = {0};

	(void)state;
	wf_histogram_add(&histogram, 1234567);
	assert_int_equal(wf_histogram_quantile(&histogram, 0), 1234567);
	assert_int_equal(wf_histogram_quantile(&histogram, 0.5), 1234567);
	assert_int_equal(wf_histogram_quantile(&histogram, 1), 1234567);
}

static void an_empty_histogram_answers_zero(void **state)
{
	struct wf_histogram histogram = {0};

	(void)state;
	assert_int_equal(wf_histogram_quantile(&histogram, 0.5), 0);
}

static void zero_and_the_largest_value_are_counted(void **state)
{
	struct wf_histogram histogram = {0};

	(void)state;
	wf_histogram_add(&histogram, 0);
	wf_histogram_add(&histogram, UINT64_MAX);
	wf_histogram_add(&histogram, UINT64_MAX);
	assert_int_equal(histogram.count, 3);
	assert_int_equal(wf_histogram_quantile(&histogram, 0.1), 0);
	assert_true(wf_histogram_quantile(&histogram, 0.6) == UINT64_MAX);
}

/* Both sides of every bucket's border. */
static void buckets_meet_without_gap_or_overlap(void **state)
{
	unsigned i, k, filled;

	(void)state;
	for (i = 33; i < WF_HISTOGRAM_BUCKETS; i++) {
		struct wf_histogram histogram = {0};
		uint64_t border = (uint64_t)exp2(i / 8.0);

		wf_histogram_add(&histogram, border - border / 1000 - 1);
		wf_histogram_add(&histogram, border + border / 1000 + 1);
		for (k = 0, filled = 0; k < WF_HISTOGRAM_BUCKETS; k++)
			filled += histogram.buckets[k] > 0;
		assert_int_equal(filled, 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles_are_within_five_per_cent_of_the_sorted_values),
		cmocka_unit_test(one_value_is_every_quantile_exactly),
		cmocka_unit_test(an_empty_histogram_answers_zero),
		cmocka_unit_test(zero_and_the_largest_value_are_counted),
		cmocka_unit_test(buckets_meet_without_gap_or_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
