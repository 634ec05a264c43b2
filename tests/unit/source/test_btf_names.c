// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <bpf/btf.h>

#include "source/btf_names.h"

#define MANY 5000

/* Every answer, also where there is none, is that of libbpf. */
static void check(const struct btf *btf, const struct btf_names *names, const char *name)
{
	static const unsigned int kinds[] = { BTF_KIND_FUNC, BTF_KIND_STRUCT, BTF_KIND_TYPEDEF };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		assert_int_equal(btf_names_find(names, name, kinds[i]), btf__find_by_name_kind(btf, name, kinds[i]));
}

static void check_all(const struct btf *btf)
{
	struct btf_names *names = btf_names_new(btf);
	char name[32];

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%d", i);
		check(btf, names, name);
	}
	check(btf, names, "both");
	check(btf, names, "");
	btf_names_free(names);
}

/* Structs, functions and typedefs of the same names, some twice, and other types in between. */
static void fill(struct btf *btf, int from, int step)
{
	int proto = btf__add_func_proto(btf, 0);
	char name[32];

	for (int i = from; i < MANY; i += step) {
		snprintf(name, sizeof(name), "%d", i);
		if (i % 3 == 0)
			assert_true(btf__add_struct(btf, name, 0) > 0);
		if (i % 3 != 1)
			assert_true(btf__add_typedef(btf, name, 0) > 0);
		if (i % 7 == 0)
			assert_true(btf__add_func(btf, name, BTF_FUNC_STATIC, proto) > 0);
		if (i % 11 == 0)
			assert_true(btf__add_struct(btf, name, 0) > 0);
		if (i % 2)
			assert_true(btf__add_int(btf, name, 4, 0) > 0);
	}
	assert_true(btf__add_struct(btf, "both", 0) > 0);
}

static void test_as_libbpf(void **state)
{
	struct btf *btf = btf__new_empty();

	fill(btf, 0, 2);
	check_all(btf);
	btf__free(btf);
}

/* What is in both is found where libbpf finds it: in what the other is split from. */
static void test_split(void **state)
{
	struct btf *kernel = btf__new_empty(), *module;

	fill(kernel, 0, 3);
	module = btf__new_empty_split(kernel);
	fill(module, 1, 2);
	check_all(module);
	btf__free(module);
	btf__free(kernel);
}

static void test_empty(void **state)
{
	struct btf *btf = btf__new_empty();
	struct btf_names *names = btf_names_new(btf);

	assert_int_equal(btf_names_find(names, "kvm", BTF_KIND_STRUCT), -ENOENT);
	btf_names_free(names);
	btf__free(btf);
	btf_names_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_libbpf),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
