// SPDX-License-Identifier: GPL-2.0-only
/* What a line says of the answer of a call: names for results, bits in hexadecimal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/record.h"
#include "record/json.h"
#include "record/sdei.h"
#include "record/text.h"

static const struct { uint32_t function; uint64_t arg; int64_t result; const char *shown; } answers[] = {
	{ SDEI_FN_VERSION, 0, 0x1000100000000, "VERSION(0x0, 0x0, 0x0) = 0x1000100000000\n" },
	{ SDEI_FN_VERSION, 0, -1, "VERSION(0x0, 0x0, 0x0) = NOT_SUPPORTED\n" },
	{ SDEI_FN_EVENT_STATUS, 0, 3, "EVENT_STATUS(0x0, 0x0, 0x0) = 3\n" },
	{ SDEI_FN_EVENT_ENABLE, 9, -2, "EVENT_ENABLE(0x9, 0x0, 0x0) = INVALID_PARAMETERS\n" },
	{ SDEI_FN_EVENT_CONTEXT, 17, -2, "EVENT_CONTEXT(0x11, 0x0, 0x0) = 0xfffffffffffffffe\n" },
	{ SDEI_FN_EVENT_CONTEXT, 18, -2, "EVENT_CONTEXT(0x12, 0x0, 0x0) = INVALID_PARAMETERS\n" },
	{ SDEI_FN_EVENT_CONTEXT, 0, -3, "EVENT_CONTEXT(0x0, 0x0, 0x0) = 0xfffffffffffffffd or DENIED\n" },
	{ SDEI_FN_EVENT_CONTEXT, 1, 24, "EVENT_CONTEXT(0x1, 0x0, 0x0) = 0x18\n" },
};

static void test_answers(void **state)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct sdei_record_call call = {
			.head = { .kind = SDEI_CALL, .event = SDEI_NONE, .result = answers[i].result },
			.function = answers[i].function, .args = { answers[i].arg },
		};
		const struct times times = { .form = TIMES_MONO };
		struct times_printer printer = { .times = &times };
		size_t size, length = strlen(answers[i].shown);
		char *text = NULL;
		FILE *out = open_memstream(&text, &size);

		assert_non_null(out);
		record_text_record(out, &printer, &call.head, "web");
		assert_int_equal(fclose(out), 0);
		assert_true(size > length);
		assert_string_equal(text + size - length, answers[i].shown);
		free(text);
	}
}

/* What a recording's snapshot knows of the past. */
static void test_snapshot(void **state)
{
	struct sdei_record_handler r = {
		.head = { .time_ns = 5000, .event = 1, .kind = SDEI_STATE, .state = SDEI_REGISTERED | SDEI_RUNNING, .origin = SDEI_SNAPSHOT, .arg = 1000 },
	};
	const struct times times = { .form = TIMES_MONO };
	struct times_printer printer = { .times = &times };
	size_t size;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	record_text_record(out, &printer, &r.head, "web");
	r.head.arg = 5001;	/* that is to come */
	record_text_record(out, &printer, &r.head, "web");
	assert_int_equal(sdei_open_ns(&r.head), 0);
	r.head.arg = 1000;
	json_record(out, &printer, &r.head, "web");
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text, "snapshot, for 4000 ns\n"));
	assert_non_null(strstr(text, "snapshot\n"));
	assert_non_null(strstr(text, "\"open_ns\":4000"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_answers), cmocka_unit_test(test_snapshot) };

	return cmocka_run_group_tests_name("text of records", tests, NULL, NULL);
}
