/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is what two groups of units differ by more than what chance does? If nothing has changed, it does not matter which units are
 * called the new ones: so they are exchanged, all ways or many thousand random ones, and it is counted how often the
 * difference is as large as it is. No distribution is assumed, only that units are independent of each other.
 *
 * Many tests at once (Westfall and Young, step down): a difference counts by the largest one that exchanging gives in
 * any test that is not more significant, so that the probability of even one false alarm is what is asked for, however
 * much the tests have to do with each other. Pure; the same input gives the same answer.
 */
#ifndef DIFF_PERMUTATION_H
#define DIFF_PERMUTATION_H

#include <stddef.h>
#include <stdint.h>

/* What is compared is the ratio of sums, sum(y) / sum(n), of two groups of units. */
struct permutation_test {
	double *y, *n;	/* of each unit */
	double likeness;	/* the correlation of units that are neighbours: exchanging would not show how much they vary together */
	double t;	/* out: the difference over its standard error, positive if the new ones have the larger ratio */
	double p;	/* out: adjusted, two-sided */
};

struct permutation {
	size_t units, base;	/* the first ones are the base */
	struct permutation_test *tests;
	size_t count;
};

/* Fills t and p. 0 or -ENOMEM. */
int permutation_run(struct permutation *x);

/* The next random number; *state is not 0. */
uint64_t permutation_draw(uint64_t *state);

/* The least p that so many units can give. */
double permutation_least_p(size_t base, size_t fresh);

/* By how much a standard error is larger than what independent units give. */
double permutation_excess(double likeness);

/* The ratio of units from..to - 1, and its standard error if they are independent: HUGE_VAL with less than two of them. */
struct permutation_ratio {
	double ratio, error;
};
struct permutation_ratio permutation_ratio(const struct permutation_test *test, size_t from, size_t to);

#endif
