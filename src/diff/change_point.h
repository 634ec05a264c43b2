/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * At which step of a series of builds has a figure changed? Each build has one run or more, each run a value. Of all steps between two
 * builds the one is taken that explains most of the scatter, and its share of that is what is tested: if nothing has changed, it does
 * not matter which run is of which build, so the runs are shuffled, and it is counted how often any step explains as much. No
 * distribution is assumed, only that runs are independent of each other.
 *
 * All figures are shuffled together (Westfall and Young, step down): the probability of even one false alarm in all figures and steps
 * is what is asked for. Pure; the same input gives the same answer.
 */
#ifndef DIFF_CHANGE_POINT_H
#define DIFF_CHANGE_POINT_H

#include <stddef.h>

struct change_point_figure {
	const double *values;	/* of each run */
	size_t step;		/* out: the first build after the change; at least 1 */
	double share;		/* out: of the scatter, what that step explains, 0 to 1 */
	double p;		/* out: adjusted */
};

struct change_point {
	const size_t *ends;	/* of each build: one more than the number of its last run. Each has a run at least */
	size_t builds;		/* at least 2 */
	struct change_point_figure *figures;
	size_t count;
};

/* Fills step, share and p. 0 or -ENOMEM. */
int change_point_run(struct change_point *x);

/* The least p that so many runs can give, whatever the step. */
double change_point_least_p(const size_t *ends, size_t builds);

#endif
