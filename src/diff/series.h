/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A series of builds, each with one recording or more, stage by stage: at which step a figure has changed, by how much, and whether
 * chance explains it (change_point.h). Pure.
 */
#ifndef DIFF_SERIES_H
#define DIFF_SERIES_H

#include "diff/compare.h"

/* ns, or 1/s. NAN: unknown. */
struct series_figure {
	double stat;
	double *values;		/* of each recording */
	size_t step;		/* the first build that is different; counts from 0, and is at least 1 */
	double before, after;	/* means of the recordings' values */
	double change;		/* relative; HUGE_VAL if it was 0 before */
	bool tested;
	double share, p;	/* see change_point.h; NAN: not tested */
	enum compare_verdict verdict;
};

struct series_row {
	struct samples_key key;
	bool inexact;		/* records were lost: samples are missing, so it is not tested */
	struct series_figure *figures;
	size_t figure_count;
	enum compare_verdict verdict;	/* WORSE if any figure is, else BETTER if any is */
	size_t headline;		/* the figure that shows it most clearly */
	bool follows;			/* from another row that has changed at the same step */
};

struct series {
	const size_t *ends;	/* the caller's: of each build, one more than the number of its last recording */
	size_t builds, runs;
	struct series_row *rows;	/* by event, then stage */
	size_t count;
	size_t tests;
	double least_p;		/* that so many recordings can give */
	bool short_of_runs;	/* so few that no step could be shown */
	size_t *causes;		/* rows that are WORSE and follow from no other, by step */
	size_t cause_count;
};

/* runs: of all builds, in their order. NULL: no memory. */
struct series *series_new(const struct samples *const *runs, const size_t *ends, size_t builds, const struct compare_options *options);
void series_free(struct series *s);	/* NULL is fine */

/* As of compare.h. */
bool series_has_result(const struct series *s);
bool series_is_inexact(const struct series *s);

#endif
