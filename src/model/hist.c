// SPDX-License-Identifier: GPL-2.0-only
/*
 * A value's bucket is its leading one bit and the five bits behind it. The 32
 * buckets of one power of two are a block. Only blocks that were touched exist,
 * lowest first, in one array of lines of 64 bytes: one of 16-bit counters, or four
 * of 64-bit ones once a counter of the block needs them. So the many blocks of a
 * long tail stay small. A sample touches one counter: where lines begin does not
 * matter, and to align them would take half as much room again.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/bytes.h"
#include "model/hist.h"

#define SUB_BITS 5
#define SUBS (1U << SUB_BITS)
#define BLOCKS 37U	/* below 32, 32 .. 2^40 - 1 by powers of two, 2^40 and above */
#define LAST_BLOCK (BLOCKS - 1)
#define BUCKETS (LAST_BLOCK * SUBS + 1)
#define LINE 64
#define WIDE_LINES 4
#define KEPT_LINES 8	/* by a histogram that is cleared: what comes next is mostly much the same */

union line {
	uint16_t narrow[SUBS];
	uint64_t wide[SUBS / WIDE_LINES];
};
_Static_assert(sizeof(union line) == LINE, "one cache line");
_Static_assert(BLOCKS == HIST_POWERS, "a block for each power of two");

/* The first cache line is all that most samples touch, beside their bucket. */
struct hist {
	uint64_t count, sum, squares;	/* squares: low half of a 128-bit sum, see hist_stddev() */
	uint64_t min, max;		/* min: UINT64_MAX when empty */
	uint64_t touched, wide;		/* bit per block: it exists, its counters are 64 bits */
	union line *lines;
	struct hist_worst worst;
	uint64_t squares_high;
	bool known_worst;
};
_Static_assert(offsetof(struct hist, worst) == LINE, "one cache line");

/* Without -mpopcnt the builtin is a call. */
static inline unsigned int ones(uint64_t bits)
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

static bool is_wide(const struct hist *h, unsigned int block)
{
	return h->wide >> block & 1;
}

/* Index in h->lines of a block that is touched, or where it would be. */
static inline __attribute__((always_inline)) unsigned int first_line(const struct hist *h, unsigned int block)
{
	uint64_t below = (1ULL << block) - 1;
	unsigned int lines = ones(h->touched & below);

	return h->wide ? lines + (WIDE_LINES - 1) * ones(h->wide & below) : lines;
}

static unsigned int line_count(const struct hist *h)
{
	return first_line(h, BLOCKS);
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

static inline uint64_t *wide_counter(const struct hist *h, unsigned int block, unsigned int sub)
{
	const unsigned int per_line = SUBS / WIDE_LINES;

	return &h->lines[first_line(h, block) + sub / per_line].wide[sub % per_line];
}

static inline uint16_t *narrow_counter(const struct hist *h, unsigned int block, unsigned int sub)
{
	return &h->lines[first_line(h, block)].narrow[sub];
}

static uint64_t bucket_count(const struct hist *h, unsigned int block, unsigned int sub)
{
	return is_wide(h, block) ? *wide_counter(h, block, sub) : *narrow_counter(h, block, sub);
}

/* Puts so many lines of zero at that index. */
static int insert_lines(struct hist *h, unsigned int at, unsigned int count)
{
	unsigned int old = line_count(h);
	union line *lines = malloc((old + count) * sizeof(*lines));

	if (!lines)
		return -ENOMEM;
	if (h->lines) {
		memcpy(lines, h->lines, at * sizeof(*lines));
		memcpy(lines + at + count, h->lines + at, (old - at) * sizeof(*lines));
	}
	memset(lines + at, 0, count * sizeof(*lines));
	free(h->lines);
	h->lines = lines;
	return 0;
}

static int touch_block(struct hist *h, unsigned int block)
{
	if (is_touched(h, block))
		return 0;
	if (insert_lines(h, first_line(h, block), 1))
		return -ENOMEM;
	h->touched |= 1ULL << block;
	return 0;
}

static int widen_block(struct hist *h, unsigned int block)
{
	union line narrow;

	if (is_wide(h, block))
		return 0;
	if (insert_lines(h, first_line(h, block) + 1, WIDE_LINES - 1))
		return -ENOMEM;
	narrow = h->lines[first_line(h, block)];
	h->wide |= 1ULL << block;
	for (unsigned int sub = 0; sub < SUBS; sub++)
		*wide_counter(h, block, sub) = narrow.narrow[sub];
	return 0;
}

/* A narrow block has room for it: see merge_room(). */
static void raise(struct hist *h, unsigned int block, unsigned int sub, uint64_t count)
{
	if (is_wide(h, block))
		*wide_counter(h, block, sub) += count;
	else
		*narrow_counter(h, block, sub) += (uint16_t)count;
}

static void add_squares(struct hist *h, unsigned __int128 squares)
{
	squares += h->squares;
	h->squares = (uint64_t)squares;
	if (__builtin_expect(squares >> 64 != 0, 0))
		h->squares_high += (uint64_t)(squares >> 64);
}

struct hist *hist_new(void)
{
	struct hist *h = aligned_alloc(LINE, (sizeof(*h) + LINE - 1) / LINE * LINE);

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
	free(h->lines);
	free(h);
}

void hist_clear(struct hist *h)
{
	union line *lines = h->lines;
	uint64_t touched = h->touched;

	if (!h->count)
		return;
	if (h->wide || line_count(h) > KEPT_LINES) {
		free(lines);
		lines = NULL;
		touched = 0;
	} else {
		memset(lines, 0, line_count(h) * sizeof(*lines));
	}
	memset(h, 0, sizeof(*h));
	h->lines = lines;
	h->touched = touched;
	h->min = UINT64_MAX;
}

/* Of equal samples the first is the worst one. True: this is it. */
static inline bool note_extremes(struct hist *h, uint64_t value_ns)
{
	bool worst = value_ns > h->max || !h->count;

	if (worst)
		h->max = value_ns;
	if (value_ns < h->min)
		h->min = value_ns;
	return worst;
}

/* Room for one more in that bucket. */
static int add_room(struct hist *h, unsigned int block, unsigned int sub)
{
	if (touch_block(h, block))
		return -ENOMEM;
	return bucket_count(h, block, sub) == UINT16_MAX ? widen_block(h, block) : 0;
}

/* False: there is no room for it. Finds the counter once, which is most of the work. */
static inline bool count_one(struct hist *h, unsigned int block, unsigned int sub)
{
	uint16_t *narrow;

	if (__builtin_expect(!is_touched(h, block), 0))
		return false;
	narrow = narrow_counter(h, block, sub);
	if (h->wide && is_wide(h, block)) {
		++*wide_counter(h, block, sub);
		return true;
	}
	if (__builtin_expect(*narrow == UINT16_MAX, 0))
		return false;
	++*narrow;
	return true;
}

/* As count_one(), and makes room. 0 or -ENOMEM. */
static __attribute__((noinline)) int count_in_new_room(struct hist *h, unsigned int block, unsigned int sub)
{
	if (add_room(h, block, sub))
		return -ENOMEM;
	raise(h, block, sub, 1);
	return 0;
}

int hist_put(struct hist *h, uint64_t value_ns)
{
	unsigned int block = block_of(value_ns), sub = sub_of(value_ns, block);
	bool worst;

	if (!count_one(h, block, sub) && count_in_new_room(h, block, sub))
		return -ENOMEM;
	worst = note_extremes(h, value_ns);
	h->count++;
	h->sum += value_ns;
	add_squares(h, (unsigned __int128)value_ns * value_ns);
	return worst;
}

void hist_set_worst(struct hist *h, const struct hist_worst *who)
{
	h->known_worst = who;
	if (who)
		h->worst = *who;
	h->worst.value_ns = h->max;
}

int hist_add(struct hist *h, uint64_t value_ns, const struct hist_worst *who)
{
	int worst = hist_put(h, value_ns);

	if (worst > 0)
		hist_set_worst(h, who);
	return worst < 0 ? worst : 0;
}

void hist_prefetch(const struct hist *h)
{
	__builtin_prefetch(h, 1);
}

void hist_prefetch_bucket(const struct hist *h, uint64_t value_ns)
{
	unsigned int block = block_of(value_ns);

	if (h && is_touched(h, block))
		__builtin_prefetch(is_wide(h, block) ? (void *)wide_counter(h, block, sub_of(value_ns, block)) :
				   (void *)narrow_counter(h, block, sub_of(value_ns, block)), 1);
}

static bool fits(const struct hist *dst, const struct hist *src, unsigned int block)
{
	for (unsigned int sub = 0; sub < SUBS; sub++) {
		if (bucket_count(dst, block, sub) + bucket_count(src, block, sub) > UINT16_MAX)
			return false;
	}
	return true;
}

/* Room for all that src holds, so that the merge itself cannot fail. */
static int merge_room(struct hist *dst, const struct hist *src)
{
	for (unsigned int block = 0; block < BLOCKS; block++) {
		if (!is_touched(src, block))
			continue;
		if (touch_block(dst, block))
			return -ENOMEM;
		if (!is_wide(dst, block) && !fits(dst, src, block) && widen_block(dst, block))
			return -ENOMEM;
	}
	return 0;
}

static void merge_block(struct hist *dst, const struct hist *src, unsigned int block)
{
	for (unsigned int sub = 0; sub < SUBS; sub++)
		raise(dst, block, sub, bucket_count(src, block, sub));
}

static unsigned __int128 squares_of(const struct hist *h)
{
	return (unsigned __int128)h->squares_high << 64 | h->squares;
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
	if (note_extremes(dst, src->max))
		hist_set_worst(dst, hist_worst(src));
	if (src->min < dst->min)
		dst->min = src->min;
	dst->count += src->count;
	dst->sum += src->sum;
	add_squares(dst, squares_of(src));
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
	spread = squares_of(h) - 2 * m * h->sum + m * m * h->count;
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

/* The first counter from sub on that is not zero, SUBS: there is none. Most are zero: four at a time. */
static unsigned int next_narrow(const uint16_t *counters, unsigned int sub)
{
	uint64_t four;

	while (sub < SUBS) {
		if (sub % 4 == 0) {
			memcpy(&four, &counters[sub], sizeof(four));
			if (!four) {
				sub += 4;
				continue;
			}
		}
		if (counters[sub])
			break;
		sub++;
	}
	return sub;
}

static unsigned int next_wide(const uint64_t *counters, unsigned int sub)
{
	while (sub < SUBS && !counters[sub])
		sub++;
	return sub;
}

/* The first sub from the one given on whose bucket holds samples, SUBS: there is none. */
static unsigned int next_sub(const struct hist *h, unsigned int block, unsigned int sub, uint64_t *count)
{
	const union line *line = &h->lines[first_line(h, block)];

	/* The lines of a wide block follow each other. */
	sub = is_wide(h, block) ? next_wide(line->wide, sub) : next_narrow(line->narrow, sub);
	if (sub < SUBS)
		*count = is_wide(h, block) ? *wide_counter(h, block, sub) : line->narrow[sub];
	return sub;
}

bool hist_next(const struct hist *h, unsigned int *it, struct hist_bucket *bucket)
{
	unsigned int block = *it / SUBS, sub = *it % SUBS;
	uint64_t count = 0;

	for (; h && h->touched >> block; block++, sub = 0) {
		if (!is_touched(h, block)) {
			block += (unsigned int)__builtin_ctzll(h->touched >> block);
			sub = 0;
		}
		sub = next_sub(h, block, sub, &count);
		if (sub == SUBS)
			continue;
		*it = block * SUBS + sub + 1;
		*bucket = (struct hist_bucket){ .min_ns = lower_edge(block, sub), .max_ns = upper_edge(block, sub), .count = count };
		return true;
	}
	*it = BUCKETS;
	return false;
}

static uint64_t narrow_sum(const union line *line)
{
	uint32_t sum = 0;

	for (unsigned int sub = 0; sub < SUBS; sub++)
		sum += line->narrow[sub];
	return sum;
}

static uint64_t wide_sum(const union line lines[WIDE_LINES])
{
	uint64_t sum = 0;

	for (unsigned int sub = 0; sub < SUBS; sub++)
		sum += lines[sub / (SUBS / WIDE_LINES)].wide[sub % (SUBS / WIDE_LINES)];
	return sum;
}

void hist_add_powers(const struct hist *h, uint64_t counts[HIST_POWERS])
{
	const union line *line = h ? h->lines : NULL;

	for (uint64_t left = h ? h->touched : 0; left; left &= left - 1) {
		unsigned int block = (unsigned int)__builtin_ctzll(left);
		bool wide = is_wide(h, block);

		counts[block] += wide ? wide_sum(line) : narrow_sum(line);
		line += wide ? WIDE_LINES : 1;
	}
}

size_t hist_memory(const struct hist *h)
{
	if (!h)
		return 0;
	return sizeof(*h) + line_count(h) * sizeof(*h->lines);
}

/* --- as bytes: the figures, then the buckets that hold samples, each by its distance to the one before and its count */

static void save_worst(const struct hist_worst *worst, struct bytes_out *out)
{
	put_number(out, !!worst);
	if (!worst)
		return;
	put_number(out, worst->time_ns);
	put_number(out, worst->vm);
	put_number(out, worst->vcpu);
	put_number(out, worst->event);
}

static void save_buckets(const struct hist *h, struct bytes_out *out)
{
	struct hist_bucket bucket;
	unsigned int it = 0, next = 0;

	while (hist_next(h, &it, &bucket)) {
		put_number(out, it - 1 - next);
		put_number(out, bucket.count);
		next = it;
	}
}

void hist_save(const struct hist *h, struct bytes_out *out)
{
	put_number(out, hist_count(h));
	if (!hist_count(h))
		return;
	put_number(out, h->sum);
	put_number(out, h->squares);
	put_number(out, h->squares_high);
	put_number(out, h->min);
	put_number(out, h->max);
	save_worst(hist_worst(h), out);
	save_buckets(h, out);
}

static void load_worst(struct hist *h, struct bytes_in *in)
{
	h->worst.value_ns = h->max;
	h->known_worst = get_number_below(in, 2);
	if (!h->known_worst)
		return;
	h->worst.time_ns = get_number(in);
	h->worst.vm = get_number_below(in, 1ULL << 32);
	h->worst.vcpu = get_number_below(in, 1ULL << 32);
	h->worst.event = get_number_below(in, 1ULL << 32);
}

/* A bucket; *it is the one behind it, *left the samples behind it. */
static uint64_t load_bucket(struct bytes_in *in, unsigned int *it, uint64_t *left)
{
	uint64_t count;

	*it += get_number_below(in, BUCKETS - *it) + 1;
	count = get_number(in);
	bytes_need(in, count && count <= *left);
	*left -= in->err ? *left : count;
	return count;
}

static bool is_within(uint64_t value_ns, unsigned int bucket)
{
	return value_ns >= lower_edge(bucket / SUBS, bucket % SUBS) && value_ns <= upper_edge(bucket / SUBS, bucket % SUBS);
}

/* Which blocks it has, without the counters; in is a copy, for they are read twice. */
static void look_at_buckets(struct hist *h, struct bytes_in *in)
{
	uint64_t left = h->count, count;
	unsigned int it = 0;

	while (left) {
		bool first = left == h->count;

		count = load_bucket(in, &it, &left);
		bytes_need(in, !first || is_within(h->min, it - 1));
		h->touched |= 1ULL << (it - 1) / SUBS;
		if (count > UINT16_MAX)
			h->wide |= 1ULL << (it - 1) / SUBS;
	}
	bytes_need(in, h->min <= h->max && is_within(h->max, it - 1));
}

static int load_buckets(struct hist *h, struct bytes_in *in)
{
	struct bytes_in ahead = *in;
	uint64_t left = h->count, count;
	unsigned int it = 0;

	look_at_buckets(h, &ahead);
	if (ahead.err)
		return ahead.err;
	h->lines = malloc(line_count(h) * sizeof(*h->lines));
	if (!h->lines)
		return -ENOMEM;
	memset(h->lines, 0, line_count(h) * sizeof(*h->lines));
	while (left) {
		count = load_bucket(in, &it, &left);
		raise(h, (it - 1) / SUBS, (it - 1) % SUBS, count);
	}
	return 0;
}

struct hist *hist_load(struct bytes_in *in)
{
	uint64_t count = get_number(in);
	struct hist *h = count ? hist_new() : NULL;

	if (!count)
		return NULL;
	if (!h) {
		bytes_fail(in, -ENOMEM);
		return NULL;
	}
	h->count = count;
	h->sum = get_number(in);
	h->squares = get_number(in);
	h->squares_high = get_number(in);
	h->min = get_number(in);
	h->max = get_number(in);
	load_worst(h, in);
	if (!in->err)
		bytes_fail(in, load_buckets(h, in));
	if (!in->err)
		return h;
	hist_free(h);
	return NULL;
}
