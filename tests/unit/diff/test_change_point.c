// SPDX-License-Identifier: GPL-2.0-only
/* At which step a figure has changed: cases whose answer is known, and the error rates that the manual states, of synthetic series. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "diff/change_point.h"
#include "diff/permutation.h"

#define BUILDS 8
#define RUNS 5		/* of each build */
#define FIGURES 6
#define SERIES 200	/* of each kind */

/* --- cases whose answer is known */

static void assert_near(double found, double wanted)
{
	if (!(fabs(found - wanted) <= 1e-9 + 0.001 * fabs(wanted)))
		fail_msg("%.12g is not %.12g", found, wanted);
}

/* Ten builds of one run: of 252 ways to choose five, two explain all of it. */
static void a_step_explains_all(void **state)
{
	const double values[10] = { 1, 1, 1, 1, 1, 3, 3, 3, 3, 3 };
	const size_t ends[10] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
	struct change_point_figure figure = { .values = values };
	struct change_point x = { .ends = ends, .builds = 10, .figures = &figure, .count = 1 };

	assert_int_equal(change_point_run(&x), 0);
	assert_int_equal(figure.step, 5);
	assert_near(figure.share, 1);
	assert_true(fabs(figure.p - 2.0 / 252) < 0.003);
	assert_near(change_point_least_p(ends, 10), 2.0 / 252);
}

/* Of 1, 2, 6, 7 in four builds: the mean is 4, the scatter 9 + 4 + 4 + 9; in the middle (2.5 * 2)^2 * 4 / 2 / 2 of it are explained. */
static void the_share_is_that_of_the_best_step(void **state)
{
	const double values[4] = { 1, 2, 6, 7 };
	const size_t ends[4] = { 1, 2, 3, 4 };
	struct change_point_figure figure = { .values = values };
	struct change_point x = { .ends = ends, .builds = 4, .figures = &figure, .count = 1 };

	assert_int_equal(change_point_run(&x), 0);
	assert_int_equal(figure.step, 2);
	assert_near(figure.share, 25.0 / 26);
}

/* A step is between two builds, never between two runs of one. */
static void runs_of_a_build_stay_together(void **state)
{
	const double values[9] = { 1, 1, 1, 1, 9, 9, 9, 9, 9 };
	const size_t ends[3] = { 3, 6, 9 };
	struct change_point_figure figure = { .values = values };
	struct change_point x = { .ends = ends, .builds = 3, .figures = &figure, .count = 1 };

	assert_int_equal(change_point_run(&x), 0);
	assert_int_equal(figure.step, 1);
	assert_true(figure.share < 0.7);
}

static void nothing_changes(void **state)
{
	const double values[6] = { 0.1, 0.1, 0.1, 0.1, 0.1, 0.1 };
	const size_t ends[6] = { 1, 2, 3, 4, 5, 6 };
	struct change_point_figure figure = { .values = values };
	struct change_point x = { .ends = ends, .builds = 6, .figures = &figure, .count = 1 };

	assert_int_equal(change_point_run(&x), 0);
	assert_near(figure.share, 0);
	assert_near(figure.p, 1);
}

/* --- error rates */

static double uniform(uint64_t *state)
{
	return ((permutation_draw(state) >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(uint64_t *state)
{
	double radius = sqrt(-2 * log(uniform(state)));

	return radius * cos(6.283185307179586 * uniform(state));
}

/* Skewed, as latencies are: a run in ten is off by a good deal more than the others. */
static double noise(uint64_t *state)
{
	double one = normal(state);

	return uniform(state) < 0.1 ? exp(0.1 * one) : exp(0.02 * one);
}

struct outcome {
	unsigned int alarms_90, alarms_99;	/* series with a figure that has not changed, but is said to have, at that confidence */
	unsigned int found;	/* at 0.99, with the one that has changed, */
	unsigned int named;	/* and the step is the right one */
};

static bool is_alarm(const struct change_point_figure *figures, double change, double p)
{
	for (size_t f = change != 0; f < FIGURES; f++)
		if (figures[f].p <= p)
			return true;
	return false;
}

/* change: of figure 0, from build `at` on. */
static void try_series(uint64_t *state, double change, size_t at, struct outcome *outcome)
{
	static double values[FIGURES][BUILDS * RUNS];
	struct change_point_figure figures[FIGURES] = { 0 };
	size_t ends[BUILDS];
	struct change_point x = { .ends = ends, .builds = BUILDS, .figures = figures, .count = FIGURES };

	for (size_t i = 0; i < BUILDS; i++)
		ends[i] = (i + 1) * RUNS;
	for (size_t f = 0; f < FIGURES; f++) {
		figures[f].values = values[f];
		for (size_t i = 0; i < BUILDS * RUNS; i++)
			values[f][i] = noise(state) * (!f && i / RUNS >= at ? 1 + change : 1);
	}
	assert_int_equal(change_point_run(&x), 0);
	outcome->alarms_90 += is_alarm(figures, change, 0.1);
	outcome->alarms_99 += is_alarm(figures, change, 0.01);
	outcome->found += figures[0].p <= 0.01;
	outcome->named += figures[0].p <= 0.01 && figures[0].step == at;
}

static struct outcome try_all(double change)
{
	struct outcome outcome = { 0 };
	uint64_t state = 1;

	for (unsigned int i = 0; i < SERIES; i++)
		try_series(&state, change, 1 + i % (BUILDS - 1), &outcome);
	print_message("# change %.2f: %u alarms at 0.9, %u at 0.99, %u found, %u named, of %u\n", change, outcome.alarms_90,
		      outcome.alarms_99, outcome.found, outcome.named, SERIES);
	return outcome;
}

/* What the manual says, and some more for other compilers' rounding. */
static void series_without_a_change(void **state)
{
	struct outcome outcome = try_all(0);

	assert_true(outcome.alarms_90 <= 28);
	assert_true(outcome.alarms_99 <= 4);
}

static void series_with_one_change(void **state)
{
	struct outcome outcome = try_all(0.1);

	assert_true(outcome.alarms_90 <= 28);
	assert_true(outcome.alarms_99 <= 4);
	assert_true(outcome.found >= 178);
	assert_true(outcome.named * 100 >= outcome.found * 97);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_explains_all), cmocka_unit_test(the_share_is_that_of_the_best_step),
		cmocka_unit_test(runs_of_a_build_stay_together), cmocka_unit_test(nothing_changes),
		cmocka_unit_test(series_without_a_change), cmocka_unit_test(series_with_one_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
