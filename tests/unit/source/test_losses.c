// SPDX-License-Identifier: GPL-2.0-only
/* What is new in counts that only grow, for as many keys as the kernel's map holds, and again when it was emptied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "source/losses.h"

#define KEYS 8192

static struct sdei_lost_key key_of(uint32_t i)
{
	return (struct sdei_lost_key){ .vm = 1 + i % 7, .vcpu = i % 5, .event = i, .kind = SDEI_CALL, .error = -(int32_t)(i % 3) };
}

static uint64_t update(struct losses *l, uint32_t i, uint64_t total)
{
	const struct sdei_lost_key key = key_of(i);

	return losses_update(l, &key, total);
}

static void test_what_is_new(void **state)
{
	struct losses *l = losses_new(KEYS);

	assert_non_null(l);
	for (unsigned int round = 0; round < 3; round++) {	/* the map was emptied before the second and the third */
		assert_int_equal(losses_keys(l), 0);
		for (uint32_t i = 0; i < KEYS; i++) {
			assert_int_equal(update(l, i, 0), 0);
			assert_int_equal(update(l, i, i + 1), i + 1);
		}
		assert_int_equal(losses_keys(l), KEYS);
		for (uint32_t i = 0; i < KEYS; i++) {
			assert_int_equal(update(l, i, i + 1), 0);
			assert_int_equal(update(l, i, i + 3), 2);
		}
		assert_int_equal(losses_keys(l), KEYS);
		losses_clear(l);
	}
	losses_free(l);
	losses_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_what_is_new) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
