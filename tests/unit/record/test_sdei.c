// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bpf/record.h"
#include "record/sdei.h"

static void test_every_call_has_a_name(void **state)
{
	for (uint32_t function = SDEI_FN_FIRST; function <= SDEI_FN_LAST; function++)
		assert_non_null(sdei_call_name(function));
	assert_string_equal(sdei_call_name(0xC4000020), "VERSION");
	assert_string_equal(sdei_call_name(0xC4000026), "EVENT_COMPLETE_AND_RESUME");
	assert_string_equal(sdei_call_name(0xC4000032), "SHARED_RESET");
}

static void test_other_functions_have_none(void **state)
{
	assert_null(sdei_call_name(SDEI_FN_FIRST - 1));
	assert_null(sdei_call_name(SDEI_FN_LAST + 1));
	assert_null(sdei_call_name(0x84000020));
	assert_null(sdei_call_name(0));
}

static void test_results(void **state)
{
	assert_string_equal(sdei_result_name(0), "SUCCESS");
	assert_string_equal(sdei_result_name(INT64_MAX), "SUCCESS");
	assert_string_equal(sdei_result_name(-1), "NOT_SUPPORTED");
	assert_string_equal(sdei_result_name(-2), "INVALID_PARAMETERS");
	assert_string_equal(sdei_result_name(-3), "DENIED");
	assert_null(sdei_result_name(-4));
	assert_string_equal(sdei_result_name(-5), "PENDING");
	assert_string_equal(sdei_result_name(-10), "OUT_OF_RESOURCE");
	assert_null(sdei_result_name(INT64_MIN));
	/* Not a result, though its low half is one. */
	assert_null(sdei_result_name((int64_t)0xffffffff00000000 - 1));
}

static void test_kinds(void **state)
{
	assert_null(sdei_kind_name(SDEI_KIND_NONE));
	assert_string_equal(sdei_kind_name(SDEI_REGISTER), "register");
	assert_string_equal(sdei_kind_name(SDEI_STATE), "state");
	assert_null(sdei_kind_name(SDEI_KIND_COUNT));
	for (unsigned int kind = SDEI_KIND_NONE + 1; kind < SDEI_KIND_COUNT; kind++)
		assert_non_null(sdei_kind_name(kind));
}

static void test_errors(void **state)
{
	assert_string_equal(sdei_error_name(-ENOENT), "ENOENT");
	assert_string_equal(sdei_error_name(EBUSY), "EBUSY");
	assert_string_equal(sdei_error_name(-EPERM), "EPERM");
	assert_string_equal(sdei_error_name(EINVAL), "EINVAL");
	assert_null(sdei_error_name(0));
	assert_null(sdei_error_name(INT_MIN));
}

static void test_letters(void **state)
{
	char buf[6];

	assert_string_equal(sdei_state_letters(0, buf), "-----");
	assert_string_equal(sdei_state_letters(SDEI_REGISTERED | SDEI_ENABLED, buf), "RE---");
	assert_string_equal(sdei_state_letters(SDEI_RUNNING | SDEI_MASKED, buf), "--U-M");
	assert_string_equal(sdei_state_letters(SDEI_PENDING, buf), "---P-");
	assert_string_equal(sdei_state_letters(~0U, buf), "REUPM");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_call_has_a_name),
		cmocka_unit_test(test_other_functions_have_none),
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_letters),
	};

	return cmocka_run_group_tests_name("sdei", tests, NULL, NULL);
}
