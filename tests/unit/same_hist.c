// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "same_hist.h"

void same_hist(const struct hist *a, const struct hist *b)
{
	struct hist_bucket in_a, in_b;
	unsigned int i = 0, k = 0;

	assert_int_equal(hist_count(a), hist_count(b));
	assert_int_equal(hist_sum(a), hist_sum(b));
	assert_int_equal(hist_min(a), hist_min(b));
	assert_int_equal(hist_max(a), hist_max(b));
	assert_true(hist_stddev(a) == hist_stddev(b));
	assert_int_equal(!hist_worst(a), !hist_worst(b));
	if (hist_worst(a))
		assert_memory_equal(hist_worst(a), hist_worst(b), sizeof(*hist_worst(a)));
	while (hist_next(a, &i, &in_a)) {
		assert_true(hist_next(b, &k, &in_b));
		assert_memory_equal(&in_a, &in_b, sizeof(in_a));
	}
	assert_false(hist_next(b, &k, &in_b));
}
