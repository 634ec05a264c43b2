// SPDX-License-Identifier: GPL-2.0-only
/* A sum that is spread over columns of time: what is in each, and that nothing gets lost between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/spread.h"

#define COLUMNS 16
#define AMOUNT 1000

/* Spread from begin to end over columns of 100 ns from 1000 ns on: the first column's number, and what is in it and those behind it. */
static void assert_shares(uint64_t begin_ns, uint64_t end_ns, unsigned int first, const uint64_t *shares, unsigned int count)
{
	const struct spread s = { .begin_ns = begin_ns, .end_ns = end_ns };
	const struct spread_columns columns = spread_over(&s, 1000, 100, COLUMNS - 1);

	assert_int_equal(columns.first, first);
	assert_int_equal(columns.last, first + count - 1);
	for (unsigned int i = 0; i < COLUMNS; i++)
		assert_int_equal(spread_share(&s, AMOUNT, &columns, i), i < first || i >= first + count ? 0 : shares[i - first]);
}

#define SHARES(...) (uint64_t[]){ __VA_ARGS__ }, sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t)

static void test_shares(void **state)
{
	assert_shares(1110, 1190, 1, SHARES(AMOUNT));
	assert_shares(1100, 1200, 1, SHARES(AMOUNT, 0));	/* it ends where the next one begins */
	assert_shares(1150, 1350, 1, SHARES(250, 500, 250));
	assert_shares(1199, 1202, 1, SHARES(333, 667));
	assert_shares(1300, 1300, 3, SHARES(AMOUNT));		/* no time */
}

static void test_beside_the_columns(void **state)
{
	assert_shares(900, 1100, 0, SHARES(AMOUNT, 0));
	assert_shares(800, 1200, 0, SHARES(750, 250, 0));
	assert_shares(100, 900, 0, SHARES(AMOUNT));
	assert_shares(2400, 2800, 14, SHARES(250, 750));
	assert_shares(3000, 3100, 15, SHARES(AMOUNT));
}

static void test_large(void **state)
{
	const struct spread s = { .begin_ns = 0, .end_ns = UINT64_MAX };
	const struct spread_columns columns = spread_over(&s, 0, UINT64_MAX / COLUMNS + 1, COLUMNS - 1);
	uint64_t sum = 0;

	for (unsigned int i = 0; i < COLUMNS; i++) {
		uint64_t share = spread_share(&s, UINT64_MAX, &columns, i);

		assert_in_range(share, UINT64_MAX / COLUMNS, UINT64_MAX / COLUMNS + 1);
		sum += share;
	}
	assert_true(sum == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shares), cmocka_unit_test(test_beside_the_columns), cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
