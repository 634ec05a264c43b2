// SPDX-License-Identifier: GPL-2.0-only
/* Each allocation of a comparison fails once: it says so, and leaves nothing behind. The allocator is replaced, which sanitizers forbid. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/lib/sdei_machine.h"
#include "diff/collect.h"
#include "diff/compare.h"
#include "diff/series.h"

#ifdef __SANITIZE_ADDRESS__
static void every_failure(void **state)
{
	skip();
}
#else

#include "tests/unit/lib/failing_malloc.h"

#define STEPS 500
#define BLOCKS 4	/* few: there are 70 ways to exchange 4 and 4 */

/* Only the comparison allocates when they are fed. */
#define KEPT_MAX (8 * STEPS)
#include "tests/unit/lib/kept_records.h"

/* NULL: no memory. */
static struct samples *collect(void)
{
	const struct collect_options options = { .split_entry = true };
	uint64_t begin_ns = kept[0].record.head.time_ns, end_ns = kept[kept_count - 1].record.head.time_ns;
	struct samples *samples = samples_new(begin_ns, end_ns, (end_ns - begin_ns) / BLOCKS);
	struct collector *c = samples ? collector_new(samples, &options) : NULL;
	int err = -1;

	if (c) {
		collector_begin(c);
		for (size_t i = 0; i < kept_count; i++)
			collector_record(c, &kept[i].record.head, kept[i].size);
		err = collector_end(c, end_ns);
	}
	collector_free(c);
	if (!err)
		return samples;
	samples_free(samples);
	return NULL;
}

/* Of the same with itself; whether there was memory for it. */
static bool compare_it(void)
{
	static const double stats[] = { 0.5, COMPARE_MEAN };
	const struct compare_options options = { .stats = stats, .stat_count = 2, .threshold = 0.05, .confidence = 0.9 };
	struct samples *samples = collect();
	const struct samples *side[] = { samples };
	struct compare *c = samples ? compare_new(side, 1, side, 1, &options) : NULL;
	bool done = c;

	if (c) {
		assert_true(c->tests > 10);
		assert_int_equal(c->cause_count, 0);
	}
	compare_free(c);
	samples_free(samples);
	return done;
}

/* A series of the same. */
static bool judge_series(void)
{
	static const double stats[] = { 0.5, COMPARE_MEAN };
	const struct compare_options options = { .stats = stats, .stat_count = 2, .threshold = 0.05, .confidence = 0.9 };
	const size_t ends[] = { 1, 3, 4, 6 };
	struct samples *samples = collect();
	const struct samples *runs[] = { samples, samples, samples, samples, samples, samples };
	struct series *s = samples ? series_new(runs, ends, 4, &options) : NULL;
	bool done = s;

	if (s) {
		assert_true(s->count > 10);
		assert_int_equal(s->cause_count, 0);
	}
	series_free(s);
	samples_free(samples);
	return done;
}

/* Whether the n-th allocation is one that there was. */
static bool run(bool (*it)(void), long n)
{
	long live = failing.live;
	bool done;

	failing.armed = true;
	failing.failed = false;
	failing.after = n;
	failing.count = 1;
	done = it();
	failing.armed = false;
	assert_true(done != failing.failed);
	assert_int_equal(failing.live, live);
	return failing.failed;
}

static void check(bool (*it)(void))
{
	long n = 0;

	while (run(it, n))
		n++;
	assert_true(n > 100);
}

static void every_failure(void **state)
{
	struct machine *machine = machine_new(2, 31, keep, NULL);

	for (unsigned int i = 0; i < STEPS; i++)
		machine_step(machine);
	check(compare_it);
	check(judge_series);
	machine_free(machine);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_failure) };

	return cmocka_run_group_tests_name("diff_memory", tests, NULL, NULL);
}
