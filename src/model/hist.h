/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Log-linear histogram of durations in nanoseconds: 32 buckets for every power
 * of two, so a value is known to 1/32; exact count, sum, min and max. Pure.
 */
#ifndef MODEL_HIST_H
#define MODEL_HIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values above are counted in the last bucket (and exactly in sum, max). */
#define HIST_MAX_NS (1ULL << 40)

/* Who and when: the identity of one sample. */
struct hist_worst {
	uint64_t value_ns;
	uint64_t time_ns;	/* CLOCK_MONOTONIC, when it ended */
	uint32_t vm, vcpu, event;
};

struct hist;			/* memory is allocated as buckets are touched */

struct hist *hist_new(void);	/* NULL: no memory */
void hist_free(struct hist *h);	/* NULL is fine */
void hist_clear(struct hist *h);	/* keeps some of its room */

/* Adds a sample; who may be NULL. 0, or -ENOMEM (then nothing was added). */
int hist_add(struct hist *h, uint64_t value_ns, const struct hist_worst *who);

/* As hist_add(), for who is seldom the worst: 1 if it is the worst one now, whose identity only hist_set_worst() sets. */
int hist_put(struct hist *h, uint64_t value_ns);
void hist_set_worst(struct hist *h, const struct hist_worst *who);

/* A hint: hist_add() of about that value comes soon. The first fetches the histogram (NULL is fine), the second, later, the bucket. */
void hist_prefetch(const struct hist *h);
void hist_prefetch_bucket(const struct hist *h, uint64_t value_ns);

/* dst += src. 0 or -ENOMEM. */
int hist_merge(struct hist *dst, const struct hist *src);

/* All of these take NULL as the empty histogram. */
uint64_t hist_count(const struct hist *h);
uint64_t hist_sum(const struct hist *h);
uint64_t hist_min(const struct hist *h);	/* 0 when empty */
uint64_t hist_max(const struct hist *h);	/* 0 when empty */
double hist_mean(const struct hist *h);
double hist_stddev(const struct hist *h);
const struct hist_worst *hist_worst(const struct hist *h);	/* NULL when empty or no identity was given */

/* The inclusive upper edge of the bucket that holds quantile q (0..1), never above max; 0 when empty. */
uint64_t hist_quantile(const struct hist *h, double q);

/* Walks the buckets that hold samples, lowest first. Start with *it = 0; false at the end. Edges inclusive. */
struct hist_bucket {
	uint64_t min_ns, max_ns, count;
};
bool hist_next(const struct hist *h, unsigned int *it, struct hist_bucket *bucket);

/*
 * The samples by powers of two: counts[0] below 32, counts[i] from 2^(i + 4) to 2^(i + 5) - 1, the last one HIST_MAX_NS and
 * above. Added to what counts holds. The edges are edges of buckets, so these are exact.
 */
#define HIST_POWERS 37
void hist_add_powers(const struct hist *h, uint64_t counts[HIST_POWERS]);

/*
 * As bytes (NULL is fine) and back, see bytes.h. An empty one comes back as NULL; NULL with in->err set: -EBADMSG for
 * what no histogram can be, -ENOMEM.
 */
struct bytes_out;
struct bytes_in;
void hist_save(const struct hist *h, struct bytes_out *out);
struct hist *hist_load(struct bytes_in *in);

/* Bytes it holds now. */
size_t hist_memory(const struct hist *h);

#endif
