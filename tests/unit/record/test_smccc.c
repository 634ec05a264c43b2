// SPDX-License-Identifier: GPL-2.0-only
/* The names of calls that KVM's SDEI does not see, and what a line and an object say of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record/json.h"
#include "record/sdei.h"
#include "record/smccc.h"
#include "record/text.h"

static void test_functions(void **state)
{
	assert_int_equal(psci_call_of(0x84000003), PSCI_CPU_ON);
	assert_int_equal(psci_call_of(0xC4000003), PSCI_CPU_ON);
	assert_int_equal(psci_call_of(0x84000002), PSCI_CPU_OFF);
	assert_int_equal(psci_call_of(0x84000004), PSCI_CALL_COUNT);	/* AFFINITY_INFO */
	assert_int_equal(psci_call_of(0x04000003), PSCI_CALL_COUNT);
	assert_string_equal(psci_call_name(PSCI_SYSTEM_OFF2), "SYSTEM_OFF2");
	assert_null(psci_call_name(PSCI_CALL_COUNT));
	assert_true(smccc_is_sdei(0xC4000020) && smccc_is_sdei(0xC400003F));
	assert_false(smccc_is_sdei(0xC400001F) || smccc_is_sdei(0xC4000040) || smccc_is_sdei(0x84000020));
	assert_string_equal(smccc_interface(0xC4000033), "SDEI");
	assert_null(smccc_function_name(0xC4000033));
	assert_null(smccc_interface(0x84000050));	/* TRNG */
}

static void test_results(void **state)
{
	assert_string_equal(smccc_result_name(0x84000003, 0), "SUCCESS");
	assert_string_equal(smccc_result_name(0x84000003, -4), "ALREADY_ON");
	assert_string_equal(smccc_result_name(0x84000003, -5), "ON_PENDING");
	assert_string_equal(smccc_result_name(0x84000003, -9), "INVALID_ADDRESS");
	assert_null(smccc_result_name(0x84000003, -10));
	assert_string_equal(smccc_result_name(SDEI_FN_VERSION, -5), "PENDING");
	assert_string_equal(smccc_result_name(0x84000002, -5), "ON_PENDING");
}

static const struct {
	struct sdei_record_smccc call;
	const char *text, *json;
} calls[] = {
	{ { { .outcome = SMCCC_ANSWERED, .result = -1 }, { 5, 0 }, 1200, SDEI_FN_EVENT_STATUS, SDEI_NONE },
	  "SDEI EVENT_STATUS(0x5, 0x0) = NOT_SUPPORTED in 1200 ns\n",
	  ",\"interface\":\"SDEI\",\"function\":\"0xc4000028\",\"function_name\":\"EVENT_STATUS\",\"outcome\":\"answered\",\"result\":-1,"
	  "\"result_name\":\"NOT_SUPPORTED\",\"args\":[\"0x5\",\"0x0\"],\"duration_ns\":1200}\n" },
	{ { { .outcome = SMCCC_FORWARDED }, { 0, 0 }, 0, SDEI_FN_VERSION, SDEI_NONE },
	  "SDEI VERSION(0x0, 0x0), left to the VMM\n",
	  ",\"interface\":\"SDEI\",\"function\":\"0xc4000020\",\"function_name\":\"VERSION\",\"outcome\":\"forwarded\","
	  "\"args\":[\"0x0\",\"0x0\"]}\n" },
	{ { { .outcome = SMCCC_ANSWERED }, { 0x100, 0x40000000 }, 9, 0xC4000003, 16 },
	  "PSCI CPU_ON(0x100, 0x40000000) of vCPU 16 = SUCCESS in 9 ns\n",
	  ",\"interface\":\"PSCI\",\"function\":\"0xc4000003\",\"function_name\":\"CPU_ON\",\"outcome\":\"answered\",\"result\":0,"
	  "\"result_name\":\"SUCCESS\",\"args\":[\"0x100\",\"0x40000000\"],\"target\":16,\"duration_ns\":9}\n" },
	{ { { .outcome = SMCCC_ANSWERED, .result = -2 }, { 7, 0 }, 0, 0x84000003, SDEI_NONE },
	  "PSCI CPU_ON(0x7, 0x0) = INVALID_PARAMETERS\n", ",\"target\":null}\n" },
	{ { { .outcome = SMCCC_BEGUN }, { 1, 0 }, 0, 0xC4000001, SDEI_NONE },
	  "PSCI CPU_SUSPEND begins, with the PE masked\n",
	  ",\"interface\":\"PSCI\",\"function\":\"0xc4000001\",\"function_name\":\"CPU_SUSPEND\",\"outcome\":\"begun\"}\n" },
	{ { { .outcome = SMCCC_ANSWERED, .result = 3 }, { 0, 0 }, 0, 0xC4000033, SDEI_NONE },
	  "SDEI 0xc4000033(0x0, 0x0) = 3\n", ",\"function_name\":null,\"outcome\":\"answered\",\"result\":3,\"result_name\":\"SUCCESS\",\"args\":[\"0x0\",\"0x0\"]}\n" },
};

static void assert_ends(char *text, const char *end)
{
	size_t size = strlen(text), length = strlen(end);

	assert_true(size > length);
	assert_string_equal(text + size - length, end);
	free(text);
}

static void test_shown(void **state)
{
	const struct times times = { .form = TIMES_MONO };

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		struct times_printer printer = { .times = &times };
		struct sdei_record_smccc call = calls[i].call;
		char *text = NULL, *json = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		call.head.kind = SDEI_SMCCC;
		call.head.event = SDEI_NONE;
		assert_non_null(out);
		record_text_record(out, &printer, &call.head, "web");
		assert_int_equal(fclose(out), 0);
		out = open_memstream(&json, &size);
		assert_non_null(out);
		json_record(out, &printer, &call.head, "web");
		assert_int_equal(fclose(out), 0);
		assert_non_null(strstr(text, "smccc"));
		assert_ends(text, calls[i].text);
		assert_ends(json, calls[i].json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions), cmocka_unit_test(test_results), cmocka_unit_test(test_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
