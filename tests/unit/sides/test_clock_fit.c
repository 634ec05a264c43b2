// SPDX-License-Identifier: GPL-2.0-only
/* Lines between bounds: against all lines that can be drawn, against clocks whose offset is known, and of bounds that nobody measured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>

#include "sides/clock_fit.h"
#include "tests/random_bits.h"

#define SECOND 1000000000LL
#define BOUNDS 2000
#define SMALL 7
#define ROUNDING 0.001	/* ns */

static uint64_t seed = 20;

static int64_t random_from(int64_t least, int64_t most)
{
	return least + (int64_t)(random_bits(&seed) % (uint64_t)(most - least + 1));
}

static struct clock_bound bound(int64_t at_ns, int64_t offset_ns, bool upper)
{
	return (struct clock_bound){ .at_ns = at_ns, .offset_ns = offset_ns, .upper = upper };
}

static void assert_near(double found, double wanted, double most)
{
	if (!(fabs(found - wanted) <= most))
		fail_msg("%.9g is not %.9g", found, wanted);
}

static bool keeps(double offset_ns, double slope, int64_t from_ns, const struct clock_bound *b)
{
	double at = offset_ns + slope * (double)(b->at_ns - from_ns);

	return b->upper ? at <= (double)b->offset_ns + 1e-6 : at >= (double)b->offset_ns - 1e-6;
}

static bool keeps_all(double offset_ns, double slope, int64_t from_ns, const struct clock_bound *bounds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!keeps(offset_ns, slope, from_ns, &bounds[i]))
			return false;
	return true;
}

static void assert_keeps_all(const struct clock_line *line, const struct clock_bound *bounds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		double offset_ns = clock_line_offset_ns(line, bounds[i].at_ns), beyond = offset_ns - (double)bounds[i].offset_ns;

		if ((bounds[i].upper ? beyond : -beyond) > ROUNDING)
			fail_msg("bound %zu is %.3f ns away", i, beyond);
	}
}

/* --- the least there is */

static void two_bounds_leave_what_is_between(void **state)
{
	const struct clock_bound bounds[] = { bound(5, 100, false), bound(5, 140, true) };
	struct clock_line line;

	assert_int_equal(clock_fit(bounds, 2, &line), 2);
	assert_int_equal(line.from_ns, 5);
	assert_int_equal(line.to_ns, 5);
	assert_near(line.offset_ns, 120, 1e-9);
	assert_near(line.error_ns, 20, 1e-9);
	assert_near(line.slope, 0, 1e-12);
}

/* What is known at one moment is known less well a second before and after it: clocks may go apart. */
static void an_error_grows_with_the_distance(void **state)
{
	const struct clock_bound bounds[] = { bound(0, 100, false), bound(SECOND, 140, true) };
	struct clock_line line;

	assert_int_equal(clock_fit(bounds, 2, &line), 2);
	assert_true(line.error_ns >= (40 + CLOCK_SLOPE_MAX * SECOND) / 2 && line.error_ns <= 40 + CLOCK_SLOPE_MAX * SECOND);
}

static void bounds_of_one_side_say_nothing(void **state)
{
	const struct clock_bound bounds[] = { bound(0, 100, false), bound(SECOND, 140, false) };
	struct clock_line line;

	assert_int_equal(clock_fit(bounds, 2, &line), 2);
	assert_true(isinf(line.error_ns));
	assert_int_equal(clock_fit(bounds, 0, &line), 0);
}

static void what_contradicts_ends_a_line(void **state)
{
	const struct clock_bound bounds[] = {
		bound(0, 100, false), bound(0, 140, true), bound(10, 100, false), bound(10, 99, true), bound(11, 98, false),
	};
	struct clock_line line;

	assert_int_equal(clock_fit(bounds, 5, &line), 3);
	assert_int_equal(clock_fit(bounds + 3, 2, &line), 2);
}

/* --- against every line */

/* The range of offsets at a time that lines leave which keep all bounds: their extremes go through two bounds, or as steep as may be through one. */
struct range {
	double low, high;
};

static void try_line(struct range *r, int64_t at, struct clock_bound through, double slope, const struct clock_bound *bounds, size_t count)
{
	double offset = (double)through.offset_ns + slope * (double)(at - through.at_ns);

	if (fabs(slope) > CLOCK_SLOPE_MAX || !keeps_all((double)through.offset_ns, slope, through.at_ns, bounds, count))
		return;
	r->low = fmin(r->low, offset);
	r->high = fmax(r->high, offset);
}

static struct range every_line(int64_t at, const struct clock_bound *bounds, size_t count)
{
	struct range r = { INFINITY, -INFINITY };

	for (size_t i = 0; i < count; i++) {
		try_line(&r, at, bounds[i], CLOCK_SLOPE_MAX, bounds, count);
		try_line(&r, at, bounds[i], -CLOCK_SLOPE_MAX, bounds, count);
		for (size_t k = 0; k < i; k++)
			if (bounds[i].at_ns != bounds[k].at_ns)
				try_line(&r, at, bounds[i], (double)(bounds[i].offset_ns - bounds[k].offset_ns) /
					 (double)(bounds[i].at_ns - bounds[k].at_ns), bounds, count);
	}
	return r;
}

static size_t random_bounds(struct clock_bound *bounds)
{
	size_t count = (size_t)random_from(2, SMALL);
	int64_t at = 0;

	for (size_t i = 0; i < count; i++) {
		bool upper = random_from(0, 1);

		at += random_from(0, 3) * 1000000;
		bounds[i] = bound(at, random_from(0, 3000) + (upper ? 2000 : 0), upper);
	}
	return count;
}

static bool has_both(const struct clock_bound *bounds, size_t count)
{
	bool has[2] = { false, false };

	for (size_t i = 0; i < count; i++)
		has[bounds[i].upper] = true;
	return has[0] && has[1];
}

static void the_error_is_that_of_all_lines(void **state)
{
	unsigned int ended = 0, compared = 0;

	for (int i = 0; i < 20000; i++) {
		struct clock_bound bounds[SMALL];
		size_t count = random_bounds(bounds), taken;
		struct clock_line line;
		struct range first, last;

		taken = clock_fit(bounds, count, &line);
		if (taken < count) {
			first = every_line(bounds[0].at_ns, bounds, taken + 1);
			assert_true(first.low > first.high);	/* no line goes through one more */
			ended++;
		}
		if (!has_both(bounds, taken))
			continue;
		assert_keeps_all(&line, bounds, taken);
		first = every_line(line.from_ns, bounds, taken);
		last = every_line(line.to_ns, bounds, taken);
		if (first.low > first.high)	/* but for rounding none goes through these */
			continue;
		assert_near(line.error_ns, fmax(fmax(first.high - line.offset_ns, line.offset_ns - first.low),
						fmax(last.high - clock_line_offset_ns(&line, line.to_ns),
						     clock_line_offset_ns(&line, line.to_ns) - last.low)), ROUNDING);
		compared++;
	}
	assert_true(ended > 1000 && compared > 5000);
}

/* --- clocks whose offset is known */

static double true_offset(double slope, int64_t at)
{
	return -123456.0 + slope * (double)at;
}

/* Round trips: some are quick, most are not. */
static void measure(struct clock_bound *bounds, size_t count, double slope)
{
	for (size_t i = 0; i < count; i++) {
		int64_t at = (int64_t)i * SECOND / 30, slack = random_from(0, 9) ? random_from(50000, 400000) : random_from(1000, 20000);

		bounds[i] = bound(at, (int64_t)floor(true_offset(slope, at)) + (i % 2 ? slack : -slack), i % 2);
	}
}

static void a_slewed_clock_is_followed(void **state)
{
	static struct clock_bound bounds[BOUNDS];
	static const double slopes[] = { 0, 50e-6, -50e-6, 900e-6 };

	for (size_t i = 0; i < sizeof(slopes) / sizeof(slopes[0]); i++) {
		struct clock_line line;

		measure(bounds, BOUNDS, slopes[i]);
		assert_int_equal(clock_fit(bounds, BOUNDS, &line), BOUNDS);
		assert_keeps_all(&line, bounds, BOUNDS);
		assert_true(line.error_ns < 25000);
		assert_near(line.slope, slopes[i], 1e-6);
		for (int64_t at = line.from_ns; at <= line.to_ns; at += SECOND)
			assert_near(clock_line_offset_ns(&line, at), true_offset(slopes[i], at), line.error_ns + 1);
	}
}

static void a_stepped_clock_has_two_lines(void **state)
{
	static struct clock_bound bounds[BOUNDS];
	const size_t step = 777;
	struct clock_line line;

	measure(bounds, BOUNDS, 10e-6);
	for (size_t i = step; i < BOUNDS; i++)
		bounds[i].offset_ns += SECOND;
	assert_int_equal(clock_fit(bounds, BOUNDS, &line), step + 1);	/* an upper bound that is too high contradicts nothing */
	assert_int_equal(clock_fit(bounds + step, BOUNDS - step, &line), BOUNDS - step);
	assert_near(clock_line_offset_ns(&line, line.to_ns), true_offset(10e-6, line.to_ns) + SECOND, line.error_ns + 1);
}

/* --- what nobody measured */

static void any_bounds_are_taken(void **state)
{
	static struct clock_bound bounds[BOUNDS];

	for (int round = 0; round < 50; round++) {
		int64_t at = -(1LL << 53);
		struct clock_line line;

		for (size_t i = 0; i < BOUNDS; i++) {
			bounds[i] = bound(at, random_from(-(1LL << 54), 1LL << 54), random_from(0, 1));
			at += random_from(0, (1LL << 54) / BOUNDS);
		}
		for (size_t done = 0, taken; done < BOUNDS; done += taken) {
			taken = clock_fit(bounds + done, BOUNDS - done, &line);
			assert_in_range(taken, 1, BOUNDS - done);
			assert_true(line.error_ns >= 0);
		}
	}
}

/* Each of them is on the hull. */
static void a_curve_is_no_line(void **state)
{
	static struct clock_bound bounds[BOUNDS];
	struct clock_line line;

	for (int64_t i = 0; i < BOUNDS; i++)
		bounds[i] = bound(i * 1000000, -i * i / 10 + (i % 2 ? 1000000 : 0), i % 2);
	assert_int_equal(clock_fit(bounds, BOUNDS, &line), BOUNDS);
	assert_keeps_all(&line, bounds, BOUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_bounds_leave_what_is_between),
		cmocka_unit_test(an_error_grows_with_the_distance),
		cmocka_unit_test(bounds_of_one_side_say_nothing),
		cmocka_unit_test(what_contradicts_ends_a_line),
		cmocka_unit_test(the_error_is_that_of_all_lines),
		cmocka_unit_test(a_slewed_clock_is_followed),
		cmocka_unit_test(a_stepped_clock_has_two_lines),
		cmocka_unit_test(any_bounds_are_taken),
		cmocka_unit_test(a_curve_is_no_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
