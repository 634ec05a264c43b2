/* SPDX-License-Identifier: GPL-2.0-only */
/* sdeitop restore of a recording from the lab, in which a VMM restores in order, and then with each mistake, against golden files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/lib/command_run.h"
#include "tests/unit/lib/view_scene.h"
#include "cli/commands.h"
#include "util/log.h"

#define RECORDING "tests/data/recording-gic"

static char output[256 * 1024];

static int run(char *first, char *second, char *third)
{
	char *argv[] = { "restore", first, second, third, NULL };

	return run_command(&cmd_restore, argv, NULL, output, sizeof(output));
}

static void test_text(void **state)
{
	assert_int_equal(run(RECORDING, NULL, NULL), EXIT_DONE);
	assert_golden("restore.txt", output);
}

static void test_json(void **state)
{
	assert_int_equal(run("--json", RECORDING, NULL), EXIT_DONE);
	assert_golden("restore.json", output);
}

static void test_one_vm(void **state)
{
	assert_int_equal(run("--guest=creadr-lost", RECORDING, NULL), EXIT_DONE);
	assert_null(strstr(output, "creadr-missing"));
	assert_non_null(strstr(output, " creadr-lost from 2026-"));
	assert_non_null(strstr(output, "  error creadr-lost: "));
}

static void test_nothing(void **state)
{
	assert_int_equal(run("tests/data/recording-1", NULL, NULL), EXIT_DONE);
	assert_string_equal(output, "no VM was saved or restored\n");
}

static void test_usage(void **state)
{
	assert_int_equal(run(RECORDING, "--", "true"), EXIT_USAGE);
	assert_int_equal(run("--since", "1s", NULL), EXIT_USAGE);
	assert_non_null(strstr(output, "--since"));
	assert_int_equal(run("--sched", RECORDING, NULL), EXIT_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text), cmocka_unit_test(test_json), cmocka_unit_test(test_one_vm),
		cmocka_unit_test(test_nothing), cmocka_unit_test(test_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
