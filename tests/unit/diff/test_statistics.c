// SPDX-License-Identifier: GPL-2.0-only
/* The statistics of diff against tables, against sums done the long way, and against cases whose answer is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "diff/permutation.h"
#include "diff/t_distribution.h"
#include "diff/fine_hist.h"

static void assert_near(double found, double wanted, double relative)
{
	if (!(fabs(found - wanted) <= relative * fabs(wanted)))
		fail_msg("%.12g is not %.12g", found, wanted);
}

/* --- Student's t */

/* As printed in every table of it. */
static void student_as_in_tables(void **state)
{
	static const struct { double within; unsigned int freedom; double t; } table[] = {
		{ 0.90, 1, 6.314 }, { 0.95, 1, 12.706 }, { 0.99, 1, 63.657 }, { 0.95, 2, 4.303 }, { 0.99, 2, 9.925 },
		{ 0.95, 3, 3.182 }, { 0.90, 5, 2.015 }, { 0.99, 5, 4.032 }, { 0.99, 7, 3.499 }, { 0.95, 10, 2.228 },
		{ 0.99, 10, 3.169 }, { 0.99, 15, 2.947 }, { 0.95, 30, 2.042 }, { 0.99, 30, 2.750 }, { 0.999, 30, 3.646 },
		{ 0.95, 60, 2.000 }, { 0.99, 120, 2.617 },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_near(t_distribution_bound(table[i].within, table[i].freedom), table[i].t, 3e-4);
		assert_near(t_distribution_within(table[i].t, table[i].freedom), table[i].within, 3e-4);
	}
	assert_near(t_distribution_within(0, 4), 0, 0);
	assert_near(t_distribution_within(1, 1), 0.5, 1e-12);
	assert_near(t_distribution_bound(0.95, 100000), 1.959964, 1e-4);
}

/* --- tallies */

static void buckets_meet(void **state)
{
	for (uint32_t bucket = 0; bucket < 4000; bucket++) {
		uint64_t least = fine_hist_least(bucket), greatest = fine_hist_greatest(bucket);

		assert_true(least <= greatest);
		assert_int_equal(fine_hist_least(bucket + 1), greatest + 1);
		assert_true((greatest - least) * 128 <= least);
	}
}

static void a_value_is_in_its_bucket(void **state)
{
	static const uint64_t values[] = { 0, 1, 127, 128, 129, 255, 256, 257, 1000, 123456, 1ULL << 40, (1ULL << 40) - 1, UINT64_MAX };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct fine_hist t = { 0 };

		assert_int_equal(fine_hist_add(&t, values[i]), 0);
		assert_int_equal(t.used, 1);
		assert_true(fine_hist_least(t.buckets[0].bucket) <= values[i] && values[i] <= fine_hist_greatest(t.buckets[0].bucket));
		fine_hist_clear(&t);
	}
}

/* Values below 256 have a bucket each, so that all about them is exact. */
static struct fine_hist fine_hist_of(const uint64_t *values, size_t count)
{
	struct fine_hist t = { 0 };

	for (size_t i = 0; i < count; i++)
		assert_int_equal(fine_hist_add(&t, values[i]), 0);
	return t;
}

#define TALLY(...) fine_hist_of((uint64_t[]){ __VA_ARGS__ }, sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static void quantiles(void **state)
{
	struct fine_hist t = TALLY(10, 30, 20, 40, 20, 50, 60, 70, 80, 90), none = { 0 };

	assert_near(fine_hist_quantile(&t, 0), 10, 0);
	assert_near(fine_hist_quantile(&t, 0.1), 10, 0);
	assert_near(fine_hist_quantile(&t, 0.11), 20, 0);
	assert_near(fine_hist_quantile(&t, 0.3), 20, 0);
	assert_near(fine_hist_quantile(&t, 0.5), 40, 0);
	assert_near(fine_hist_quantile(&t, 0.99), 90, 0);
	assert_near(fine_hist_quantile(&t, 1), 90, 0);
	assert_near(fine_hist_quantile(&t, 7), 90, 0);
	assert_near(fine_hist_quantile(&t, -7), 10, 0);
	assert_near(t.sum, 470, 0);
	assert_near(fine_hist_quantile(&none, 0.5), 0, 0);
	fine_hist_clear(&t);
}

/* Whatever the share: what is above the cut of it is the rest. */
static void cuts(void **state)
{
	struct fine_hist t = TALLY(0, 0, 0, 0, 1, 1, 7, 100, 100, 100, 5000);

	for (double q = 0; q <= 1; q += 0.01) {
		struct fine_hist_cut cut = fine_hist_cut(&t, q);

		assert_true(fabs(fine_hist_above(&t, &cut) - t.count * (1 - q)) < 1e-9);
	}
	fine_hist_clear(&t);
}

static void merging(void **state)
{
	struct fine_hist a = TALLY(5, 6, 7000), b = TALLY(6, 1000000, 2), all = TALLY(5, 6, 7000, 6, 1000000, 2);

	assert_int_equal(fine_hist_merge(&a, &b), 0);
	assert_int_equal(a.count, all.count);
	assert_int_equal(a.used, all.used);
	assert_near(a.sum, all.sum, 0);
	assert_memory_equal(a.buckets, all.buckets, all.used * sizeof(*all.buckets));
	fine_hist_clear(&a);
	fine_hist_clear(&b);
	fine_hist_clear(&all);
}

/* The rank sum, counted pair by pair. */
static void ranks(void **state)
{
	static const uint64_t base[] = { 3, 3, 9, 20, 7, 7, 7 }, fresh[] = { 1, 3, 8, 20, 20 };
	struct fine_hist a = fine_hist_of(base, 7), b = fine_hist_of(fresh, 5), all = fine_hist_of(base, 7);
	double below = 0;

	assert_int_equal(fine_hist_merge(&all, &b), 0);
	for (size_t i = 0; i < 5; i++) {
		for (size_t k = 0; k < 7; k++)
			below += base[k] < fresh[i] ? 1 : base[k] == fresh[i] ? 0.5 : 0;
		for (size_t k = 0; k < 5; k++)
			below += fresh[k] < fresh[i] ? 1 : fresh[k] == fresh[i] ? 0.5 : 0;
	}
	assert_near(fine_hist_ranks(&b, &all), below / 12, 1e-12);
	assert_near(fine_hist_ranks(&a, &all) + fine_hist_ranks(&b, &all), 6, 1e-12);
	fine_hist_clear(&a);
	fine_hist_clear(&b);
	fine_hist_clear(&all);
}

/* --- exchanging */

static double ones[64];

static struct permutation_test test_of(double *y)
{
	for (size_t i = 0; i < 64; i++)
		ones[i] = 1;
	return (struct permutation_test){ .y = y, .n = ones };
}

static void least_p(void **state)
{
	assert_near(permutation_least_p(3, 3), 2.0 / 20, 1e-12);
	assert_near(permutation_least_p(4, 4), 2.0 / 70, 1e-12);
	assert_near(permutation_least_p(5, 5), 2.0 / 252, 1e-12);
	assert_near(permutation_least_p(1, 5), 1.0 / 6, 1e-12);
	assert_near(permutation_least_p(5, 1), 1.0 / 6, 1e-12);
	assert_near(permutation_least_p(1, 1), 1, 1e-12);
	assert_near(permutation_least_p(32, 32), 1.0 / 5000, 1e-12);
}

/* With one sample each it is Welch's t: means 2 and 5, variances 1 and 4, of three each. */
static void t_is_welchs(void **state)
{
	double y[] = { 1, 2, 3, 3, 5, 7 };
	struct permutation_test test = test_of(y);
	struct permutation x = { .units = 6, .base = 3, .tests = &test, .count = 1 };

	assert_int_equal(permutation_run(&x), 0);
	assert_near(test.t, 3 / sqrt(1.0 / 3 + 4.0 / 3), 1e-12);
	assert_near(permutation_ratio(&test, 0, 3).ratio, 2, 1e-12);
	assert_near(permutation_ratio(&test, 0, 3).error, sqrt(1.0 / 3), 1e-12);
	assert_true(isinf(permutation_ratio(&test, 0, 1).error));
}

/* Neighbours that are alike tell less. */
static void likeness_makes_less_of_it(void **state)
{
	double y[] = { 1, 2, 3, 3, 5, 7 };
	struct permutation_test test = test_of(y);
	struct permutation x = { .units = 6, .base = 3, .tests = &test, .count = 1 };

	test.likeness = 0.6;	/* (1 + 0.6) / (1 - 0.6) is 4 */
	assert_int_equal(permutation_run(&x), 0);
	assert_near(test.t, 3 / sqrt(1.0 / 3 + 4.0 / 3) / 2, 1e-12);
	assert_near(permutation_excess(0.6), 2, 1e-12);
	assert_near(permutation_excess(-0.6), 1, 0);
	assert_true(isfinite(permutation_excess(1)));
}

static void what_is_apart_has_the_least_p(void **state)
{
	double y[] = { 1, 2, 3, 4, 11, 13, 12, 14 }, same[] = { 5, 5, 5, 5, 5, 5, 5, 5 }, sure[] = { 5, 5, 5, 5, 6, 6, 6, 6 };
	struct permutation_test tests[] = { test_of(y), test_of(same), test_of(sure) };
	struct permutation x = { .units = 8, .base = 4, .tests = tests, .count = 3 };

	assert_int_equal(permutation_run(&x), 0);
	assert_near(tests[0].p, 2.0 / 70, 1e-12);
	assert_near(tests[1].t, 0, 0);
	assert_near(tests[1].p, 1, 0);
	assert_true(tests[2].t > 1e6);
	assert_near(tests[2].p, 2.0 / 70, 1e-12);
}

/* Many units: some thousand ways of all there are. Better is as sure as worse. */
static void random_ways(void **state)
{
	double y[64], nothing[64];
	struct permutation_test tests[] = { test_of(y), test_of(nothing) };
	struct permutation x = { .units = 64, .base = 32, .tests = tests, .count = 2 };

	for (size_t i = 0; i < 64; i++) {
		y[i] = (i < 32 ? 10 : 9) + i * 7 % 5 / 10.0;
		nothing[i] = i * 11 % 7;
	}
	assert_int_equal(permutation_run(&x), 0);
	assert_true(tests[0].t < -10);
	assert_near(tests[0].p, 1.0 / 5000, 1e-12);
	assert_true(tests[1].p > 0.1);
}

#define UNITS 8
#define BASE 4
#define TESTS 3
#define WAYS 70

static double t_the_long_way(const double *y, const int *fresh)
{
	double sum[2] = { 0 }, squares[2] = { 0 };

	for (int i = 0; i < UNITS; i++)
		sum[fresh[i]] += y[i] / BASE;
	for (int i = 0; i < UNITS; i++)
		squares[fresh[i]] += (y[i] - sum[fresh[i]]) * (y[i] - sum[fresh[i]]);
	return fabs(sum[1] - sum[0]) / sqrt((squares[0] + squares[1]) / 3 / 4);
}

/* All ways as bits, Westfall and Young's step down as they define it. */
static void adjusted_p_the_long_way(const double y[TESTS][UNITS], double p[TESTS])
{
	double t[WAYS][TESTS], own[TESTS];
	int order[TESTS] = { 0, 1, 2 }, ways = 0;

	for (int bits = 0; bits < 1 << UNITS; bits++) {
		int fresh[UNITS];

		if (__builtin_popcount(bits) != UNITS - BASE)
			continue;
		for (int i = 0; i < UNITS; i++)
			fresh[i] = bits >> i & 1;
		for (int test = 0; test < TESTS; test++)
			t[ways][test] = t_the_long_way(y[test], fresh);
		if (bits == 0xf0)
			memcpy(own, t[ways], sizeof(own));
		ways++;
	}
	assert_int_equal(ways, WAYS);
	for (int i = 0; i < TESTS; i++)
		for (int k = i + 1; k < TESTS; k++)
			if (own[order[k]] > own[order[i]]) {
				int test = order[i];

				order[i] = order[k];
				order[k] = test;
			}
	for (int i = 0; i < TESTS; i++) {
		int as_large = 0;

		for (int way = 0; way < WAYS; way++) {
			double most = 0;

			for (int k = i; k < TESTS; k++)
				most = fmax(most, t[way][order[k]]);
			as_large += most >= own[order[i]] - 1e-9;
		}
		p[order[i]] = fmax((double)as_large / WAYS, i ? p[order[i - 1]] : 0);
	}
}

static void adjusted_p(void **state)
{
	double y[TESTS][UNITS] = {
		{ 3, 1, 4, 1, 5, 9, 2, 6 }, { 2, 7, 1, 8, 12, 18, 11, 8 }, { 1, 4, 1, 4, 2, 1, 3, 5 },
	};
	struct permutation_test tests[] = { test_of(y[0]), test_of(y[1]), test_of(y[2]) };
	struct permutation x = { .units = UNITS, .base = BASE, .tests = tests, .count = TESTS };
	double wanted[TESTS];

	adjusted_p_the_long_way(y, wanted);
	assert_int_equal(permutation_run(&x), 0);
	for (int i = 0; i < TESTS; i++)
		assert_near(tests[i].p, wanted[i], 1e-12);
	/* They differ, or this would prove little. */
	assert_true(wanted[1] < wanted[0] && wanted[0] < wanted[2]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(student_as_in_tables), cmocka_unit_test(buckets_meet), cmocka_unit_test(a_value_is_in_its_bucket),
		cmocka_unit_test(quantiles), cmocka_unit_test(cuts), cmocka_unit_test(merging), cmocka_unit_test(ranks),
		cmocka_unit_test(least_p), cmocka_unit_test(t_is_welchs), cmocka_unit_test(likeness_makes_less_of_it),
		cmocka_unit_test(what_is_apart_has_the_least_p), cmocka_unit_test(random_ways), cmocka_unit_test(adjusted_p),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
