// SPDX-License-Identifier: GPL-2.0-only
#include "diff/fine_hist.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"

#define SUB_BITS 7
#define SUBS (1U << SUB_BITS)

static uint32_t bucket_of(uint64_t value)
{
	unsigned int shift;

	if (value < SUBS)
		return value;
	shift = 63 - __builtin_clzll(value) - SUB_BITS;
	return SUBS * shift + (value >> shift);
}

static unsigned int shift_of(uint32_t bucket)
{
	return bucket < 2 * SUBS ? 0 : bucket / SUBS - 1;
}

uint64_t fine_hist_least(uint32_t bucket)
{
	unsigned int shift = shift_of(bucket);

	return (uint64_t)(bucket - SUBS * shift) << shift;
}

uint64_t fine_hist_greatest(uint32_t bucket)
{
	return fine_hist_least(bucket) + (1ULL << shift_of(bucket)) - 1;
}

void fine_hist_clear(struct fine_hist *t)
{
	free(t->buckets);
	memset(t, 0, sizeof(*t));
}

/* Of the first bucket in use that is not below. */
static uint32_t place_of(const struct fine_hist *t, uint32_t bucket)
{
	return ARRAY_LOWER_BOUND(t->used, i, t->buckets[i].bucket < bucket);
}

static int make_room(struct fine_hist *t)
{
	uint32_t room = t->room ? 2 * t->room : 8;
	struct fine_hist_bucket *buckets;

	if (t->used < t->room)
		return 0;
	buckets = reallocarray(t->buckets, room, sizeof(*buckets));
	if (!buckets)
		return -ENOMEM;
	t->buckets = buckets;
	t->room = room;
	return 0;
}

static int add_to_bucket(struct fine_hist *t, uint32_t bucket, uint32_t count)
{
	uint32_t at = place_of(t, bucket);
	int err;

	if (at == t->used || t->buckets[at].bucket != bucket) {
		err = make_room(t);
		if (err)
			return err;
		memmove(&t->buckets[at + 1], &t->buckets[at], (t->used - at) * sizeof(*t->buckets));
		t->buckets[at] = (struct fine_hist_bucket){ .bucket = bucket };
		t->used++;
	}
	t->buckets[at].count += count;
	return 0;
}

int fine_hist_add(struct fine_hist *t, uint64_t value)
{
	int err = add_to_bucket(t, bucket_of(value), 1);

	if (err)
		return err;
	t->count++;
	t->sum += value;
	return 0;
}

int fine_hist_merge(struct fine_hist *dst, const struct fine_hist *src)
{
	for (uint32_t i = 0; i < src->used; i++) {
		int err = add_to_bucket(dst, src->buckets[i].bucket, src->buckets[i].count);

		if (err)
			return err;
	}
	dst->count += src->count;
	dst->sum += src->sum;
	return 0;
}

struct fine_hist_cut fine_hist_cut(const struct fine_hist *t, double q)
{
	double rest = t->count * (q < 0 ? 0 : q > 1 ? 1 : q);
	struct fine_hist_cut cut = { 0 };

	for (uint32_t i = 0; i < t->used; i++) {
		const struct fine_hist_bucket *b = &t->buckets[i];

		cut.bucket = b->bucket;
		cut.part = rest < b->count ? rest / b->count : 1;
		if (rest <= b->count)
			break;
		rest -= b->count;
	}
	return cut;
}

double fine_hist_above(const struct fine_hist *t, const struct fine_hist_cut *cut)
{
	uint32_t at = place_of(t, cut->bucket);
	double above = 0;

	if (at < t->used && t->buckets[at].bucket == cut->bucket)
		above = t->buckets[at++].count * (1 - cut->part);
	for (; at < t->used; at++)
		above += t->buckets[at].count;
	return above;
}

double fine_hist_quantile(const struct fine_hist *t, double q)
{
	struct fine_hist_cut cut = fine_hist_cut(t, q);
	uint64_t least = fine_hist_least(cut.bucket);

	return least + cut.part * (fine_hist_greatest(cut.bucket) - least);
}

double fine_hist_ranks(const struct fine_hist *t, const struct fine_hist *pooled)
{
	double below = 0, ranks = 0;
	uint32_t own = 0;

	for (uint32_t i = 0; i < pooled->used && own < t->used; i++) {
		const struct fine_hist_bucket *b = &pooled->buckets[i];

		if (t->buckets[own].bucket == b->bucket)
			ranks += t->buckets[own++].count * (below + b->count / 2.0);
		below += b->count;
	}
	return pooled->count ? ranks / pooled->count : 0;
}
