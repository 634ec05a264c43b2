// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>

#include "source/pace.h"

#define MS 1000000ULL
#define RING (1U << 20)

/* A ring that is filled at a rate, each drain coming when the one before asked for it. The period it comes to rest at. */
static unsigned int settle(unsigned int period_ms, uint64_t bytes_per_ms, size_t ring)
{
	for (int drains = 0; drains < 20; drains++) {
		uint64_t used = bytes_per_ms * period_ms;

		period_ms = pace_next(period_ms, period_ms * MS, used < ring ? used : ring, ring);
	}
	return period_ms;
}

static void test_quiet_hosts_are_left_alone(void **state)
{
	assert_int_equal(settle(PACE_LEAST_MS, 0, RING), PACE_MOST_MS);
	assert_int_equal(settle(PACE_MOST_MS, 0, RING), PACE_MOST_MS);
	/* A thousand signals a second. */
	assert_int_equal(settle(PACE_LEAST_MS, 40, RING), PACE_MOST_MS);
}

/* At any rate, from any period on: a quarter at most, and no shorter than it has to be. */
static void test_rings_are_a_quarter_full(void **state)
{
	for (uint64_t rate = 1; rate < RING; rate += 1 + rate / 16) {
		for (unsigned int from = PACE_LEAST_MS; from <= PACE_MOST_MS; from++) {
			unsigned int period = settle(from, rate, RING);

			assert_in_range(period, PACE_LEAST_MS, PACE_MOST_MS);
			if (period > PACE_LEAST_MS)
				assert_true(rate * period <= RING / 4);
			if (period < PACE_MOST_MS / 2)
				assert_true(rate * period * 4 > RING / 4);
		}
	}
}

static void test_rings_may_be_small_or_large(void **state)
{
	assert_int_equal(settle(PACE_MOST_MS, 20, 4096), settle(PACE_MOST_MS, 5120, RING));
	assert_int_equal(settle(PACE_MOST_MS, 1, 4096), PACE_MOST_MS);
	assert_int_equal(settle(PACE_MOST_MS, 4096, 4096), PACE_LEAST_MS);
	assert_int_equal(settle(PACE_MOST_MS, 1ULL << 30, 1UL << 40), PACE_MOST_MS);
}

/* Long after the last drain or, woken at the watermark, soon. */
static void test_bursts_are_followed_at_once(void **state)
{
	assert_int_equal(pace_next(PACE_MOST_MS, 2 * MS, RING / 2, RING), PACE_LEAST_MS);
	assert_in_range(pace_next(PACE_MOST_MS, 40 * MS, RING / 2, RING), 10, 20);
	assert_int_equal(pace_next(PACE_LEAST_MS, 1000 * MS, RING, RING), 2 * PACE_LEAST_MS);
}

static void test_quiet_is_believed_step_by_step(void **state)
{
	static const unsigned int steps[] = { 2, 4, 8, 16, 32, 50, 50 };
	unsigned int period = PACE_LEAST_MS;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		period = pace_next(period, period * MS, 0, RING);
		assert_int_equal(period, steps[i]);
	}
}

/* Two drains in a row: a record between them is no flood. */
static void test_drains_in_a_row_say_nothing(void **state)
{
	assert_int_equal(pace_next(PACE_MOST_MS, 0, 0, RING), PACE_MOST_MS);
	assert_int_equal(pace_next(PACE_MOST_MS, 500, 40, RING), PACE_MOST_MS);
}

/* The timer is set anew only if the period changes. */
static void test_steady_rates_have_one_period(void **state)
{
	for (uint64_t rate = 1; rate < RING; rate += 1 + rate / 16) {
		unsigned int period = settle(PACE_MOST_MS, rate, RING);

		assert_int_equal(pace_next(period, period * MS, rate * period, RING), period);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quiet_hosts_are_left_alone), cmocka_unit_test(test_rings_are_a_quarter_full),
		cmocka_unit_test(test_rings_may_be_small_or_large), cmocka_unit_test(test_bursts_are_followed_at_once),
		cmocka_unit_test(test_quiet_is_believed_step_by_step), cmocka_unit_test(test_drains_in_a_row_say_nothing),
		cmocka_unit_test(test_steady_rates_have_one_period),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
