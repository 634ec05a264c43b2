/* SPDX-License-Identifier: GPL-2.0-only */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/text.h"

static void assert_terminal(const char *in, bool utf8, const char *want)
{
	char *got = escape_terminal(in, utf8);

	assert_string_equal(got, want);
	free(got);
}

static void assert_json(const char *in, const char *want)
{
	char *got = NULL;
	size_t size;
	FILE *out = open_memstream(&got, &size);

	escape_json(out, in);
	fclose(out);
	assert_string_equal(got, want);
	free(got);
}

static void test_plain_stays(void **state)
{
	assert_terminal("web-1 (blue) ~%$", true, "web-1 (blue) ~%$");
	assert_terminal("", true, "");
	assert_terminal("caf\xc3\xa9 \xe6\xbc\xa2", true, "caf\xc3\xa9 \xe6\xbc\xa2");
}

static void test_controls(void **state)
{
	assert_terminal("a\033[31mb", true, "a\\x1b[31mb");
	assert_terminal("\001\t\n\r\b\177", true, "\\x01\\x09\\x0a\\x0d\\x08\\x7f");
	assert_terminal("\xc2\x9b" "2J", true, "\\u009b2J");		/* C1 CSI */
	assert_terminal("back\\slash", true, "back\\\\slash");
}

static void test_reordering(void **state)
{
	assert_terminal("gpj.\xe2\x80\xae" "exe", true, "gpj.\\u202eexe");
	assert_terminal("\xe2\x81\xa6x\xe2\x81\xa9", true, "\\u2066x\\u2069");
	assert_terminal("\xe2\x80\x8b\xef\xbb\xbf", true, "\\u200b\\ufeff");
	assert_terminal("e\xcc\x81", true, "e\\u0301");			/* combining: may pile up */
	assert_terminal("\xf3\xa0\x81\x81", true, "\\U000e0041");	/* tags */
}

static void test_broken_utf8(void **state)
{
	assert_terminal("\xff", true, "\\xff");
	assert_terminal("a\xe6\xbc", true, "a\\xe6\\xbc");		/* cut off */
	assert_terminal("\xc0\x80", true, "\\xc0\\x80");		/* overlong */
	assert_terminal("\xe0\x80\xaf", true, "\\xe0\\x80\\xaf");
	assert_terminal("\xed\xa0\x80", true, "\\xed\\xa0\\x80");	/* surrogate */
	assert_terminal("\xf4\x90\x80\x80", true, "\\xf4\\x90\\x80\\x80");	/* above U+10FFFF */
	assert_terminal("\x80" "abc", true, "\\x80" "abc");
}

static void test_ascii_only(void **state)
{
	assert_terminal("caf\xc3\xa9 \xf0\x9f\x98\x80", false, "caf\\u00e9 \\U0001f600");
}

/* Whatever two bytes a name has, what comes out is printable ASCII. */
static void test_all_pairs(void **state)
{
	for (int a = 1; a < 256; a++) {
		for (int b = 0; b < 256; b++) {
			char in[] = { a, b, 0 };
			char *got = escape_terminal(in, false);

			for (const char *c = got; *c; c++)
				assert_in_range(*c, ' ', '~');
			free(got);
		}
	}
}

static void test_json(void **state)
{
	assert_json("web", "\"web\"");
	assert_json("\"\\\n\033\177", "\"\\\"\\\\\\u000a\\u001b\\u007f\"");
	assert_json("caf\xc3\xa9", "\"caf\xc3\xa9\"");
	assert_json("\xff\xe2\x80\xae", "\"\\ufffd\\u202e\"");
	assert_json("\xf3\xa0\x81\x81", "\"\\udb40\\udc41\"");
	assert_json("\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"");
}

static void test_cut(void **state)
{
	unsigned int used;

	assert_int_equal(text_width("abc"), 3);
	assert_int_equal(text_width("\xe6\xbc\xa2x"), 3);
	assert_int_equal(text_cut("abc", 2, &used), 2);
	assert_int_equal(used, 2);
	assert_int_equal(text_cut("a\xe6\xbc\xa2", 2, &used), 1);	/* half a wide character does not fit */
	assert_int_equal(used, 1);
	assert_int_equal(text_cut("a\xe6\xbc\xa2", 3, NULL), 4);
	assert_int_equal(text_cut("abc", 0, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_stays), cmocka_unit_test(test_controls), cmocka_unit_test(test_reordering),
		cmocka_unit_test(test_broken_utf8), cmocka_unit_test(test_ascii_only), cmocka_unit_test(test_all_pairs),
		cmocka_unit_test(test_json), cmocka_unit_test(test_cut),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8")) {
		puts("skip escape no C.UTF-8 locale");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
