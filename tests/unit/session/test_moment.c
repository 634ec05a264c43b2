/* SPDX-License-Identifier: GPL-2.0-only */
/* Moments where clocks are set twice a year: on those days noon is not twelve hours after midnight. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "session/moment.h"

#define SECOND_NS 1000000000LL
#define BOOTED_NS (500 * SECOND_NS)	/* the recording begins so long after */

static int64_t utc(const char *text)
{
	struct tm tm = { 0 };

	assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%S", &tm));
	return timegm(&tm) * SECOND_NS;
}

static struct times begun_at(const char *begin, enum time_form form)
{
	struct times t = { .form = form, .start_ns = BOOTED_NS };

	wall_steps_learn(&t.wall, 0, utc(begin) - BOOTED_NS);
	return t;
}

/* What a moment means in a recording that begins at that time, in UTC as well; edge_ns: more than its first. */
static void expect_edge(const char *begin, enum time_form form, const char *moment, enum moment_edge edge, const char *meant, int64_t edge_ns)
{
	const struct reader_span span = { .begin_ns = BOOTED_NS, .end_ns = BOOTED_NS + 90000 * SECOND_NS };
	struct times t = begun_at(begin, form);
	struct moment m;
	uint64_t ns;

	assert_int_equal(option_moment.set(&m, moment), 0);
	assert_int_equal(moment_resolve(&m, &span, &t, edge, &ns), 0);
	assert_int_equal(wall_steps_wall_ns(&t.wall, ns), utc(meant) + edge_ns);
}

/* With --time local. */
static void expect(const char *begin, const char *moment, const char *meant)
{
	expect_edge(begin, TIMES_LOCAL, moment, MOMENT_FIRST, meant, 0);
}

static void expect_utc(const char *begin, const char *moment, const char *meant)
{
	expect_edge(begin, TIMES_UTC, moment, MOMENT_FIRST, meant, 0);
}

static void test_clocks_are_set(void **state)
{
	expect("2026-03-29T00:30:00", "2026-03-29T10:00", "2026-03-29T08:00:00");
	expect("2026-03-29T00:30:00", "10:00", "2026-03-29T08:00:00");
	expect("2026-03-28T22:00:00", "22:00", "2026-03-29T20:00:00");		/* begins at 23:00: tomorrow */
	expect("2026-10-24T23:30:00", "2026-10-25T10:00:07", "2026-10-25T09:00:07");
	expect("2026-10-24T23:30:00", "10:00:07", "2026-10-25T09:00:07");
	expect("2026-10-24T21:00:00", "22:30", "2026-10-25T21:30:00");
}

/* Shown twice: without its zone it is both, with it each is itself. */
static void test_hour_is_twice(void **state)
{
	const char *begin = "2026-10-24T23:30:00";

	expect_edge(begin, TIMES_LOCAL, "2026-10-25T02:30:00", MOMENT_FIRST, "2026-10-25T00:30:00", 0);
	expect_edge(begin, TIMES_LOCAL, "2026-10-25T02:30:00", MOMENT_LAST, "2026-10-25T01:30:00", SECOND_NS - 1);
	for (int local = 0; local <= 1; local++) {
		expect_edge(begin, local, "2026-10-25T02:30:00+02:00", MOMENT_LAST, "2026-10-25T00:30:00", SECOND_NS - 1);
		expect_edge(begin, local, "2026-10-25T02:30:00+01:00", MOMENT_FIRST, "2026-10-25T01:30:00", 0);
		expect_edge(begin, local, "02:30:00+02:00", MOMENT_FIRST, "2026-10-25T00:30:00", 0);
		expect_edge(begin, local, "02:30:00+01:00", MOMENT_FIRST, "2026-10-25T01:30:00", 0);
	}
}

/* Never shown: an hour that the clocks leave out. */
static void test_hour_is_missing(void **state)
{
	expect("2026-03-29T00:30:00", "2026-03-29T03:00", "2026-03-29T01:00:00");
	expect("2026-03-29T00:30:00", "2026-03-29T02:59:59+01:00", "2026-03-29T01:59:59");
}

static void test_other_days(void **state)
{
	expect("2026-07-01T00:00:00", "2026-07-01T10:00", "2026-07-01T08:00:00");
	expect("2026-07-01T00:00:00", "2026-07-01T10:00Z", "2026-07-01T10:00:00");
	expect("2026-12-31T21:00:00", "01:00", "2027-01-01T00:00:00");
	expect("2026-07-01T00:00:00", "2026-07-02", "2026-07-01T22:00:00");
	expect("2026-07-01T00:00:00", "1m30s", "2026-07-01T00:01:30");
}

/* What no zone is written to is in that of --time. */
static void test_utc(void **state)
{
	expect_utc("2026-07-01T00:00:00", "2026-07-01T10:00", "2026-07-01T10:00:00");
	expect_utc("2026-07-01T00:00:00", "10:00:05", "2026-07-01T10:00:05");
	expect_utc("2026-07-01T00:00:00", "10:00:05+02:00", "2026-07-01T08:00:05");
	expect_utc("2026-07-01T23:59:59", "00:00", "2026-07-02T00:00:00");
	expect_utc("2026-07-01T00:00:00", "01:00:00+02:00", "2026-07-01T23:00:00");
	expect_utc("2026-07-01T00:00:00", "2026-07-01 10:00:00-00:53:28", "2026-07-01T10:53:28");
	expect_edge("2026-07-01T00:00:00", TIMES_MONO, "10:00:05", MOMENT_FIRST, "2026-07-01T10:00:05", 0);
}

static void test_what_is_printed_is_cut_off(void **state)
{
	const char *begin = "2026-07-01T10:00:00";

	expect_edge(begin, TIMES_UTC, "10:00:05", MOMENT_LAST, "2026-07-01T10:00:05", SECOND_NS - 1);
	expect_edge(begin, TIMES_UTC, "10:00:05.000Z", MOMENT_LAST, "2026-07-01T10:00:05", 999999);
	expect_edge(begin, TIMES_UTC, "2026-07-01T10:00:05.000000Z", MOMENT_LAST, "2026-07-01T10:00:05", 999);
	expect_edge(begin, TIMES_UTC, "10:00:05.000000000Z", MOMENT_LAST, "2026-07-01T10:00:05", 0);
	expect_edge(begin, TIMES_UTC, "10:00:05.0", MOMENT_LAST, "2026-07-01T10:00:05", 0);
	expect_edge(begin, TIMES_UTC, "10:00", MOMENT_LAST, "2026-07-01T10:00:00", 0);
	expect_edge(begin, TIMES_UTC, "5s", MOMENT_LAST, "2026-07-01T10:00:05", 0);
	expect_edge(begin, TIMES_UTC, "5.000s", MOMENT_LAST, "2026-07-01T10:00:05", 999999);
	expect_edge(begin, TIMES_UTC, "5.0s", MOMENT_LAST, "2026-07-01T10:00:05", 0);
	expect_edge(begin, TIMES_UTC, "505.000000", MOMENT_LAST, "2026-07-01T10:00:05", 999);
	expect_edge(begin, TIMES_UTC, "-5s", MOMENT_LAST, "2026-07-01T09:59:55", 0);
	expect_edge(begin, TIMES_UTC, "00m05.0s", MOMENT_FIRST, "2026-07-01T10:00:05", 0);
}

/* The recording begins within the second that is printed. */
static void test_begins_within_it(void **state)
{
	const struct reader_span span = { .begin_ns = BOOTED_NS + SECOND_NS / 2, .end_ns = BOOTED_NS + 90000 * SECOND_NS };
	struct times t = begun_at("2026-07-01T10:00:00", TIMES_UTC);
	struct moment m;
	uint64_t ns;

	assert_int_equal(option_moment.set(&m, "10:00:00Z"), 0);
	assert_int_equal(moment_resolve(&m, &span, &t, MOMENT_LAST, &ns), 0);
	assert_int_equal(ns, BOOTED_NS + SECOND_NS - 1);
	assert_int_equal(option_moment.set(&m, "10:00:00.4"), 0);
	assert_int_equal(moment_resolve(&m, &span, &t, MOMENT_FIRST, &ns), 0);
	assert_int_equal(ns, BOOTED_NS + 86400 * SECOND_NS + 4 * SECOND_NS / 10);
}

/* A bare number is CLOCK_MONOTONIC, never something else. */
static void test_bare_numbers(void **state)
{
	const struct reader_span span = { .begin_ns = BOOTED_NS, .end_ns = BOOTED_NS + 90000 * SECOND_NS };
	struct times t = begun_at("2026-07-01T10:00:00", TIMES_UTC);
	struct moment m;
	uint64_t ns;

	assert_int_equal(option_moment.set(&m, "2.45"), 0);
	assert_int_equal(moment_resolve(&m, &span, &t, MOMENT_FIRST, &ns), -ERANGE);
	assert_int_equal(option_moment.set(&m, "499.999"), 0);
	assert_int_equal(moment_resolve(&m, &span, &t, MOMENT_FIRST, &ns), -ERANGE);
	assert_int_equal(option_moment.set(&m, "500.000"), 0);
	assert_int_equal(moment_resolve(&m, &span, &t, MOMENT_FIRST, &ns), 0);
	assert_int_equal(ns, BOOTED_NS);
}

static void test_what_is_none(void **state)
{
	static const char *const bad[] = {
		"", ".", "x", "10m20", "1s2", "s", "10:", "24:00", "10:60", "10:00:60", "10:00:05,5", "10:00:05z", "10:00:05+2", "10:00:05+02",
		"10:00:05+24:00", "10:00:05Z ", "2026-01", "2026-13-01", "2026-01-31T", "2026-01-31T10", "2026-01-31x", "2026-01-31Z", "-10:00",
		"99999999999", "9999-01-01", "--5s", "1.5.5s", "+5s",
	};
	struct moment m;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(option_moment.set(&m, bad[i]), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clocks_are_set),
		cmocka_unit_test(test_hour_is_twice),
		cmocka_unit_test(test_hour_is_missing),
		cmocka_unit_test(test_other_days),
		cmocka_unit_test(test_utc),
		cmocka_unit_test(test_what_is_printed_is_cut_off),
		cmocka_unit_test(test_begins_within_it),
		cmocka_unit_test(test_bare_numbers),
		cmocka_unit_test(test_what_is_none),
	};

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
