// SPDX-License-Identifier: GPL-2.0-only
/* Calls by result, and how long they took, where that is known: as a page and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/lib/one_model.h"
#include "view/figures/json.h"
#include "view/figures/page_calls.h"

#define VM 7

/* Of a vCPU; took 0: not known. */
static void call(uint32_t vcpu, uint32_t function, int64_t result, uint32_t took)
{
	static uint64_t time_ns;
	const struct sdei_record_call r = {
		.head = { .time_ns = ++time_ns, .vm = VM, .vcpu = vcpu, .event = SDEI_NONE, .kind = SDEI_CALL, .result = result },
		.function = function, .duration_ns = took,
	};

	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
}

static void assert_page(bool refused, const char *expected)
{
	struct calls calls = { 0 };
	struct page page = { 0 };
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	calls_add_vm(&calls, model_vm(m, VM));
	page_calls(&page, &calls, refused);
	page_print(&page, out);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
	page_clear(&page);
	calls_release(&calls);
}

static void test_not_timed(void **state)
{
	call(0, SDEI_FN_VERSION, 0, 0);
	call(0, SDEI_FN_EVENT_STATUS, -2, 0);
	assert_page(false, "call                            count  results\n"
			   "VERSION                             1  SUCCESS 1\n"
			   "EVENT_STATUS                        1  INVALID_PARAMETERS 1\n");
}

/* Of both vCPUs, whatever came of them; a dash where it is not known of any. */
static void test_timed(void **state)
{
	for (unsigned int i = 0; i < 98; i++)
		call(0, SDEI_FN_EVENT_STATUS, 0, 2000);
	call(1, SDEI_FN_EVENT_STATUS, -2, 100000);
	call(1, SDEI_FN_EVENT_STATUS, 0, 1234567);
	call(1, SDEI_FN_VERSION, 0, 0);
	assert_page(false, "call                            count    p50us    p99us    maxus  results\n"
			   "VERSION                             1        -        -        -  SUCCESS 1\n"
			   "EVENT_STATUS                      100      2.0    100.4     1235  SUCCESS 99  INVALID_PARAMETERS 1\n");
	assert_page(true, "call                          refused  results\n"
			  "EVENT_STATUS                        1  INVALID_PARAMETERS 1\n");
}

/* Of each vCPU its own, and nothing of one of which nothing is known. */
static void test_json(void **state)
{
	const struct status status = { 0 };
	static const char expected[] = "\"call_times\":{\"PE_MASK\":{\"count\":2,\"sum_ns\":8000,\"min_ns\":3000,\"max_ns\":5000,";
	char *text, *times;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	call(0, SDEI_FN_PE_MASK, 1, 3000);
	call(0, SDEI_FN_PE_MASK, 1, 5000);
	call(1, SDEI_FN_PE_MASK, 1, 0);
	json_summary(out, m, &status);
	fclose(out);
	times = strstr(text, "\"call_times\":{");
	assert_non_null(times);
	assert_null(strstr(times + 1, "\"call_times\""));
	assert_memory_equal(times, expected, sizeof(expected) - 1);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_not_timed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_json, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
