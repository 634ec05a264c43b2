// SPDX-License-Identifier: GPL-2.0-only
/* Built in, loaded or neither, from what /sys looks like then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "source/kvm_module.h"
#include "tests/unit/lib/directory.h"

static void put(const char *sys, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", sys, name);
	if (!text) {
		assert_int_equal(mkdir(path, 0700), 0);
		return;
	}
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void test_states(void **state)
{
	char sys[] = "/tmp/sdeitop-kvm-XXXXXX";

	assert_non_null(mkdtemp(sys));
	assert_int_equal(kvm_module_in(sys), KVM_MISSING);
	put(sys, "module", NULL);
	put(sys, "module/kvm_stat", NULL);
	assert_int_equal(kvm_module_in(sys), KVM_MISSING);
	put(sys, "module/kvm", NULL);
	assert_int_equal(kvm_module_in(sys), KVM_BUILT_IN);
	put(sys, "module/kvm/initstate", "coming\n");
	assert_int_equal(kvm_module_in(sys), KVM_MISSING);
	put(sys, "module/kvm/initstate", "live\n");
	assert_int_equal(kvm_module_in(sys), KVM_LOADED);
	put(sys, "module/kvm/initstate", "going\n");
	assert_int_equal(kvm_module_in(sys), KVM_MISSING);
	assert_int_equal(remove_tree(sys), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
