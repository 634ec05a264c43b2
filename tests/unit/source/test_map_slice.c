// SPDX-License-Identifier: GPL-2.0-only
/* A map of the kernel, slice by slice, whatever its buckets hold: a kernel of our own answers, as kernel/bpf/hashtab.c does. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <bpf/bpf.h>

#include <cmocka.h>

#include "source/map_slice.h"

#define FD 7
#define ROOM 4
#define BUCKETS 8
#define KEYS_MAX 1000

/* How many keys each bucket has, the error of the next call, and how many calls there were. */
static unsigned int buckets[BUCKETS];
static int failure;
static unsigned int calls;

/* Keys count up from the first one of the first bucket; a value is twice its key, two words of it. */
static uint32_t first_key_of(unsigned int bucket)
{
	uint32_t key = 0;

	for (unsigned int i = 0; i < bucket; i++)
		key += buckets[i];
	return key;
}

static void give(uint64_t *keys, uint64_t (*values)[2], uint32_t at, unsigned int bucket)
{
	for (uint32_t i = 0; i < buckets[bucket]; i++) {
		keys[at + i] = first_key_of(bucket) + i;
		values[at + i][0] = values[at + i][1] = 2 * keys[at + i];
	}
}

/* __htab_map_lookup_and_delete_batch(): whole buckets, for as long as they fit; where not even the first does, none. */
int bpf_map_lookup_batch(int fd, void *in_batch, void *out_batch, void *keys, void *values, __u32 *count,
			 const struct bpf_map_batch_opts *opts)
{
	uint32_t bucket = in_batch ? *(uint32_t *)in_batch : 0, room = *count, given = 0;
	int err = 0;

	assert_int_equal(fd, FD);
	calls++;
	if (failure)
		return failure;
	for (; bucket < BUCKETS; bucket++) {
		if (buckets[bucket] > room - given) {
			err = given ? 0 : -ENOSPC;
			break;
		}
		give(keys, values, given, bucket);
		given += buckets[bucket];
	}
	*count = given;
	*(uint32_t *)out_batch = bucket;
	return bucket == BUCKETS ? -ENOENT : err;
}

/* The same, and what was given is gone. */
int bpf_map_lookup_and_delete_batch(int fd, void *in_batch, void *out_batch, void *keys, void *values, __u32 *count,
				    const struct bpf_map_batch_opts *opts)
{
	uint32_t from = in_batch ? *(uint32_t *)in_batch : 0;
	int err = bpf_map_lookup_batch(fd, in_batch, out_batch, keys, values, count, opts);

	for (uint32_t i = from; (!err || err == -ENOENT) && i < *(uint32_t *)out_batch; i++)
		buckets[i] = 0;
	return err;
}

static void fill(const unsigned int *counts)
{
	memcpy(buckets, counts, sizeof(buckets));
	failure = 0;
	calls = 0;
}

/* Reads all of it and returns how many keys there were; each is there once, in order, with its value. */
static uint32_t read_all(struct map_slice *s)
{
	uint32_t total = 0;

	do {
		assert_int_equal(map_slice_next(s, FD, false), 0);
		for (uint32_t i = 0; i < s->count; i++, total++) {
			assert_int_equal(((uint64_t *)s->keys)[i], total);
			assert_int_equal(((uint64_t *)s->values)[2 * i + 1], 2 * total);
		}
		assert_in_range(total, 0, KEYS_MAX);
	} while (s->halfway);
	return total;
}

static void init(struct map_slice *s)
{
	assert_int_equal(map_slice_init(s, sizeof(uint64_t), 2 * sizeof(uint64_t), ROOM), 0);
}

static void test_slices(void **state)
{
	struct map_slice s;

	init(&s);
	fill((unsigned int [BUCKETS]) { 1, 0, 3, 2, 2, 0, 4, 1 });
	assert_int_equal(read_all(&s), 13);
	assert_int_equal(calls, 4);
	assert_int_equal(s.room, ROOM);
	fill((unsigned int [BUCKETS]) {});
	assert_int_equal(read_all(&s), 0);
	map_slice_free(&s);
}

/* A bucket that is fuller than the room, at the begin, in the middle and at the end, more than twice as full, too. */
static void test_full_bucket(void **state)
{
	static const unsigned int full[][BUCKETS] = { { 5, 1 }, { 1, 2, 9, 0, 1 }, { [7] = 5 }, { 3, 100, 200, 5, 7, 1, 0, 300 } };
	static const uint32_t totals[] = { 6, 13, 5, 616 };
	struct map_slice s;

	for (size_t i = 0; i < sizeof(full) / sizeof(full[0]); i++) {
		init(&s);
		fill(full[i]);
		assert_int_equal(read_all(&s), totals[i]);
		assert_int_equal(read_all(&s), totals[i]);
		map_slice_free(&s);
	}
}

static void test_taken_out(void **state)
{
	struct map_slice s;
	uint32_t total = 0;

	init(&s);
	fill((unsigned int [BUCKETS]) { 1, 2, 9, 0, 1 });
	do {
		assert_int_equal(map_slice_next(&s, FD, true), 0);
		total += s.count;
	} while (s.halfway);
	assert_int_equal(total, 13);
	assert_int_equal(read_all(&s), 0);
	map_slice_free(&s);
}

/* Nothing of it is taken for keys, and the next look begins anew. */
static void test_error(void **state)
{
	struct map_slice s;

	init(&s);
	fill((unsigned int [BUCKETS]) { 3, 3 });
	assert_int_equal(map_slice_next(&s, FD, false), 0);
	assert_true(s.halfway);
	failure = -EPERM;
	assert_int_equal(map_slice_next(&s, FD, false), -EPERM);
	assert_int_equal(s.count, 0);
	assert_false(s.halfway);
	failure = 0;
	assert_int_equal(read_all(&s), 6);
	map_slice_free(&s);
	map_slice_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_full_bucket),
		cmocka_unit_test(test_taken_out),
		cmocka_unit_test(test_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
