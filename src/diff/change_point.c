// SPDX-License-Identifier: GPL-2.0-only
#include "diff/change_point.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "diff/permutation.h"

#define DRAWS 9999		/* shuffles, besides the order that is */
#define SEED 0x9e3779b97f4a7c15ULL
#define ROUNDING 1e-9		/* relative: less of a difference is rounding */

/* A figure as it is tested. */
struct test {
	struct change_point_figure *figure;
	double mean, scatter;	/* sum of squares; 0: all runs are the same */
	size_t reached;		/* by so many shuffles */
};

static size_t run_count(const struct change_point *x)
{
	return x->ends[x->builds - 1];
}

static bool is_end(const size_t *ends, size_t builds, size_t run)
{
	for (size_t i = 0; i < builds; i++)
		if (ends[i] == run)
			return true;
	return false;
}

/* The runs in reverse order have as clear a step, if it is between two builds there, too. */
double change_point_least_p(const size_t *ends, size_t builds)
{
	size_t runs = ends[builds - 1];
	double least = 1;

	for (size_t i = 0; i + 1 < builds; i++) {
		bool other_way = ends[i] * 2 != runs && is_end(ends, builds, runs - ends[i]);

		least = fmin(least, permutation_least_p(ends[i], runs - ends[i]) * (other_way ? 2 : 1));
	}
	return fmax(least, 1.0 / (DRAWS + 1));
}

/* The share of the scatter that the best step explains, if the runs are taken in that order. */
static double best_step(const struct change_point *x, const struct test *test, const size_t *order, size_t *step)
{
	size_t runs = run_count(x), at = 0;
	double best = 0, sum = 0;

	*step = 1;
	for (size_t i = 0; test->scatter > 0 && i + 1 < x->builds; i++) {
		double explained;

		for (; at < x->ends[i]; at++)
			sum += test->figure->values[order[at]] - test->mean;
		explained = sum * sum * runs / at / (runs - at) / test->scatter;
		if (explained > best * (1 + ROUNDING)) {
			best = explained;
			*step = i + 1;
		}
	}
	return fmin(best, 1);
}

/* In the order that is. */
static void begin_test(const struct change_point *x, struct test *test, struct change_point_figure *figure, const size_t *order)
{
	size_t runs = run_count(x);

	*test = (struct test){ .figure = figure };
	for (size_t i = 0; i < runs; i++)
		test->mean += figure->values[i] / runs;
	for (size_t i = 0; i < runs; i++)
		test->scatter += pow(figure->values[i] - test->mean, 2);
	if (test->scatter <= runs * pow(ROUNDING * test->mean, 2))
		test->scatter = 0;
	figure->share = best_step(x, test, order, &figure->step);
}

static void shuffle(size_t *order, size_t count, uint64_t *state)
{
	for (size_t i = count; i > 1; i--) {
		size_t other = (permutation_draw(state) >> 11) % i, kept = order[i - 1];

		order[i - 1] = order[other];
		order[other] = kept;
	}
}

/* The least clear one first. */
static void sort_tests(struct test *tests, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct test kept = tests[i];
		size_t at = i;

		for (; at && tests[at - 1].figure->share > kept.figure->share; at--)
			tests[at] = tests[at - 1];
		tests[at] = kept;
	}
}

/* A figure counts by the largest share that a shuffle gives in it, or in any that is less clear. */
static void count_shuffle(const struct change_point *x, struct test *tests, const size_t *order)
{
	double largest = 0;
	size_t step;

	for (size_t i = 0; i < x->count; i++) {
		largest = fmax(largest, best_step(x, &tests[i], order, &step));
		tests[i].reached += largest >= tests[i].figure->share * (1 - ROUNDING);
	}
}

/* The clearest one last: a less clear one never has the smaller p. */
static void set_p(const struct change_point *x, const struct test *tests)
{
	double p = 0;

	for (size_t i = x->count; i-- > 0;) {
		p = fmax(p, (tests[i].reached + 1.0) / (DRAWS + 1));
		tests[i].figure->p = p;
	}
}

static void run(struct change_point *x, struct test *tests, size_t *order)
{
	uint64_t state = SEED;

	for (size_t i = 0; i < run_count(x); i++)
		order[i] = i;
	for (size_t i = 0; i < x->count; i++)
		begin_test(x, &tests[i], &x->figures[i], order);
	sort_tests(tests, x->count);
	for (size_t i = 0; i < DRAWS; i++) {
		shuffle(order, run_count(x), &state);
		count_shuffle(x, tests, order);
	}
	set_p(x, tests);
}

int change_point_run(struct change_point *x)
{
	struct test *tests = calloc(x->count + 1, sizeof(*tests));
	size_t *order = calloc(run_count(x), sizeof(*order));
	int err = tests && order ? 0 : -ENOMEM;

	if (!err)
		run(x, tests, order);
	free(tests);
	free(order);
	return err;
}
