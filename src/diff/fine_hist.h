/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Samples of one stage in one stretch of time. Finer than the model's histograms, because a change of some percent is looked
 * for: a value is known to 1/128. Memory is that of the buckets in use. Pure.
 */
#ifndef DIFF_FINE_HIST_H
#define DIFF_FINE_HIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fine_hist_bucket {
	uint32_t bucket;
	uint32_t count;
};

/* All zero: empty. */
struct fine_hist {
	uint64_t count;
	double sum;
	struct fine_hist_bucket *buckets;	/* ascending */
	uint32_t used, room;
};

void fine_hist_clear(struct fine_hist *t);	/* and frees */

/* 0 or -ENOMEM: then nothing was added. */
int fine_hist_add(struct fine_hist *t, uint64_t value);

/* dst += src. 0 or -ENOMEM. */
int fine_hist_merge(struct fine_hist *dst, const struct fine_hist *src);

/* The least and greatest value of a bucket. */
uint64_t fine_hist_least(uint32_t bucket);
uint64_t fine_hist_greatest(uint32_t bucket);

/* Where the share q of the samples ends: all buckets below, and the share `part` of that one. */
struct fine_hist_cut {
	uint32_t bucket;
	double part;
};
struct fine_hist_cut fine_hist_cut(const struct fine_hist *t, double q);

/* How many samples are above the cut. */
double fine_hist_above(const struct fine_hist *t, const struct fine_hist_cut *cut);

/* Quantile q (what is outside of 0..1 is taken for these), interpolated within its bucket; 0 when empty. */
double fine_hist_quantile(const struct fine_hist *t, double q);

/* The sum, over all samples of t, of the share of pooled's samples that are less (equal ones count half). pooled holds t's. */
double fine_hist_ranks(const struct fine_hist *t, const struct fine_hist *pooled);

#endif
