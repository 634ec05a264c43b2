// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/lib/same_hist.h"

static void same_worst(const struct hist_worst *a, const struct hist_worst *b)
{
	assert_int_equal(a->value_ns, b->value_ns);
	assert_int_equal(a->time_ns, b->time_ns);
	assert_int_equal(a->vm, b->vm);
	assert_int_equal(a->vcpu, b->vcpu);
	assert_int_equal(a->event, b->event);
}

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
		same_worst(hist_worst(a), hist_worst(b));
	while (hist_next(a, &i, &in_a)) {
		assert_true(hist_next(b, &k, &in_b));
		assert_memory_equal(&in_a, &in_b, sizeof(in_a));
	}
	assert_false(hist_next(b, &k, &in_b));
}
