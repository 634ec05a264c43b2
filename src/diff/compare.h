/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two recordings, or two sets of them, stage by stage: what has become slower, by how much, and whether chance explains it.
 *
 * Units are what chance is judged by. With one recording on each side they are blocks of its time, made longer until neighbours
 * have nothing to do with each other; with several on a side each recording is one, because two runs of the same differ by more
 * than two halves of one run. Pure.
 */
#ifndef DIFF_COMPARE_H
#define DIFF_COMPARE_H

#include "diff/samples.h"

/* What is compared of a stage's samples: a quantile (0..1), or one of these. */
#define COMPARE_MEAN (-1.0)
#define COMPARE_RATE (-2.0)	/* of rates, in 1/s */

struct compare_options {
	const double *stats;	/* quantiles, COMPARE_MEAN */
	size_t stat_count;
	double threshold;	/* a relative change of less is none that matters, */
	const double *thresholds;	/* of each enum diff_stage its own; NAN: the one above. NULL: none has one */
	double least_ns;	/* nor is one of less than this */
	double confidence;	/* 1 - the probability of a false alarm, in all tests together; also that of each interval */
};

/* With its interval at the confidence; NAN: unknown. ns, or 1/s. */
struct compare_value {
	double at, low, high;
};

enum compare_verdict {
	COMPARE_SAME,		/* or: no difference that matters was shown */
	COMPARE_WORSE,
	COMPARE_BETTER,
	COMPARE_UNKNOWN,	/* not tested */
};

struct compare_figure {
	double stat;
	struct compare_value base, fresh;
	struct compare_value change;	/* relative; at is HUGE_VAL if base is 0 */
	double t, p;			/* NAN: not tested. p is adjusted for all tests. */
	uint64_t needs;			/* samples on each side; of fewer nothing can be said: COMPARE_UNKNOWN */
	enum compare_verdict verdict;
};

enum compare_state {
	COMPARE_TESTED,
	COMPARE_ONLY_BASE,	/* the other side has none */
	COMPARE_ONLY_NEW,
	COMPARE_INEXACT,	/* records were lost: samples are missing */
	COMPARE_TOO_FEW,	/* samples for any of its figures, or units; or the load, which is not tested */
};

struct compare_row {
	struct samples_key key;
	enum compare_state state;
	uint64_t base_count, fresh_count;	/* samples; of a rate, what it counts */
	struct compare_figure *figures;
	size_t figure_count;
	double larger;			/* the probability that a new sample is larger than one of the base; NAN: a rate */
	double larger_t, larger_p;	/* of 0.5: the test of the distributions; NAN: not tested */
	enum compare_verdict verdict;	/* WORSE if any figure is, else BETTER if any is */
	size_t headline;		/* the figure that shows it most clearly */
	bool follows;			/* from another row, see diff_stages */
};

struct compare {
	struct compare_row *rows;	/* by event, then stage; those where there is nothing to see are left out */
	size_t count;
	bool by_recording;
	size_t base_units, fresh_units;
	double unit_seconds;		/* blocks only */
	bool correlated;		/* even the longest blocks are like their neighbours */
	double least_p;			/* that so many units can give */
	bool short_of_units;		/* so few that no difference could be shown */
	size_t tests;
	size_t *causes;			/* rows that are WORSE and follow from no other; the largest first */
	size_t cause_count;
};

/* NULL: no memory. Each side has a recording at least. */
struct compare *compare_new(const struct samples *const *base, size_t base_count, const struct samples *const *fresh,
			    size_t fresh_count, const struct compare_options *options);
void compare_free(struct compare *c);	/* NULL is fine */

/* What a series of builds is judged by, too (series.h): */
uint64_t compare_needs(double stat);	/* so many samples; of fewer nothing can be said */
bool compare_is_missing(const struct samples *s, struct samples_key key);	/* samples of it, because records were lost */
bool compare_matters(const struct compare_options *o, enum diff_stage stage, double base, double fresh);
bool compare_follows(struct samples_key key, struct samples_key cause);	/* a longer cause makes key longer */

/* How long blocks should be for recordings between the shortest and the longest of these; at least 1. */
uint64_t compare_block_ns(uint64_t shortest_ns, uint64_t longest_ns);

/* How many recordings on each side can show a difference at that confidence. */
size_t compare_needs_recordings(double confidence);

/* One that stands for those that belong to it: dispatches of an event, page faults handed to a worker, those that were not. */
bool compare_is_main(enum diff_stage stage);

/* Whether any of these could be compared: without them nothing is known of what matters most. */
bool compare_has_result(const struct compare *c);

/* Whether there is something that lost records kept from being compared. */
bool compare_is_inexact(const struct compare *c);

#endif
