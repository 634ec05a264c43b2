/* SPDX-License-Identifier: GPL-2.0-only */
/* sdeitop events of a recording: what would do nothing is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/lib/command_run.h"
#include "cli/commands.h"
#include "util/log.h"

#define RECORDING "tests/data/recording-1"

static void refused(char *option, char *value)
{
	char *argv[] = { "events", option, value ?: RECORDING, value ? RECORDING : NULL, NULL };
	char output[512];

	assert_int_equal(run_command(&cmd_events, argv, NULL, output, sizeof(output)), EXIT_USAGE);
	assert_non_null(strstr(output, " is for live tracing"));
	assert_non_null(strstr(output, option));
}

static void test_live_options(void **state)
{
	refused("--no-calls", NULL);
	refused("--gic", NULL);
	refused("--sched", NULL);
	refused("--ring-size", "64K");
}

static void test_others(void **state)
{
	char *argv[] = { "events", "--count", "1", RECORDING, NULL };
	char output[512];

	assert_int_equal(run_command(&cmd_events, argv, NULL, output, sizeof(output)), EXIT_DONE);
	assert_non_null(strstr(output, "state"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live_options),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
