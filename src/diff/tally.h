/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Samples of one stage in one stretch of time. Finer than the model's histograms, because a change of some percent is looked
 * for: a value is known to 1/128. Memory is that of the buckets in use. Pure.
 */
#ifndef DIFF_TALLY_H
#define DIFF_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally_bucket {
	uint32_t bucket;
	uint32_t count;
};

/* All zero: empty. */
struct tally {
	uint64_t count;
	double sum;
	struct tally_bucket *buckets;	/* ascending */
	uint32_t used, room;
};

void tally_clear(struct tally *t);	/* and frees */

/* 0 or -ENOMEM: then nothing was added. */
int tally_add(struct tally *t, uint64_t value);

/* dst += src. 0 or -ENOMEM. */
int tally_merge(struct tally *dst, const struct tally *src);

/* The least and greatest value of a bucket. */
uint64_t tally_least(uint32_t bucket);
uint64_t tally_greatest(uint32_t bucket);

/* Where the share q of the samples ends: all buckets below, and the share `part` of that one. */
struct tally_cut {
	uint32_t bucket;
	double part;
};
struct tally_cut tally_cut(const struct tally *t, double q);

/* How many samples are above the cut. */
double tally_above(const struct tally *t, const struct tally_cut *cut);

/* Quantile q (what is outside of 0..1 is taken for these), interpolated within its bucket; 0 when empty. */
double tally_quantile(const struct tally *t, double q);

/* The sum, over all samples of t, of the share of pooled's samples that are less (equal ones count half). pooled holds t's. */
double tally_ranks(const struct tally *t, const struct tally *pooled);

#endif
