/* SPDX-License-Identifier: GPL-2.0-only */
/* Sinks of more than one, of one at a time, and of nobody. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "record/counters.h"
#include "record/sink.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const struct sdei_record signal = { .kind = SDEI_SIGNAL }, mask = { .kind = SDEI_MASK };
static const struct sdei_record *const both[] = { &signal, &mask };
static const size_t sizes[] = { sizeof(signal), sizeof(mask) };

struct runs {
	size_t calls, records;
};

static void take_records(void *ctx, const struct sdei_record *const records[], const size_t lengths[], size_t count)
{
	struct runs *runs = ctx;

	runs->calls++;
	runs->records += count;
}

/* Who has no call for many gets one after the other, in their order; who has it gets them at once. */
static void test_tee(void **state)
{
	const struct sdei_lost_key key = { .kind = SDEI_SIGNAL };
	struct record_counters a = { 0 }, b = { 0 };
	struct runs runs = { 0 };
	struct sink_tee tee = { .to = { counters_sink(&a), counters_sink(&b) }, .count = 3 };
	struct record_sink sink = sink_of_tee(&tee);

	tee.to[2] = sink_null;
	tee.to[2].records = take_records;
	tee.to[2].ctx = &runs;
	sink_records(&sink, both, sizes, LENGTH(both));
	sink_lost(&sink, &key, 3);
	assert_int_equal(runs.calls, 1);
	assert_int_equal(runs.records, 2);
	/* One of them is exchanged while it is in use. */
	tee.to[1] = sink_null;
	sink_record(&sink, &signal, sizeof(signal));
	sink_lost(&sink, NULL, 5);
	assert_int_equal(a.read, 3);
	assert_int_equal(a.attempted[SDEI_SIGNAL], 5);
	assert_int_equal(a.attempted[SDEI_MASK], 1);
	assert_int_equal(a.lost[SDEI_SIGNAL], 3);
	assert_int_equal(a.lost[SDEI_KIND_NONE], 5);
	assert_int_equal(b.read, 2);
	assert_int_equal(b.lost[SDEI_SIGNAL], 3);
	assert_int_equal(b.lost[SDEI_KIND_NONE], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tee),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
