/* SPDX-License-Identifier: GPL-2.0-only */
/* Moments where clocks are set twice a year: on those days noon is not twelve hours after midnight. */
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

/* What a moment means in a recording that begins at that time, in UTC as well. */
static void expect(const char *begin, const char *moment, const char *meant)
{
	const struct reader_span span = { .begin_ns = BOOTED_NS };
	int64_t offset_ns = utc(begin) - BOOTED_NS;
	struct moment m = { 0 };

	assert_int_equal(option_moment.set(&m, moment), 0);
	assert_int_equal((int64_t)moment_resolve(&m, &span, offset_ns, 0) + offset_ns, utc(meant));
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

static void test_other_days(void **state)
{
	expect("2026-07-01T00:00:00", "2026-07-01T10:00", "2026-07-01T08:00:00");
	expect("2026-07-01T00:00:00", "2026-07-01T10:00Z", "2026-07-01T10:00:00");
	expect("2026-12-31T21:00:00", "01:00", "2027-01-01T00:00:00");
	expect("2026-07-01T00:00:00", "2026-07-02", "2026-07-01T22:00:00");
	expect("2026-07-01T00:00:00", "1m30s", "2026-07-01T00:01:30");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clocks_are_set),
		cmocka_unit_test(test_other_days),
	};

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
