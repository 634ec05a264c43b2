// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "record/kinds.h"
#include "source/merge.h"

struct key {
	uint64_t time_ns;
	unsigned int stream;
	unsigned int nth;	/* in its stream */
	uint8_t rank;
};

static void test_empty(void **state)
{
	struct merge *m = merge_new(3);
	unsigned int stream;
	uint64_t time_ns;

	assert_false(merge_first(m, &stream, &time_ns));
	merge_add(m, 2, 5, 0);
	assert_true(merge_first(m, &stream, &time_ns));
	assert_int_equal(stream, 2);
	assert_int_equal(time_ns, 5);
	merge_drop_first(m);
	assert_false(merge_first(m, &stream, &time_ns));
	merge_free(m);
	merge_free(NULL);
}

static void expect_stream(struct merge *m, unsigned int expected)
{
	unsigned int stream;
	uint64_t time_ns;

	assert_true(merge_first(m, &stream, &time_ns));
	assert_int_equal(stream, expected);
	merge_drop_first(m);
}

static void add_kind(struct merge *m, unsigned int stream, enum sdei_kind kind)
{
	merge_add(m, stream, 1000, kind_of(kind)->rank);
}

/* On a coarse clock cause and effect can have one time. */
static void test_ties_are_causal(void **state)
{
	struct merge *m = merge_new(6);

	add_kind(m, 0, SDEI_CALL);
	add_kind(m, 1, SDEI_COMPLETE);
	add_kind(m, 2, SDEI_DISPATCH);
	add_kind(m, 3, SDEI_SIGNAL);
	add_kind(m, 4, SDEI_REGISTER);
	add_kind(m, 5, SDEI_SIGNAL);
	expect_stream(m, 4);
	expect_stream(m, 3);
	expect_stream(m, 5);
	expect_stream(m, 2);
	expect_stream(m, 1);
	expect_stream(m, 0);
	merge_free(m);
}

static int compare_keys(const void *first, const void *second)
{
	const struct key *a = first, *b = second;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->stream != b->stream)
		return a->stream < b->stream ? -1 : 1;
	return (a->nth > b->nth) - (a->nth < b->nth);
}

#define STREAMS 13
#define KEYS 200

/* Each stream in order, times strictly growing or equal with growing rank; then the merge is a sort. */
static void fill_stream(struct key *keys, unsigned int stream, unsigned int step)
{
	uint64_t time_ns = rand() % 50;
	uint8_t rank = 0;

	for (unsigned int i = 0; i < KEYS; i++) {
		uint64_t more = rand() % step;

		rank = more ? rand() % 4 : rank;
		time_ns += more;
		keys[i] = (struct key) { time_ns, stream, i, rank };
	}
}

static void merge_all(struct key (*streams)[KEYS], struct key *merged)
{
	struct merge *m = merge_new(STREAMS);
	unsigned int at[STREAMS] = { 0 }, stream, count = 0;
	uint64_t time_ns;

	for (stream = 0; stream < STREAMS; stream++)
		merge_add(m, stream, streams[stream][0].time_ns, streams[stream][0].rank);
	while (merge_first(m, &stream, &time_ns)) {
		merged[count++] = streams[stream][at[stream]++];
		assert_int_equal(time_ns, merged[count - 1].time_ns);
		if (at[stream] < KEYS)
			merge_replace_first(m, streams[stream][at[stream]].time_ns, streams[stream][at[stream]].rank);
		else
			merge_drop_first(m);
	}
	assert_int_equal(count, STREAMS * KEYS);
	merge_free(m);
}

static void test_random_streams(void **state)
{
	static struct key streams[STREAMS][KEYS], merged[STREAMS * KEYS], sorted[STREAMS * KEYS];

	srand(11);
	for (int round = 0; round < 100; round++) {
		for (unsigned int stream = 0; stream < STREAMS; stream++) {
			fill_stream(streams[stream], stream, 1 + rand() % 20);
			for (unsigned int i = 0; i < KEYS; i++)
				sorted[stream * KEYS + i] = streams[stream][i];
		}
		merge_all(streams, merged);
		qsort(sorted, STREAMS * KEYS, sizeof(sorted[0]), compare_keys);
		assert_memory_equal(merged, sorted, sizeof(merged));
	}
}

static void test_kinds(void **state)
{
	assert_null(kind_of(SDEI_KIND_NONE));
	assert_null(kind_of(SDEI_KIND_COUNT));
	assert_null(kind_of(255));
	for (unsigned int kind = 1; kind < SDEI_KIND_COUNT; kind++)
		assert_non_null(kind_of(kind));
	assert_string_equal(kind_of(SDEI_SIGNAL)->probe, "kvm_sdei_signal");
	assert_int_equal(kind_of(SDEI_CALL)->size, 64);
	assert_int_equal(kind_of(SDEI_CALL)->args, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_ties_are_causal),
		cmocka_unit_test(test_random_streams),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
