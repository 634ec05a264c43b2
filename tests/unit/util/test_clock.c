// SPDX-License-Identifier: GPL-2.0-only
/* The clocks, as a process reads them that is descheduled now and then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "util/clock.h"

#define OFFSET_NS (1700000000 * (int64_t)NS_PER_SEC)
#define READING_NS 100
#define AWAY_NS (59 * NS_PER_MS)

static uint64_t now_ns;		/* CLOCK_MONOTONIC */
static uint64_t away_after;	/* bits: who has read the clock for the n-th time is off the CPU then */
static unsigned int readings;

/* Instead of the C library's. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	uint64_t shown_ns = now_ns + (clock == CLOCK_REALTIME ? OFFSET_NS : 0);

	now_ns += READING_NS + (away_after >> readings & 1 ? AWAY_NS : 0);
	readings++;
	*now = (struct timespec){ shown_ns / NS_PER_SEC, shown_ns % NS_PER_SEC };
	return 0;
}

static uint64_t error_ns(uint64_t away)
{
	int64_t error;

	now_ns = NS_PER_SEC;
	away_after = away;
	readings = 0;
	error = clock_wall_offset_ns() - OFFSET_NS;
	return error < 0 ? -error : error;
}

static void test_offset(void **state)
{
	(void)state;
	assert_int_equal(error_ns(0), 0);
	assert_int_equal(readings, 3);
	assert_int_equal(error_ns(1 << 0), 0);
	assert_int_equal(error_ns(1 << 1), 0);
	assert_int_equal(error_ns(1 << 0 | 1 << 4 | 1 << 6), 0);
}

/* Between all of its readings: at worst half of that. */
static void test_always_away(void **state)
{
	(void)state;
	assert_in_range(error_ns(UINT64_MAX), 0, AWAY_NS);
}

/* Something else, which may keep its reader. */
static uint64_t looks, slow;	/* slow: bits: the n-th look is */

static uint64_t look(void)
{
	now_ns += slow >> looks & 1 ? AWAY_NS : 1;
	return looks++;
}

static struct clock_reading look_beside(uint64_t slow_looks, uint64_t soon_ns)
{
	now_ns = NS_PER_SEC;
	away_after = readings = 0;
	slow = slow_looks;
	looks = 0;
	return clock_read_beside(look, soon_ns);
}

/* One is as good as another, or only the best of all will do. */
static void test_beside(void **state)
{
	struct clock_reading r = look_beside(1 << 0 | 1 << 1, READING_NS + 1);

	(void)state;
	assert_int_equal(looks, 3);
	assert_int_equal(r.value, 2);
	assert_int_equal(r.before_ns, NS_PER_SEC + 2 * (2 * READING_NS + AWAY_NS));
	assert_int_equal(r.took_ns, READING_NS + 1);
	r = look_beside(0xff & ~(1 << 5), 0);
	assert_int_equal(looks, 8);
	assert_int_equal(r.value, 5);
	r = look_beside(0xff, READING_NS + 1);
	assert_int_equal(looks, 8);
	assert_int_equal(r.value, 0);
	assert_int_equal(r.took_ns, READING_NS + AWAY_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offset),
		cmocka_unit_test(test_always_away),
		cmocka_unit_test(test_beside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
