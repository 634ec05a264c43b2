// SPDX-License-Identifier: GPL-2.0-only
/* The hash of the model against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/idmap.h"

#define IDS 3001

static uint64_t seed = 1;

static uint64_t chance(uint64_t below)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % below;
}

/* Few ids of one VM, many VMs, or ids that share a home. */
static uint64_t id_of(unsigned int i, unsigned int pattern)
{
	switch (pattern) {
	case 0:
		return (uint64_t)7 << 32 | i;
	case 1:
		return (uint64_t)i << 32;
	default:
		return (uint64_t)i << 60 | i;
	}
}

static void check_all(const struct idmap *map, char *const *expected, unsigned int pattern)
{
	for (unsigned int i = 0; i < IDS; i++)
		assert_ptr_equal(idmap_find(map, id_of(i, pattern)), expected[i]);
}

static void test_random(void **state)
{
	static char values[IDS], *expected[IDS];

	for (unsigned int pattern = 0; pattern < 3; pattern++) {
		struct idmap map = { 0 };

		for (unsigned int i = 0; i < IDS; i++)
			expected[i] = NULL;
		for (unsigned int round = 0; round < 60000; round++) {
			unsigned int i = chance(IDS);

			if (chance(2)) {
				expected[i] = &values[chance(IDS)];
				assert_int_equal(idmap_put(&map, id_of(i, pattern), expected[i]), 0);
			} else {
				idmap_remove(&map, id_of(i, pattern), expected[i] ? expected[i] : values);
				expected[i] = NULL;
			}
			if (round % 1000 == 0)
				check_all(&map, expected, pattern);
		}
		check_all(&map, expected, pattern);
		idmap_release(&map);
	}
}

static void test_removes_only_that_value(void **state)
{
	struct idmap map = { 0 };
	char a = 0, b = 0;

	idmap_remove(&map, 5, &a);
	assert_null(idmap_find(&map, 5));
	assert_int_equal(idmap_put(&map, 5, &a), 0);
	assert_int_equal(idmap_put(&map, 5, &b), 0);
	assert_int_equal(map.used, 1);
	idmap_remove(&map, 5, &a);	/* replaced before */
	assert_ptr_equal(idmap_find(&map, 5), &b);
	idmap_remove(&map, 5, &b);
	assert_null(idmap_find(&map, 5));
	assert_int_equal(map.used, 0);
	idmap_release(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_removes_only_that_value),
	};

	return cmocka_run_group_tests_name("idmap", tests, NULL, NULL);
}
