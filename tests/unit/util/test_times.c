/* SPDX-License-Identifier: GPL-2.0-only */
/* How moments are printed, in each form and in a place where clocks are set twice a year. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "util/times.h"

#define SECOND_NS 1000000000LL
#define HOUR_NS (3600 * SECOND_NS)
#define END_NS (50ULL * SECOND_NS)
#define BOOTED_NS 500052064123ULL	/* what is observed begins so long after */

static int64_t utc(const char *text)
{
	struct tm tm = { 0 };

	assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%S", &tm));
	return timegm(&tm) * SECOND_NS;
}

/* Whose time BOOTED_NS is that of the wall clock, 123 ns after the whole µs. */
static struct times begun_at(const char *wall, enum time_form form)
{
	struct times t = { .form = form, .start_ns = BOOTED_NS };

	wall_steps_learn(&t.wall, BOOTED_NS, utc(wall) + 123 - (int64_t)BOOTED_NS);
	return t;
}

static void expect(const struct times *t, uint64_t time_ns, unsigned int decimals, const char *full, const char *shortened)
{
	char buf[TIMES_SIZE];

	assert_string_equal(times_full(buf, sizeof(buf), t, time_ns, decimals), full);
	assert_string_equal(times_short(buf, sizeof(buf), t, time_ns, decimals), shortened);
	assert_int_equal(strlen(buf), times_short_width(t, decimals));
}

static void test_forms(void **state)
{
	struct times t = begun_at("2026-07-31T21:59:59", TIMES_UTC);

	expect(&t, BOOTED_NS, 0, "2026-07-31T21:59:59Z", "21:59:59Z");
	expect(&t, BOOTED_NS + 999999000, 6, "2026-07-31T21:59:59.999999Z", "21:59:59.999999Z");
	expect(&t, BOOTED_NS + SECOND_NS, 3, "2026-07-31T22:00:00.000Z", "22:00:00.000Z");
	expect(&t, BOOTED_NS, 9, "2026-07-31T21:59:59.000000123Z", "21:59:59.000000123Z");
	t.form = TIMES_LOCAL;
	expect(&t, BOOTED_NS, 0, "2026-07-31T23:59:59+02:00", "23:59:59+02:00");
	expect(&t, BOOTED_NS + SECOND_NS, 3, "2026-08-01T00:00:00.000+02:00", "00:00:00.000+02:00");
	t.form = TIMES_RELATIVE;
	expect(&t, BOOTED_NS + 1234 * SECOND_NS + 5678, 6, "1234.000005s", "1234.000005s");
	expect(&t, BOOTED_NS + 1234 * SECOND_NS, 0, "1234.000s", "1234.000s");
	assert_string_equal(times_full((char[TIMES_SIZE]){ 0 }, TIMES_SIZE, &t, BOOTED_NS - 1500, 6), "-0.000001s");
	t.form = TIMES_MONO;
	expect(&t, BOOTED_NS + 1000 * SECOND_NS, 6, "1500.052064", "1500.052064");
	expect(&t, BOOTED_NS + 1000 * SECOND_NS, 0, "1500.052", "1500.052");
}

static void test_a_day_is_dated(void **state)
{
	struct times t = begun_at("2026-07-31T21:59:59", TIMES_UTC);

	t.dated = true;
	expect(&t, BOOTED_NS, 3, "2026-07-31T21:59:59.000Z", "2026-07-31T21:59:59.000Z");
	t.form = TIMES_LOCAL;
	expect(&t, BOOTED_NS, 0, "2026-07-31T23:59:59+02:00", "2026-07-31T23:59:59+02:00");
}

static void test_clocks_are_set_back(void **state)
{
	struct times t = begun_at("2026-10-25T00:59:59", TIMES_LOCAL);

	expect(&t, BOOTED_NS, 0, "2026-10-25T02:59:59+02:00", "02:59:59+02:00");
	expect(&t, BOOTED_NS + SECOND_NS, 0, "2026-10-25T02:00:00+01:00", "02:00:00+01:00");
}

static void test_json_has_the_wall_clock(void **state)
{
	struct times t = begun_at("2026-07-31T21:59:59", TIMES_MONO);
	char buf[TIMES_SIZE];

	assert_string_equal(times_wall(buf, sizeof(buf), &t, BOOTED_NS, 3), "2026-07-31T21:59:59.000Z");
	t.form = TIMES_RELATIVE;
	assert_string_equal(times_wall(buf, sizeof(buf), &t, BOOTED_NS, 3), "2026-07-31T21:59:59.000Z");
	t.form = TIMES_LOCAL;
	assert_string_equal(times_wall(buf, sizeof(buf), &t, BOOTED_NS, 3), "2026-07-31T23:59:59.000+02:00");
}

/* Before 1970, and what no clock shows. */
static void test_any_time(void **state)
{
	struct times t = { .form = TIMES_UTC };
	char buf[TIMES_SIZE];

	wall_steps_learn(&t.wall, 0, -1);
	assert_string_equal(times_full(buf, sizeof(buf), &t, 0, 9), "1969-12-31T23:59:59.999999999Z");
	for (unsigned int decimals = 0; decimals <= 9; decimals++)
		for (int bit = 0; bit < 64; bit++) {
			t.wall.step[0].offset_ns = (int64_t)((1ULL << bit) * 0x9e3779b97f4a7c15ULL);
			for (t.form = TIMES_UTC; t.form <= TIMES_RELATIVE; t.form++)
				assert_true(strlen(times_full(buf, sizeof(buf), &t, UINT64_MAX >> bit, decimals)) + 1 < TIMES_SIZE);
		}
}

static void test_printer_is_the_same(void **state)
{
	struct times t = begun_at("2026-10-25T00:59:58", TIMES_LOCAL);
	struct times_printer p = { .times = &t };
	char one[TIMES_SIZE], each[TIMES_SIZE];

	for (uint64_t ns = BOOTED_NS; ns < BOOTED_NS + 4 * SECOND_NS; ns += 123456789) {
		one[times_print(&p, one, ns, 6)] = '\0';
		assert_string_equal(one, times_full(each, sizeof(each), &t, ns, 6));
	}
}

/* --- the wall clock is set */

static void test_steps(void **state)
{
	struct wall_steps w = { 0 };

	wall_steps_learn(&w, 1000, 100 * HOUR_NS);
	wall_steps_learn(&w, 10 * SECOND_NS, 100 * HOUR_NS + 9999999);		/* read badly */
	wall_steps_learn(&w, 20 * SECOND_NS, 101 * HOUR_NS);
	wall_steps_learn(&w, 15 * SECOND_NS, 107 * HOUR_NS);			/* not in order */
	wall_steps_learn(&w, 30 * SECOND_NS, 100 * HOUR_NS);
	assert_int_equal(w.count, 3);
	assert_int_equal(wall_steps_wall_ns(&w, 0), 100 * HOUR_NS);
	assert_int_equal(wall_steps_wall_ns(&w, 20 * SECOND_NS - 1), 100 * HOUR_NS + 20 * SECOND_NS - 1);
	assert_int_equal(wall_steps_wall_ns(&w, 20 * SECOND_NS), 101 * HOUR_NS + 20 * SECOND_NS);
	assert_int_equal(wall_steps_wall_ns(&w, 40 * SECOND_NS), 100 * HOUR_NS + 40 * SECOND_NS);
	for (uint64_t ns = 0; ns < 50 * SECOND_NS; ns += 700000001) {
		int64_t wall_ns = wall_steps_wall_ns(&w, ns);

		assert_int_equal(wall_steps_first_ns(&w, wall_ns, wall_ns, END_NS), ns);
		assert_int_equal(wall_steps_last_ns(&w, wall_ns, wall_ns, END_NS), ns);
	}
	/* Cut off to the second in which the clock was set. */
	assert_int_equal(wall_steps_first_ns(&w, 101 * HOUR_NS + 20 * SECOND_NS - 5, 101 * HOUR_NS + 20 * SECOND_NS, END_NS), 20 * SECOND_NS);
	assert_int_equal(wall_steps_last_ns(&w, 100 * HOUR_NS + 19 * SECOND_NS, 100 * HOUR_NS + 20 * SECOND_NS, END_NS), 20 * SECOND_NS - 1);
	/* What the clock left out, and what it never came to. */
	assert_int_equal(wall_steps_first_ns(&w, 100 * HOUR_NS + 25 * SECOND_NS, 100 * HOUR_NS + 25 * SECOND_NS, END_NS), 20 * SECOND_NS);
	assert_int_equal(wall_steps_last_ns(&w, 100 * HOUR_NS + 25 * SECOND_NS, 100 * HOUR_NS + 25 * SECOND_NS, END_NS), 20 * SECOND_NS - 1);
	assert_int_equal(wall_steps_first_ns(&w, 0, 0, END_NS), 0);
	assert_int_equal(wall_steps_last_ns(&w, 0, 0, END_NS), 0);
}

/* An hour was twice: the same times mean the first or the last of both. */
static void test_set_back(void **state)
{
	struct wall_steps w = { 0 };

	wall_steps_learn(&w, 0, 100 * HOUR_NS);
	wall_steps_learn(&w, 30 * SECOND_NS, 100 * HOUR_NS - 10 * SECOND_NS);
	assert_int_equal(wall_steps_first_ns(&w, 100 * HOUR_NS + 25 * SECOND_NS, 100 * HOUR_NS + 25 * SECOND_NS, END_NS), 25 * SECOND_NS);
	assert_int_equal(wall_steps_last_ns(&w, 100 * HOUR_NS + 25 * SECOND_NS, 100 * HOUR_NS + 25 * SECOND_NS, END_NS), 35 * SECOND_NS);
}

static void test_steps_are_not_without_end(void **state)
{
	struct wall_steps w = { 0 };

	for (int i = 0; i < 10 * WALL_STEPS_MAX; i++)
		wall_steps_learn(&w, i * SECOND_NS, i * HOUR_NS);
	assert_int_equal(w.count, WALL_STEPS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_a_day_is_dated),
		cmocka_unit_test(test_clocks_are_set_back),
		cmocka_unit_test(test_json_has_the_wall_clock),
		cmocka_unit_test(test_any_time),
		cmocka_unit_test(test_printer_is_the_same),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_set_back),
		cmocka_unit_test(test_steps_are_not_without_end),
	};

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
