/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one recording says about the stages, in blocks of time: samples close to each other in time are alike, so that it is blocks
 * that are compared. Memory depends on the number of blocks and of buckets in use, not on that of samples. Pure.
 */
#ifndef DIFF_SAMPLES_H
#define DIFF_SAMPLES_H

#include "diff/stages.h"
#include "diff/fine_hist.h"

struct samples;

/* A stage of an event; event SDEI_NONE: of the PE. */
struct samples_key {
	uint32_t event;
	enum diff_stage stage;
};

struct samples_series {
	struct samples_key key;
	struct fine_hist *blocks;	/* of each block; of a rate, only the count */
};

/* Of the time from from_ns to to_ns; the last block takes what is left over. block_ns is at least 1. NULL: no memory. */
struct samples *samples_new(uint64_t from_ns, uint64_t to_ns, uint64_t block_ns);
void samples_free(struct samples *s);	/* NULL is fine */

uint64_t samples_from_ns(const struct samples *s);
size_t samples_blocks(const struct samples *s);
double samples_block_seconds(const struct samples *s, size_t block);
uint64_t samples_block_end(const struct samples *s, uint64_t time_ns);	/* where the block of time_ns ends; UINT64_MAX: the last one */

/* A sample that ended at time_ns. 0 or -ENOMEM. */
int samples_add(struct samples *s, struct samples_key key, uint64_t time_ns, uint64_t value_ns);

/*
 * For rates: samples_total() of all, then samples_totals_end(), at the start and then at least once in each block: what
 * the totals have grown by since the last time belongs to the block of time_ns, or to none (start).
 */
int samples_total(struct samples *s, struct samples_key key, uint64_t more);
void samples_totals_end(struct samples *s, uint64_t time_ns, bool start);

/* Records were lost: of that event (SDEI_NONE: of any; SAMPLES_FAULTS: of page faults), samples are missing. */
#define SAMPLES_FAULTS (SDEI_NONE - 1)
int samples_lost(struct samples *s, uint32_t event);
bool samples_are_missing(const struct samples *s, uint32_t event);

/* Ascending by event, then stage. */
const struct samples_series *samples_all(const struct samples *s, size_t *count);
const struct samples_series *samples_find(const struct samples *s, struct samples_key key);	/* or NULL */

int samples_compare_keys(const struct samples_key *a, const struct samples_key *b);

#endif
