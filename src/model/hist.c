// SPDX-License-Identifier: GPL-2.0-only
/*
 * A value's bucket is its leading one bit and the five bits behind it. The 32
 * buckets of one power of two are a block. Only blocks that were touched exist,
 * lowest first, in one array. Counters are 32 bits, to halve memory and cache
 * traffic; what overflows them goes to `carry`, which hardly any histogram has.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "hist.h"

#define SUB_BITS 5
#define SUBS (1U << SUB_BITS)
#define BLOCKS 37U	/* below 32, 32 .. 2^40 - 1 by powers of two, 2^40 and above */
#define LAST_BLOCK (BLOCKS - 1)
#define BUCKETS (LAST_BLOCK * SUBS + 1)

/* The first cache line is all that most samples touch, beside their bucket. */
struct hist {
	unsigned __int128 squares;	/* sum of squares, modulo 2^128: see hist_stddev() */
	uint64_t count, sum;
	uint64_t min, max;		/* min: UINT64_MAX when empty */
	uint64_t touched;		/* bit per block that exists */
	uint32_t (*blocks)[SUBS];
	struct hist_worst worst;
	bool known_worst;
	uint32_t *carry;		/* by bucket index, in units of 2^32; NULL: all 0 */
};
_Static_assert(offsetof(struct hist, worst) == 64, "one cache line");

/* Without -mpopcnt the builtin is a call. */
static unsigned int ones(uint64_t bits)
{
	bits -= bits >> 1 & 0x5555555555555555;
	bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
	bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return bits * 0x0101010101010101 >> 56;
}

static bool is_touched(const struct hist *h, unsigned int block)
{
	return h->touched >> block & 1;
}

/* Index in h->blocks of a block that is touched, or where it would be. */
static unsigned int slot_of(const struct hist *h, unsigned int block)
{
	return ones(h->touched & ((1ULL << block) - 1));
}

static unsigned int block_of(uint64_t value_ns)
{
	if (value_ns >= HIST_MAX_NS)
		return LAST_BLOCK;
	return 63 - SUB_BITS + 1 - (unsigned int)__builtin_clzll(value_ns | (SUBS - 1));
}

/* log2 of the width of a block's buckets. */
static unsigned int shift_of(unsigned int block)
{
	return block ? block - 1 : 0;
}

static unsigned int sub_of(uint64_t value_ns, unsigned int block)
{
	return block == LAST_BLOCK ? 0 : (value_ns >> shift_of(block)) & (SUBS - 1);
}

static uint64_t lower_edge(unsigned int block, unsigned int sub)
{
	return block ? (uint64_t)(SUBS + sub) << shift_of(block) : sub;
}

static uint64_t upper_edge(unsigned int block, unsigned int sub)
{
	if (block == LAST_BLOCK)
		return UINT64_MAX;
	return lower_edge(block, sub) + (1ULL << shift_of(block)) - 1;
}

static uint64_t bucket_count(const struct hist *h, unsigned int block, unsigned int sub)
{
	uint64_t low = h->blocks[slot_of(h, block)][sub];

	return h->carry ? low + ((uint64_t)h->carry[block * SUBS + sub] << 32) : low;
}

static int touch_block(struct hist *h, unsigned int block)
{
	unsigned int used = ones(h->touched), slot = slot_of(h, block);
	uint32_t (*blocks)[SUBS];

	if (is_touched(h, block))
		return 0;
	blocks = realloc(h->blocks, (used + 1) * sizeof(*blocks));
	if (!blocks)
		return -ENOMEM;
	memmove(blocks + slot + 1, blocks + slot, (used - slot) * sizeof(*blocks));
	memset(blocks[slot], 0, sizeof(*blocks));
	h->blocks = blocks;
	h->touched |= 1ULL << block;
	return 0;
}

static int touch_carry(struct hist *h)
{
	if (!h->carry)
		h->carry = calloc(BUCKETS, sizeof(*h->carry));
	return h->carry ? 0 : -ENOMEM;
}

struct hist *hist_new(void)
{
	struct hist *h = aligned_alloc(64, (sizeof(*h) + 63) / 64 * 64);

	if (!h)
		return NULL;
	memset(h, 0, sizeof(*h));
	h->min = UINT64_MAX;
	return h;
}

void hist_free(struct hist *h)
{
	if (!h)
		return;
	free(h->blocks);
	free(h->carry);
	free(h);
}

void hist_clear(struct hist *h)
{
	free(h->blocks);
	free(h->carry);
	memset(h, 0, sizeof(*h));
	h->min = UINT64_MAX;
}

/* Of equal samples the first is the worst one. */
static void note_extremes(struct hist *h, uint64_t value_ns, const struct hist_worst *who)
{
	if (value_ns > h->max || !h->count) {
		h->max = value_ns;
		h->known_worst = who;
		if (who)
			h->worst = *who;
		h->worst.value_ns = value_ns;
	}
	if (value_ns < h->min)
		h->min = value_ns;
}

int hist_add(struct hist *h, uint64_t value_ns, const struct hist_worst *who)
{
	unsigned int block = block_of(value_ns);
	uint32_t *bucket;

	if (__builtin_expect(!is_touched(h, block), 0) && touch_block(h, block))
		return -ENOMEM;
	bucket = &h->blocks[slot_of(h, block)][sub_of(value_ns, block)];
	if (__builtin_expect(*bucket == UINT32_MAX, 0)) {
		if (touch_carry(h))
			return -ENOMEM;
		h->carry[block * SUBS + sub_of(value_ns, block)]++;
	}
	++*bucket;
	note_extremes(h, value_ns, who);
	h->count++;
	h->sum += value_ns;
	h->squares += (unsigned __int128)value_ns * value_ns;
	return 0;
}

void hist_prefetch(const struct hist *h)
{
	__builtin_prefetch(h, 1);
}

void hist_prefetch_bucket(const struct hist *h, uint64_t value_ns)
{
	unsigned int block = block_of(value_ns);

	if (h && is_touched(h, block))
		__builtin_prefetch(&h->blocks[slot_of(h, block)][sub_of(value_ns, block)], 1);
}

/* Room for all that src holds, so that the merge itself cannot fail. */
static int merge_room(struct hist *dst, const struct hist *src)
{
	for (unsigned int block = 0; block < BLOCKS; block++) {
		if (is_touched(src, block) && touch_block(dst, block))
			return -ENOMEM;
	}
	/* Below 2^32 samples no single bucket overflows. */
	return dst->count + src->count > UINT32_MAX ? touch_carry(dst) : 0;
}

static void merge_block(struct hist *dst, const struct hist *src, unsigned int block)
{
	uint32_t *to = dst->blocks[slot_of(dst, block)];

	for (unsigned int sub = 0; sub < SUBS; sub++) {
		uint64_t add = bucket_count(src, block, sub);
		uint64_t low = (uint64_t)to[sub] + (uint32_t)add;

		if (!add)
			continue;
		if (dst->carry)
			dst->carry[block * SUBS + sub] += (uint32_t)(add >> 32) + (uint32_t)(low >> 32);
		to[sub] = (uint32_t)low;
	}
}

int hist_merge(struct hist *dst, const struct hist *src)
{
	if (!src || !src->count)
		return 0;
	if (merge_room(dst, src))
		return -ENOMEM;
	for (unsigned int block = 0; block < BLOCKS; block++) {
		if (is_touched(src, block))
			merge_block(dst, src, block);
	}
	note_extremes(dst, src->max, hist_worst(src));
	if (src->min < dst->min)
		dst->min = src->min;
	dst->count += src->count;
	dst->sum += src->sum;
	dst->squares += src->squares;
	return 0;
}

uint64_t hist_count(const struct hist *h)
{
	return h ? h->count : 0;
}

uint64_t hist_sum(const struct hist *h)
{
	return h ? h->sum : 0;
}

uint64_t hist_min(const struct hist *h)
{
	return h && h->count ? h->min : 0;
}

uint64_t hist_max(const struct hist *h)
{
	return h ? h->max : 0;
}

double hist_mean(const struct hist *h)
{
	return h && h->count ? (double)h->sum / (double)h->count : 0;
}

/* Heron's, so that nobody needs libm for this: starts within a factor of 2 and doubles the right digits each time. */
static double root_of(double x)
{
	int exponent;
	double root;

	if (!(x > 0))
		return 0;
	frexp(x, &exponent);
	root = ldexp(1, exponent / 2);
	for (int i = 0; i < 6; i++)
		root = (root + x / root) / 2;
	return root;
}

/*
 * sum((x - m)^2) = sum(x^2) - 2 m sum(x) + n m^2 for any m. All in integers
 * modulo 2^128, so nothing cancels; with m next to the mean the result is small.
 */
double hist_stddev(const struct hist *h)
{
	unsigned __int128 m, spread;
	double rest;

	if (!h || !h->count)
		return 0;
	m = h->sum / h->count;
	rest = (double)(h->sum % h->count) / (double)h->count;
	spread = h->squares - 2 * m * h->sum + m * m * h->count;
	return root_of((double)spread / (double)h->count - rest * rest);
}

const struct hist_worst *hist_worst(const struct hist *h)
{
	return h && h->count && h->known_worst ? &h->worst : NULL;
}

/* The rank of quantile q; the factor takes back what rounding added to an exact q * count. */
static uint64_t rank_of(const struct hist *h, double q)
{
	double rank = q * (double)h->count * (1 - 0x1p-50);

	if (!(rank > 1))
		return 1;
	if (rank >= (double)h->count)
		return h->count;
	return (uint64_t)rank + (rank > (double)(uint64_t)rank);
}

uint64_t hist_quantile(const struct hist *h, double q)
{
	struct hist_bucket bucket;
	unsigned int it = 0;
	uint64_t rank, seen = 0;

	if (!h || !h->count)
		return 0;
	rank = rank_of(h, q);
	while (hist_next(h, &it, &bucket)) {
		seen += bucket.count;
		if (seen >= rank)
			return bucket.max_ns < h->max ? bucket.max_ns : h->max;
	}
	return h->max;
}

bool hist_next(const struct hist *h, unsigned int *it, struct hist_bucket *bucket)
{
	while (h && *it < BUCKETS) {
		unsigned int block = *it / SUBS, sub = *it % SUBS;

		if (!is_touched(h, block)) {
			*it = (block + 1) * SUBS;
			continue;
		}
		++*it;
		bucket->count = bucket_count(h, block, sub);
		if (!bucket->count)
			continue;
		bucket->min_ns = lower_edge(block, sub);
		bucket->max_ns = upper_edge(block, sub);
		return true;
	}
	return false;
}

size_t hist_memory(const struct hist *h)
{
	if (!h)
		return 0;
	return sizeof(*h) + ones(h->touched) * sizeof(*h->blocks) + (h->carry ? BUCKETS * sizeof(*h->carry) : 0);
}
