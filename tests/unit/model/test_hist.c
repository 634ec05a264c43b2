// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/bytes.h"
#include "model/hist.h"
#include "tests/random_bits.h"
#include "tests/unit/lib/same_hist.h"

static uint64_t seed = 88172645463325252ULL;

/* Of any size: every power of two is as likely as another. */
static uint64_t random_duration(void)
{
	return random_bits(&seed) >> (24 + random_bits(&seed) % 40);
}

static struct hist *hist_of(const uint64_t *values, size_t count)
{
	struct hist *h = hist_new();

	assert_non_null(h);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(hist_add(h, values[i], NULL), 0);
	return h;
}

/* The bucket of a value on its own. */
static struct hist_bucket bucket_of(struct hist *h, uint64_t value)
{
	struct hist_bucket bucket;
	unsigned int it = 0;

	hist_clear(h);
	assert_int_equal(hist_add(h, value, NULL), 0);
	assert_true(hist_next(h, &it, &bucket));
	assert_int_equal(bucket.count, 1);
	return bucket;
}

/* That it holds the value, and that its edges are within 1/32 of it. Plain ifs: this runs millions of times. */
static void check_bucket(struct hist_bucket b, uint64_t value)
{
	if (value < b.min_ns || value > b.max_ns)
		fail_msg("%lu not in %lu..%lu", value, b.min_ns, b.max_ns);
	if (value < 32 && b.min_ns != b.max_ns)
		fail_msg("%lu is not exact", value);
	if ((b.max_ns - value) * 32 > value || (value - b.min_ns) * 32 > value)
		fail_msg("%lu is off by more than 1/32 in %lu..%lu", value, b.min_ns, b.max_ns);
}

static void test_every_small_value(void **state)
{
	struct hist *h = hist_new();
	struct hist_bucket bucket;
	unsigned int it = 0;
	uint64_t next = 0;

	for (uint64_t value = 0; value <= 1 << 20; value++)
		assert_int_equal(hist_add(h, value, NULL), 0);
	while (hist_next(h, &it, &bucket) && bucket.max_ns <= 1 << 20) {
		assert_int_equal(bucket.min_ns, next);	/* no gap, no overlap */
		assert_int_equal(bucket.count, bucket.max_ns - bucket.min_ns + 1);
		check_bucket(bucket, bucket.min_ns);
		check_bucket(bucket, bucket.max_ns);
		next = bucket.max_ns + 1;
	}
	assert_int_equal(next, 1 << 20);	/* 2^20 begins the next one */
	assert_int_equal(hist_count(h), (1 << 20) + 1);
	hist_free(h);
}

static void test_around_every_edge(void **state)
{
	struct hist *h = hist_new();
	uint64_t edge = 0;
	unsigned int buckets = 0;

	while (edge < HIST_MAX_NS) {
		struct hist_bucket b = bucket_of(h, edge);

		assert_int_equal(b.min_ns, edge);
		check_bucket(b, b.min_ns);
		check_bucket(b, b.max_ns);
		assert_int_equal(bucket_of(h, b.max_ns).min_ns, b.min_ns);
		assert_int_equal(bucket_of(h, b.max_ns + 1).min_ns, b.max_ns + 1);
		edge = b.max_ns + 1;
		buckets++;
	}
	assert_int_equal(edge, HIST_MAX_NS);
	assert_int_equal(buckets, 36 * 32);
	hist_free(h);
}

static void test_above_the_last_edge(void **state)
{
	const uint64_t values[] = { HIST_MAX_NS, HIST_MAX_NS + 1, 3 * HIST_MAX_NS };
	struct hist *h = hist_of(values, 3);
	struct hist_bucket bucket;
	unsigned int it = 0;

	assert_true(hist_next(h, &it, &bucket));
	assert_int_equal(bucket.min_ns, HIST_MAX_NS);
	assert_int_equal(bucket.count, 3);
	assert_false(hist_next(h, &it, &bucket));
	assert_int_equal(hist_max(h), 3 * HIST_MAX_NS);
	assert_int_equal(hist_sum(h), 5 * HIST_MAX_NS + 1);
	assert_int_equal(hist_quantile(h, 0.5), 3 * HIST_MAX_NS);
	assert_int_equal(hist_add(h, UINT64_MAX, NULL), 0);
	assert_true(hist_max(h) == UINT64_MAX);
	hist_free(h);
}

static void check_empty(const struct hist *h)
{
	struct hist_bucket bucket;
	unsigned int it = 0;

	assert_int_equal(hist_count(h), 0);
	assert_int_equal(hist_sum(h), 0);
	assert_int_equal(hist_min(h), 0);
	assert_int_equal(hist_max(h), 0);
	assert_true(hist_mean(h) == 0 && hist_stddev(h) == 0);
	assert_null(hist_worst(h));
	assert_int_equal(hist_quantile(h, 0.99), 0);
	assert_false(hist_next(h, &it, &bucket));
}

static void test_empty(void **state)
{
	struct hist *h = hist_new();

	check_empty(NULL);
	check_empty(h);
	assert_int_equal(hist_memory(NULL), 0);
	for (uint64_t value = 0; value < 1000; value++)
		hist_add(h, value, &(struct hist_worst){ .time_ns = 1 });
	hist_clear(h);
	check_empty(h);
	hist_free(h);
	hist_free(NULL);
}

static void test_zero_is_a_sample(void **state)
{
	const uint64_t values[] = { 0, 0 };
	struct hist *h = hist_of(values, 2);

	assert_int_equal(hist_count(h), 2);
	assert_int_equal(hist_max(h), 0);
	assert_int_equal(hist_quantile(h, 1), 0);
	assert_int_equal(hist_add(h, 7, NULL), 0);
	assert_int_equal(hist_min(h), 0);
	assert_int_equal(hist_max(h), 7);
	hist_free(h);
}

static void test_known_figures(void **state)
{
	const uint64_t values[] = { 2, 4, 4, 4, 5, 5, 7, 9 };	/* the textbook's: mean 5, deviation 2 */
	struct hist *h = hist_of(values, 8);

	assert_int_equal(hist_sum(h), 40);
	assert_true(hist_mean(h) == 5);
	assert_true(fabs(hist_stddev(h) - 2) < 1e-12);
	assert_int_equal(hist_quantile(h, 0), 2);
	assert_int_equal(hist_quantile(h, 0.5), 4);
	assert_int_equal(hist_quantile(h, 0.75), 5);
	assert_int_equal(hist_quantile(h, 0.876), 9);
	assert_int_equal(hist_quantile(h, 1), 9);
	hist_free(h);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Against the sorted samples: the bucket's upper edge, so at most 1/32 above, never below. */
static void check_quantiles(const struct hist *h, const uint64_t *sorted, size_t count)
{
	for (unsigned int permille = 1; permille <= 1000; permille++) {
		uint64_t exact = sorted[(permille * count + 999) / 1000 - 1];
		uint64_t got = hist_quantile(h, permille / 1000.0);

		if (got < exact || (got - exact) * 32 > exact || got > hist_max(h))
			fail_msg("q %u/1000 of %zu: %lu for %lu", permille, count, got, exact);
	}
	assert_int_equal(hist_quantile(h, 1), sorted[count - 1]);
}

static void test_quantiles_of_random_samples(void **state)
{
	static uint64_t values[20011];

	for (unsigned int round = 0; round < 10; round++) {
		size_t count = round < 5 ? round * 3 + 1 : sizeof(values) / sizeof(*values);
		struct hist *h;

		for (size_t i = 0; i < count; i++)
			values[i] = random_duration();
		h = hist_of(values, count);
		qsort(values, count, sizeof(*values), compare);
		assert_int_equal(hist_min(h), values[0]);
		assert_int_equal(hist_max(h), values[count - 1]);
		check_quantiles(h, values, count);
		hist_free(h);
	}
}

static void test_quantile_takes_anything(void **state)
{
	const uint64_t values[] = { 1, 2, 3 };
	struct hist *h = hist_of(values, 3);

	assert_int_equal(hist_quantile(h, -1), 1);
	assert_int_equal(hist_quantile(h, NAN), 1);
	assert_int_equal(hist_quantile(h, 2), 3);
	assert_int_equal(hist_quantile(h, INFINITY), 3);
	hist_free(h);
}

/* 7/100 is a bit more than that in binary; its rank is the 7th all the same. */
static void test_quantile_of_exact_rank(void **state)
{
	struct hist *h = hist_new();

	for (uint64_t value = 1; value <= 100; value++)
		hist_add(h, (value - 1) / 4, NULL);
	for (unsigned int i = 1; i <= 100; i++)
		assert_int_equal(hist_quantile(h, i / 100.0), (i - 1) / 4);
	hist_free(h);
}

/* Samples that are close to one another and far from zero, where naive sums lose everything. */
static void test_stddev_is_sound(void **state)
{
	const uint64_t bases[] = { 0, 1000, 1000000007, 1ULL << 39 };

	for (size_t k = 0; k < 4; k++) {
		long double mean = 0, squares = 0;
		struct hist *h = hist_new();
		static uint64_t values[9973];

		for (size_t i = 0; i < 9973; i++) {
			values[i] = bases[k] + random_bits(&seed) % 5;
			mean += (long double)(values[i] - bases[k]) / 9973;
			hist_add(h, values[i], NULL);
		}
		for (size_t i = 0; i < 9973; i++)
			squares += (values[i] - bases[k] - mean) * (values[i] - bases[k] - mean);
		assert_true(fabs(hist_stddev(h) - (double)sqrtl(squares / 9973)) < 1e-9);
		hist_free(h);
	}
}

static void test_stddev_of_any_size(void **state)
{
	for (unsigned int bit = 0; bit < 40; bit++) {
		const uint64_t values[] = { 1ULL << bit, 3ULL << bit };
		struct hist *h = hist_of(values, 2);

		assert_true(fabs(hist_stddev(h) / (double)(1ULL << bit) - 1) < 1e-12);
		hist_free(h);
	}
}

static void test_worst(void **state)
{
	struct hist *h = hist_new();
	struct hist_worst who = { .time_ns = 10, .vm = 1, .vcpu = 2, .event = 3 };

	hist_add(h, 5, &who);
	who.time_ns = 20;
	hist_add(h, 4, &who);
	hist_add(h, 5, &who);	/* no worse than the first */
	assert_int_equal(hist_worst(h)->value_ns, 5);
	assert_int_equal(hist_worst(h)->time_ns, 10);
	assert_int_equal(hist_worst(h)->vm, 1);
	assert_int_equal(hist_worst(h)->vcpu, 2);
	assert_int_equal(hist_worst(h)->event, 3);
	hist_add(h, 6, NULL);	/* the worst one is nobody's now */
	assert_null(hist_worst(h));
	hist_add(h, 7, &who);
	assert_int_equal(hist_worst(h)->value_ns, 7);
	assert_int_equal(hist_worst(h)->time_ns, 20);
	hist_free(h);
}

static void test_merge_is_adding_all(void **state)
{
	for (unsigned int round = 0; round < 100; round++) {
		struct hist *a = hist_new(), *b = hist_new(), *both = hist_new();
		size_t count = random_bits(&seed) % 200;

		for (size_t i = 0; i < count; i++) {
			uint64_t value = random_duration();
			struct hist_worst who = { .time_ns = i };

			hist_add(random_bits(&seed) & 1 ? a : b, value, &who);
			hist_add(both, value, &who);
		}
		assert_int_equal(hist_merge(a, b), 0);
		same_hist(a, both);
		if (count)
			assert_int_equal(hist_worst(a)->value_ns, hist_max(both));
		hist_free(a);
		hist_free(b);
		hist_free(both);
	}
}

static void test_merge_of_nothing(void **state)
{
	const uint64_t values[] = { 3, 1000 };
	struct hist *h = hist_of(values, 2), *empty = hist_new(), *copy = hist_new();

	assert_int_equal(hist_merge(h, NULL), 0);
	assert_int_equal(hist_merge(h, empty), 0);
	assert_int_equal(hist_min(h), 3);
	assert_int_equal(hist_merge(copy, h), 0);
	same_hist(copy, h);
	hist_free(h);
	hist_free(empty);
	hist_free(copy);
}

/* Where a block's counters grow from 16 to 64 bits, by samples and by merging; other blocks are left alone. */
static void test_more_than_16_bits(void **state)
{
	struct hist *h = hist_new(), *sum = hist_new();
	struct hist_bucket bucket;
	unsigned int it = 0;
	size_t small;

	for (uint64_t value = 1; value < 1 << 20; value *= 2)
		hist_add(h, value, NULL);
	small = hist_memory(h);
	for (unsigned int i = 0; i < 3 * 65536 + 7; i++)
		assert_int_equal(hist_add(h, i % 3 ? 1000 : 700, NULL), 0);
	assert_int_equal(hist_memory(h) - small, 192);
	assert_int_equal(hist_count(h), 20 + 3 * 65536 + 7);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(hist_merge(sum, h), 0);
	for (unsigned int k = 0; hist_next(h, &it, &bucket); k++) {
		uint64_t expected = bucket.min_ns <= 700 && 700 <= bucket.max_ns ? 65536 + 3 :
				    bucket.min_ns <= 1000 && 1000 <= bucket.max_ns ? 2 * 65536 + 4 : 1;

		assert_int_equal(bucket.count, expected);
	}
	it = 0;
	assert_true(hist_next(sum, &it, &bucket));
	assert_int_equal(bucket.count, 3);
	assert_int_equal(hist_quantile(sum, 0.2), hist_quantile(h, 0.2));
	hist_clear(h);
	for (unsigned int i = 0; i < 65535; i++)
		hist_add(h, 5, NULL);
	hist_clear(sum);
	assert_int_equal(hist_merge(sum, h), 0);
	small = hist_memory(sum);
	hist_add(h, 5, NULL);
	assert_int_equal(hist_merge(sum, h), 0);
	assert_int_equal(hist_memory(sum) - small, 192);
	assert_int_equal(hist_count(sum), 131071);
	hist_free(h);
	hist_free(sum);
}

/* Doubled until every bucket is beyond 32 bits, then one more sample. */
static void test_more_than_32_bits(void **state)
{
	const uint64_t values[] = { 1, 100, 100, 5000 };
	struct hist *h = hist_of(values, 4);
	struct hist_bucket bucket;
	unsigned int it = 0;

	for (unsigned int i = 0; i < 33; i++)
		assert_int_equal(hist_merge(h, h), 0);
	hist_add(h, 100, NULL);
	assert_true(hist_next(h, &it, &bucket));
	assert_int_equal(bucket.count, 1ULL << 33);
	assert_true(hist_next(h, &it, &bucket));
	assert_int_equal(bucket.count, (2ULL << 33) + 1);
	assert_true(hist_next(h, &it, &bucket));
	assert_int_equal(bucket.count, 1ULL << 33);
	assert_int_equal(hist_count(h), (4ULL << 33) + 1);
	assert_int_equal(hist_quantile(h, 0.24), 1);
	hist_free(h);
}

/* One sample at a time over the edge of 32 bits, which is prepared by doubling up to just below. */
static void test_crossing_32_bits(void **state)
{
	const uint64_t value = 9;
	struct hist *h = hist_of(&value, 1), *one = hist_of(&value, 1);
	struct hist_bucket bucket;
	unsigned int it = 0;

	for (unsigned int i = 0; i < 31; i++) {	/* n -> 2n + 1 */
		hist_merge(h, h);
		hist_merge(h, one);
	}
	assert_int_equal(hist_count(h), UINT32_MAX);
	for (unsigned int i = 0; i < 3; i++)
		hist_add(h, value, NULL);
	assert_true(hist_next(h, &it, &bucket));
	assert_int_equal(bucket.count, (uint64_t)UINT32_MAX + 3);
	assert_int_equal(hist_count(h), (uint64_t)UINT32_MAX + 3);
	hist_free(h);
	hist_free(one);
}

static void test_memory_grows_as_touched(void **state)
{
	struct hist *h = hist_new();
	size_t empty = hist_memory(h), touched;

	hist_add(h, 1000, NULL);
	touched = hist_memory(h);
	assert_true(touched > empty);
	for (uint64_t value = 512; value < 1024; value++)
		hist_add(h, value, NULL);
	assert_int_equal(hist_memory(h), touched);
	for (uint64_t value = 1; value <= HIST_MAX_NS; value *= 2)
		hist_add(h, value, NULL);
	assert_true(hist_memory(h) <= 128 + 37 * 64);	/* at its widest */
	hist_free(h);
}

/* --- as bytes */

static struct hist *copy_of(const struct hist *h)
{
	struct bytes_out out = { .bytes = NULL };
	struct bytes_in in = { .err = 0 };
	struct hist *copy;

	hist_save(h, &out);
	assert_int_equal(out.err, 0);
	in.at = out.bytes;
	in.end = out.bytes + out.size;
	copy = hist_load(&in);
	assert_int_equal(in.err, 0);
	assert_ptr_equal(in.at, in.end);
	free(out.bytes);
	return copy;
}

/* Whatever is in it, narrow or wide, and it goes on alike. */
static void test_bytes_and_back(void **state)
{
	struct hist *h = hist_new();

	assert_null(copy_of(NULL));
	assert_null(copy_of(h));
	for (unsigned int i = 1; i <= 100000; i++) {
		struct hist_worst who = { .time_ns = i, .vm = UINT32_MAX, .vcpu = i, .event = i % 4 };
		struct hist *copy;

		hist_add(h, i % 7 ? 40 + i % 2 : random_bits(&seed) >> random_bits(&seed) % 64, i % 3 ? &who : NULL);
		if (i % 4999 && i > 20)
			continue;
		copy = copy_of(h);
		same_hist(h, copy);
		assert_int_equal(hist_memory(h), hist_memory(copy));
		hist_add(h, 77, &who);
		hist_add(copy, 77, &who);
		hist_merge(h, h);
		hist_merge(copy, copy);
		same_hist(h, copy);
		hist_free(copy);
	}
	hist_free(h);
}

/* Numbers that no histogram has: each makes it none. */
static void test_bytes_of_none(void **state)
{
	/* count, sum, squares (two), min, max, worst is unknown; buckets: those left out, samples */
	static const uint64_t sound[] = { 3, 140, 0, 0, 20, 100, 0, 20, 1, 82 - 21, 2 };
	static const struct { unsigned int at; uint64_t number; bool fits; } changes[] = {
		{ 0, 3, true }, { 0, 2, false }, { 0, 4, false }, { 1, 7, true }, { 4, 19, false }, { 4, 21, false }, { 5, 95, false },
		{ 5, 99, false }, { 5, 101, true }, { 6, 2, false }, { 7, 19, false }, { 7, UINT64_MAX, false }, { 8, 0, false },
		{ 8, 3, false }, { 9, 36 * 32 - 21 + 1, false }, { 10, UINT64_MAX, false }, { 10, 1, false },
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		struct bytes_out out = { .bytes = NULL };
		struct bytes_in in = { .err = 0 };
		struct hist *h;

		for (unsigned int k = 0; k < sizeof(sound) / sizeof(*sound); k++)
			put_number(&out, k == changes[i].at ? changes[i].number : sound[k]);
		in.at = out.bytes;
		in.end = out.bytes + out.size;
		h = hist_load(&in);
		if (!h != !changes[i].fits || in.err != (h ? 0 : -EBADMSG))
			fail_msg("change %zu: %d", i, in.err);
		hist_free(h);
		free(out.bytes);
	}
}

static void test_numbers_have_one_form(void **state)
{
	static const struct { unsigned char bytes[11]; unsigned int size; uint64_t number; bool fits; } forms[] = {
		{ { 0 }, 1, 0, true },
		{ { 0x7f }, 1, 127, true },
		{ { 0x80, 1 }, 2, 128, true },
		{ { 0x80 }, 1, 0, false },
		{ { 0 }, 0, 0, false },
		{ { 0x81, 0 }, 2, 0, false },
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 }, 10, UINT64_MAX, true },
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x03 }, 10, 0, false },
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81, 0x01 }, 11, 0, false },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct bytes_in in = { .at = forms[i].bytes, .end = forms[i].bytes + forms[i].size };

		assert_int_equal(get_number(&in), forms[i].fits ? forms[i].number : 0);
		assert_int_equal(in.err, forms[i].fits ? 0 : -EBADMSG);
		assert_true(!forms[i].fits || in.at == in.end);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_small_value),
		cmocka_unit_test(test_around_every_edge),
		cmocka_unit_test(test_above_the_last_edge),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_zero_is_a_sample),
		cmocka_unit_test(test_known_figures),
		cmocka_unit_test(test_quantiles_of_random_samples),
		cmocka_unit_test(test_quantile_takes_anything),
		cmocka_unit_test(test_quantile_of_exact_rank),
		cmocka_unit_test(test_stddev_is_sound),
		cmocka_unit_test(test_stddev_of_any_size),
		cmocka_unit_test(test_worst),
		cmocka_unit_test(test_merge_is_adding_all),
		cmocka_unit_test(test_merge_of_nothing),
		cmocka_unit_test(test_more_than_16_bits),
		cmocka_unit_test(test_more_than_32_bits),
		cmocka_unit_test(test_crossing_32_bits),
		cmocka_unit_test(test_memory_grows_as_touched),
		cmocka_unit_test(test_bytes_and_back),
		cmocka_unit_test(test_bytes_of_none),
		cmocka_unit_test(test_numbers_have_one_form),
	};

	return cmocka_run_group_tests_name("hist", tests, NULL, NULL);
}
