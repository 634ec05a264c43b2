/* SPDX-License-Identifier: GPL-2.0-only */
/* Text put together by hand is what printf() would have made of it, whatever its length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <inttypes.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/json.h"
#include "tests/random_bits.h"

static uint64_t seed = 7;

/* Of any number of digits, and the ends. */
static uint64_t random_value(void)
{
	switch (random_bits(&seed) % 8) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
		return 1ULL << 63;
	default:
		return random_bits(&seed) >> random_bits(&seed) % 64;
	}
}

static const char *random_text(char *buf, size_t longest)
{
	size_t length = random_bits(&seed) % (longest + 1);

	for (size_t i = 0; i < length; i++)
		buf[i] = (char)(' ' + random_bits(&seed) % 95);
	buf[length] = '\0';
	return buf;
}

static void put_one(struct line *p, FILE *expected)
{
	uint64_t value = random_value();
	unsigned int width = random_bits(&seed) % 30;
	char text[3 * LINE_ROOM];

	switch (random_bits(&seed) % 7) {
	case 0:
		line_u64(p, value, width, ' ');
		fprintf(expected, "%*" PRIu64, (int)width, value);
		break;
	case 1:
		line_u64(p, value, width, '0');
		fprintf(expected, "%0*" PRIu64, (int)width, value);
		break;
	case 2:
		line_i64(p, (int64_t)value);
		fprintf(expected, "%" PRId64, (int64_t)value);
		break;
	case 3:
		line_hex(p, value, width);
		fprintf(expected, "0x%0*" PRIx64, (int)width, value);
		break;
	case 4:
		line_left(p, random_text(text, 40), width);
		fprintf(expected, "%-*s", (int)width, text);
		break;
	case 5:
		line_char(p, '%');
		putc('%', expected);
		break;
	case 6:
		/* Now and then more than there is room for. */
		line_text(p, random_text(text, random_bits(&seed) % 50 ? 20 : sizeof(text) - 1));
		fputs(text, expected);
		break;
	}
}

static void test_like_printf(void **state)
{
	for (int round = 0; round < 2000; round++) {
		char *made, *expected;
		size_t made_size, expected_size;
		FILE *out = open_memstream(&made, &made_size), *other = open_memstream(&expected, &expected_size);
		struct line p;

		line_begin(&p, out);
		for (uint64_t count = random_bits(&seed) % 60; count--;)
			put_one(&p, other);
		line_end(&p);
		assert_int_equal(fclose(out), 0);
		assert_int_equal(fclose(other), 0);
		assert_int_equal(made_size, expected_size);
		assert_memory_equal(made, expected, expected_size);
		free(made);
		free(expected);
	}
}

/* The same members by way of what is plain and of what is not. */
static void test_json(void **state)
{
	static const char *const texts[][2] = {
		{ "", "\"\"" }, { "plain ~", "\"plain ~\"" }, { "a\"b\\", "\"a\\\"b\\\\\"" }, { "\x7f\x1f\n", "\"\\u007f\\u001f\\u000a\"" },
		{ "gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\"" }, { "cut \xc3", "\"cut \\ufffd\"" }, { "\xe2\x80\xae", "\"\\u202e\"" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *made, expected[128];
		size_t size;
		FILE *out = open_memstream(&made, &size);
		struct json j;

		json_start(&j, out);
		json_open(&j, NULL, '{');
		json_text(&j, "text", texts[i][0]);
		json_address(&j, "address", 0xfeedULL);
		json_i64(&j, "less", INT64_MIN);
		json_null(&j, "none");
		json_close(&j, '}');
		assert_int_equal(fclose(out), 0);
		snprintf(expected, sizeof(expected), "{\"text\":%s,\"address\":\"0xfeed\",\"less\":-9223372036854775808,\"none\":null}",
			 texts[i][1]);
		assert_string_equal(made, expected);
		free(made);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_like_printf),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
